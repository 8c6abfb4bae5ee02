"""SIP passwords at rest: AES-256-GCM under a key ring that lies outside the database."""

import base64
import json
import os
import secrets
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cordboard.domain.trunks import SealedSecret

_NONCE = 12


class UnreadableSecret(Exception):
    """A sealed secret does not open with the key ring: another ring, another row, or a changed text."""


class KeyRing:
    """Keys by id, one of them active. A sealed text names its key, so older ones stay readable.

    The file is JSON, mode 0600: `{"active": "k1", "keys": {"k1": "<32 bytes, base64>"}}`. Lose it and every stored
    SIP password is lost with it, as intended.
    """

    def __init__(self, active: str, keys: dict[str, bytes]) -> None:
        self._active = active
        self._ciphers = {name: AESGCM(key) for name, key in keys.items()}

    def __repr__(self) -> str:
        return f"KeyRing(active={self._active!r}, keys={len(self._ciphers)})"

    @classmethod
    def open(cls, path: Path) -> "KeyRing":
        """Read the ring at `path`; the first time, make it."""
        if not path.exists():
            _create(path)
        data: dict[str, Any] = json.loads(path.read_text())
        return cls(data["active"], {name: base64.b64decode(key) for name, key in data["keys"].items()})

    def seal(self, plain: str, row: str) -> SealedSecret:
        """Encrypt for the row of that id; the text opens for no other row."""
        nonce = secrets.token_bytes(_NONCE)
        sealed = self._ciphers[self._active].encrypt(nonce, plain.encode(), _bound_to(self._active, row))
        return SealedSecret(text=f"{self._active}:{base64.b64encode(nonce + sealed).decode()}")

    def unseal(self, secret: SealedSecret, row: str) -> str:
        """Raises UnreadableSecret."""
        name, _, text = secret.text.partition(":")
        try:
            raw = base64.b64decode(text, validate=True)
            return self._ciphers[name].decrypt(raw[:_NONCE], raw[_NONCE:], _bound_to(name, row)).decode()
        except (KeyError, ValueError, InvalidTag) as error:
            raise UnreadableSecret(f"the secret of {row} does not open with this key ring") from error


def _bound_to(key: str, row: str) -> bytes:
    return f"{key}|{row}".encode()


def _create(path: Path) -> None:
    ring = {"active": "k1", "keys": {"k1": base64.b64encode(secrets.token_bytes(32)).decode()}}
    # a name of its own: a second process that starts at once must not write into the file that this one links
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(ring, file)
        file.flush()
        os.fsync(file.fileno())
    # link, not rename: of two processes that start at once, one makes the ring and both read it
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the ring must not be lost to a power cut that the sealed passwords survive
    finally:
        os.close(folder)
