"""Digest authentication (RFC 7616, MD5 and qop=auth) by hand, on both sides of a challenge."""

import hashlib
import re


def ha1(username: str, realm: str, password: str) -> str:
    return _md5(f"{username}:{realm}:{password}")


def fields(header: str) -> dict[str, str]:
    """The parameters of a challenge, or of credentials."""
    return {
        name.lower(): quoted or plain for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^",\s]+))', header)
    }


def credentials(challenge: str, method: str, uri: str, username: str, password: str) -> str:
    """What answers a challenge: the value of Authorization or Proxy-Authorization."""
    asked = fields(challenge)
    answer = {"username": username, "realm": asked["realm"], "nonce": asked["nonce"], "uri": uri}
    if "qop" in asked:
        answer |= {"qop": "auth", "nc": "00000001", "cnonce": "c0ffee"}
    answer["response"] = _response(ha1(username, asked["realm"], password), method, answer)
    bare = ("qop", "nc")
    return "Digest " + ", ".join(f"{n}={v}" if n in bare else f'{n}="{v}"' for n, v in answer.items())


def is_right(header: str, method: str, username: str, realm: str, password: str) -> bool:
    """Whether credentials prove that password."""
    given = fields(header)
    if (given.get("username"), given.get("realm")) != (username, realm):
        return False
    return given.get("response") == _response(ha1(username, realm, password), method, given)


def _response(secret: str, method: str, given: dict[str, str]) -> str:
    middle = [given["nonce"]]
    if "qop" in given:
        middle += [given["nc"], given["cnonce"], given["qop"]]
    return _md5(":".join([secret, *middle, _md5(f"{method}:{given['uri']}")]))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
