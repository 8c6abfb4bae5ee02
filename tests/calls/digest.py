"""Digest authentication (RFC 7616, MD5 or SHA-256, and qop=auth) by hand, on both sides of a challenge."""

import hashlib
import re


def ha1(username: str, realm: str, password: str, algorithm: str = "MD5") -> str:
    return _hash(algorithm, f"{username}:{realm}:{password}")


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
    algorithm = asked.get("algorithm", "MD5")
    if "algorithm" in asked:
        answer["algorithm"] = algorithm
    answer["response"] = _response(ha1(username, asked["realm"], password, algorithm), method, answer)
    bare = ("qop", "nc", "algorithm")
    return "Digest " + ", ".join(f"{n}={v}" if n in bare else f'{n}="{v}"' for n, v in answer.items())


def is_right(header: str, method: str, username: str, realm: str, password: str) -> bool:
    """Whether credentials prove that password."""
    given = fields(header)
    if (given.get("username"), given.get("realm")) != (username, realm):
        return False
    secret = ha1(username, realm, password, given.get("algorithm", "MD5"))
    return given.get("response") == _response(secret, method, given)


def _response(secret: str, method: str, given: dict[str, str]) -> str:
    middle = [given["nonce"]]
    if "qop" in given:
        middle += [given["nc"], given["cnonce"], given["qop"]]
    algorithm = given.get("algorithm", "MD5")
    return _hash(algorithm, ":".join([secret, *middle, _hash(algorithm, f"{method}:{given['uri']}")]))


def _hash(algorithm: str, text: str) -> str:
    return hashlib.new(algorithm.replace("-", ""), text.encode(), usedforsecurity=False).hexdigest()
