"""The file of the key ring: read by every process, changed by one at a time, and there as a whole at every instant."""

import base64
import contextlib
import fcntl
import json
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_KEY = 32


class RingUnusable(Exception):
    """The key ring cannot be read or changed; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Ring:
    """Keys by id, in the order in which they were made.

    Those before the active one are old: they open what they have sealed. Those behind it are prepared: they seal
    nothing yet.
    """

    active: str
    keys: dict[str, bytes] = field(repr=False)
    #: Of the file that it was read from; another one is another file.
    stamp: tuple[int, ...]

    @property
    def old(self) -> tuple[str, ...]:
        return self._names()[: self._names().index(self.active)]

    @property
    def prepared(self) -> tuple[str, ...]:
        return self._names()[self._names().index(self.active) + 1 :]

    def _names(self) -> tuple[str, ...]:
        return tuple(self.keys)

    @property
    def changed_at(self) -> datetime:
        return datetime.fromtimestamp(self.stamp[-1] / 1e9, UTC)

    def with_key(self) -> "Ring":
        """With one more, prepared."""
        numbers = [int(name[1:]) for name in self.keys if re.fullmatch(r"k\d{1,9}", name)]
        return replace(self, keys={**self.keys, f"k{max(numbers, default=0) + 1}": secrets.token_bytes(_KEY)})

    def with_next_active(self) -> "Ring":
        """The first prepared key seals from now on; it is made if none is."""
        ring = self if self.prepared else self.with_key()
        return replace(ring, active=ring.prepared[0])

    def without_old(self) -> "Ring":
        return replace(self, keys={name: key for name, key in self.keys.items() if name not in self.old})


def stamp(path: Path) -> tuple[int, ...]:
    """What changes whenever the file does. Raises OSError."""
    return _stamp(path.stat())


def read(path: Path) -> Ring:
    """Raises RingUnusable."""
    try:
        with path.open() as file:
            then = _stamp(os.fstat(file.fileno()))
            data: dict[str, Any] = json.load(file)
        keys = {name: base64.b64decode(key, validate=True) for name, key in data["keys"].items()}
        active = data["active"]
    except FileNotFoundError:
        raise RingUnusable(f"there is no key ring at {path}; restore it, or start the server to make one") from None
    except OSError as error:
        raise RingUnusable(f"the key ring {path} cannot be read: {error.strerror}") from error
    except (ValueError, LookupError, TypeError, AttributeError):
        # without the cause: some of these errors quote what they could not read
        raise RingUnusable(f"{path} is no key ring; restore it from its copy") from None
    if active not in keys or any(len(key) != _KEY for key in keys.values()):
        raise RingUnusable(f"{path} is no key ring: its active key is not in it, or a key is not 32 bytes long")
    return Ring(active=active, keys=keys, stamp=then)


def make(path: Path) -> None:
    """The first ring, with one key. Of two processes that start at once one makes it, and both read it."""
    # a name of its own: a second process that starts at once must not write into the file that this one links
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    _write(fresh, Ring(active="k1", keys={"k1": secrets.token_bytes(_KEY)}, stamp=()))
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    _keep_folder(path.parent)


def put(path: Path, ring: Ring) -> None:
    """In place of the one that is there; killed at any instant it leaves one or the other. Raises RingUnusable.

    Whose the file is, it stays: a server must be able to read what root has changed.
    """
    path = path.resolve()  # a link stays a link
    fresh = path.with_name(f"{path.name}.new")
    try:
        owner = path.stat()
        fresh.unlink(missing_ok=True)  # of one that was killed
        _write(fresh, ring, owner)
        fresh.replace(path)
        _keep_folder(path.parent)
    except OSError as error:
        raise RingUnusable(f"the key ring {path} cannot be written: {error.strerror}") from error


@contextlib.contextmanager
def changing(path: Path) -> Iterator[None]:
    """While one process changes the ring, no other does. Raises RingUnusable."""
    folder = os.open(path.resolve().parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise RingUnusable(f"another command changes {path} now; wait for its end") from None
    finally:
        os.close(folder)


def _write(path: Path, ring: Ring, owner: os.stat_result | None = None) -> None:
    keys = {name: base64.b64encode(key).decode() for name, key in ring.keys.items()}
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        if owner is not None and (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        json.dump({"active": ring.active, "keys": keys}, file)
        file.flush()
        os.fsync(descriptor)


def _keep_folder(folder: Path) -> None:
    """The ring must not be lost to a power cut that the sealed passwords survive."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _stamp(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
