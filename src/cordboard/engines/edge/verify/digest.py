"""Digest credentials (RFC 7616): what a challenge asks for, and what answers it."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Final

from cordboard.domain.verifications import Login
from cordboard.engines.edge.verify.sip import Response

#: By the names that challenges have for them, the better one first.
ALGORITHMS: Final = {"SHA-256": "sha256", "MD5": "md5"}


@dataclass(frozen=True, slots=True)
class Challenge:
    """One `WWW-Authenticate` or `Proxy-Authenticate`."""

    proxy: bool
    realm: str
    nonce: str
    algorithm: str
    #: Whether `auth` is offered; without any quality it is the digest of RFC 2069.
    quality: bool
    opaque: str | None
    stale: bool

    def answer(self, login: Login, method: str, uri: str) -> tuple[str, str]:
        """Name and value of the header field that proves the password."""
        given = {"username": login.username, "realm": self.realm, "nonce": self.nonce, "uri": uri}
        secret = self._hash(f"{login.username}:{self.realm}:{login.password}")
        middle = [self.nonce]
        bare = {"algorithm": self.algorithm}
        if self.quality:
            client = secrets.token_hex(8)
            middle += ["00000001", client, "auth"]
            given["cnonce"] = client
            bare |= {"qop": "auth", "nc": "00000001"}
        given["response"] = self._hash(":".join([secret, *middle, self._hash(f"{method}:{uri}")]))
        if self.opaque is not None:
            given["opaque"] = self.opaque
        quoted = [f'{name}="{value}"' for name, value in given.items()]
        plain = [f"{name}={value}" for name, value in bare.items()]
        return "Proxy-Authorization" if self.proxy else "Authorization", "Digest " + ", ".join([*quoted, *plain])

    def _hash(self, text: str) -> str:
        return hashlib.new(ALGORITHMS[self.algorithm], text.encode(), usedforsecurity=False).hexdigest()


def challenges(response: Response) -> list[Challenge]:
    """Those of a 401 or 407, as they stand there; of other schemes than Digest none."""
    proxy = response.status == 407
    found = []
    for header in response.all("proxy-authenticate" if proxy else "www-authenticate"):
        if not header.lower().startswith("digest "):
            continue
        fields = {
            name.lower(): quoted or plain
            for name, quoted, plain in re.findall(r'(\w+)\s*=\s*(?:"([^"]*)"|([^",\s]+))', header)
        }
        quality = [each.strip().lower() for each in fields.get("qop", "").split(",")]
        found.append(
            Challenge(
                proxy=proxy,
                realm=fields.get("realm", ""),
                nonce=fields.get("nonce", ""),
                algorithm=fields.get("algorithm", "MD5").upper(),
                quality="auth" in quality,
                opaque=fields.get("opaque"),
                stale=fields.get("stale", "").lower() == "true",
            )
        )
    return found


def best(found: list[Challenge]) -> Challenge | None:
    """The one that is answered; None if none can be."""
    return next((each for name in ALGORITHMS for each in found if each.algorithm == name), None)
