"""SRTP with keys from SDP (RFC 3711, RFC 4568), written apart from what the edge uses: each proves the other."""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

_KEY, _SALT = 16, 14


@dataclass(frozen=True, slots=True)
class Key:
    """Master key and salt of one direction; the tag is 80 or 32 bits."""

    material: bytes = field(default_factory=lambda: secrets.token_bytes(_KEY + _SALT), repr=False)
    bits: int = 80

    @property
    def line(self) -> str:
        """As it stands in SDP, with its CRLF."""
        inline = base64.b64encode(self.material).decode()
        return f"a=crypto:1 AES_CM_128_HMAC_SHA1_{self.bits} inline:{inline}\r\n"

    @classmethod
    def of(cls, body: str, bits: str = "80|32") -> "Key | None":
        """The first one of an SDP with such a tag; None if it has none."""
        match = re.search(rf"^a=crypto:\d+ AES_CM_128_HMAC_SHA1_({bits}) inline:([A-Za-z0-9+/]+)", body, re.MULTILINE)
        if match is None:
            return None
        return cls(base64.b64decode(match[2] + "=" * (-len(match[2]) % 4)), int(match[1]))


class Stream:
    """One direction of SRTP: protects what goes out by its key, or opens what comes in."""

    def __init__(self, key: Key) -> None:
        self._tag = key.bits // 8
        self._cipher = _derived(key.material, 0, _KEY)
        self._hash = _derived(key.material, 1, 20)
        self._salt = int.from_bytes(_derived(key.material, 2, _SALT), "big")
        self._rollovers, self._last = 0, -1

    def protect(self, packet: bytes) -> bytes:
        rollovers = self._rollover(packet)
        sealed = packet[:12] + self._crypt(packet, rollovers)
        return sealed + self._sign(sealed, rollovers)

    def open(self, packet: bytes) -> bytes | None:
        """None if it was not made with the key."""
        sealed, tag = packet[: -self._tag], packet[-self._tag :]
        rollovers = self._rollover(packet)
        if not hmac.compare_digest(self._sign(sealed, rollovers), tag):
            return None
        return sealed[:12] + self._crypt(sealed, rollovers)

    def _crypt(self, packet: bytes, rollovers: int) -> bytes:
        """RFC 3711 section 4.1.1; headers of 12 bytes alone."""
        source, index = packet[8:12], rollovers << 16 | int.from_bytes(packet[2:4], "big")
        start = self._salt << 16 ^ int.from_bytes(source, "big") << 64 ^ index << 16
        return Cipher(AES(self._cipher), CTR(start.to_bytes(16, "big"))).encryptor().update(packet[12:])

    def _sign(self, sealed: bytes, rollovers: int) -> bytes:
        return hmac.digest(self._hash, sealed + rollovers.to_bytes(4, "big"), hashlib.sha1)[: self._tag]

    def _rollover(self, packet: bytes) -> int:
        """How often the sequence numbers have begun anew; packets come in order here."""
        sequence = int.from_bytes(packet[2:4], "big")
        if sequence < self._last - 0x8000:
            self._rollovers += 1
        self._last = sequence
        return self._rollovers


def _derived(material: bytes, label: int, size: int) -> bytes:
    """RFC 3711 section 4.3, with a derivation rate of 0."""
    salt = int.from_bytes(material[_KEY:], "big")
    start = (salt ^ label << 48) << 16
    return Cipher(AES(material[:_KEY]), CTR(start.to_bytes(16, "big"))).encryptor().update(bytes(size))
