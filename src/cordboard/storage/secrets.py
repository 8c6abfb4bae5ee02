"""SIP passwords at rest: AES-256-GCM under a key ring that lies outside the database."""

import base64
import contextlib
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cordboard.domain.trunks import SealedSecret
from cordboard.storage import ring_file
from cordboard.storage.ring_file import Ring, RingUnusable

_NONCE = 12


class UnreadableSecret(Exception):
    """A sealed secret does not open with the key ring: another ring, another row, or a changed text."""


class KeyRing:
    """Keys by id, one of them active. A sealed text names its key, so older ones stay readable.

    The file is JSON, mode 0600: `{"active": "k1", "keys": {"k1": "<32 bytes, base64>"}}`. Lose it and every stored
    SIP password is lost with it, as intended. It is read again when it has been changed, before the next secret is
    sealed and when one is sealed by a key that is not known: `cordboard secret rotate` needs no restart.
    """

    def __init__(
        self, active: str, keys: dict[str, bytes], path: Path | None = None, stamp: tuple[int, ...] = ()
    ) -> None:
        self._path = path
        self._take(Ring(active=active, keys=keys, stamp=stamp))

    def __repr__(self) -> str:
        active, ciphers = self._keys
        return f"KeyRing(active={active!r}, keys={len(ciphers)})"

    @classmethod
    def open(cls, path: Path) -> "KeyRing":
        """Read the ring at `path`; the first time, make it. Raises RingUnusable."""
        if not path.exists():
            ring_file.make(path)
        ring = ring_file.read(path)
        return cls(ring.active, ring.keys, path, ring.stamp)

    @property
    def active(self) -> str:
        """The id of the key that seals now."""
        self._read_again()
        return self._keys[0]

    def seal(self, plain: str, row: str) -> SealedSecret:
        """Encrypt for the row of that id; the text opens for no other row."""
        self._read_again()
        (active, ciphers), nonce = self._keys, secrets.token_bytes(_NONCE)
        sealed = ciphers[active].encrypt(nonce, plain.encode(), _bound_to(active, row))
        return SealedSecret(text=f"{active}:{base64.b64encode(nonce + sealed).decode()}")

    def seal_anew(self, plain: str, row: str, before: SealedSecret | None) -> SealedSecret:
        """What was sealed `before` if it is the same under the active key: nothing then has changed."""
        if before is not None and key_of(before) == self.active:
            with contextlib.suppress(UnreadableSecret):
                if self.unseal(before, row) == plain:
                    return before
        return self.seal(plain, row)

    def unseal(self, secret: SealedSecret, row: str) -> str:
        """Raises UnreadableSecret."""
        name, _, text = secret.text.partition(":")
        if name not in self._keys[1]:
            self._read_again()
        try:
            raw = base64.b64decode(text, validate=True)
            return self._keys[1][name].decrypt(raw[:_NONCE], raw[_NONCE:], _bound_to(name, row)).decode()
        except (KeyError, ValueError, InvalidTag) as error:
            raise UnreadableSecret(f"the secret of {row} does not open with this key ring") from error

    def _read_again(self) -> None:
        """If the file has been changed; what cannot be read now, such as half a copy, leaves the ring as it is."""
        if self._path is None:
            return
        with contextlib.suppress(OSError, RingUnusable):
            if ring_file.stamp(self._path) != self._stamp:
                self._take(ring_file.read(self._path))

    def _take(self, ring: Ring) -> None:
        # both at once: other threads seal, too
        self._keys = ring.active, {name: AESGCM(key) for name, key in ring.keys.items()}
        self._stamp = ring.stamp


def key_of(secret: SealedSecret) -> str:
    """The id of the key that sealed it."""
    return secret.text.partition(":")[0]


def _bound_to(key: str, row: str) -> bytes:
    return f"{key}|{row}".encode()
