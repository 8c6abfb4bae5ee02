"""Where rtpengine writes calls down: pcaps/NAME.pcap and, once that is whole, metadata/rtpengine-meta-NAME.txt.

Its user may have put anything there. So no link is followed, no name is taken out of a file, and only ordinary files
are read. Everything here blocks, and raises OSError.
"""

import contextlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote

#: What record.cfg tells of a recording.
_TOLD: Final = re.compile(r"([0-9A-Za-z-]{1,80}):([1-9][0-9]{0,4})")
#: rtpengine makes NAME of the Call-ID, escaped as in URIs, and of random digits.
_FINISHED: Final = re.compile(r"rtpengine-meta-([0-9A-Za-z%._~-]{1,230})\.txt")
_TAIL: Final = 4096
_ASIDE: Final = "aside"


class Unusable(Exception):
    """Something is not as rtpengine leaves it; the message says what."""


@dataclass(frozen=True, slots=True)
class Told:
    """Which call was recorded, and at which port of its own rtpengine heard the caller."""

    call: str
    port: int


class Spool:
    """One edge's folder of recordings."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def finished(self, limit: int) -> list[str]:
        """Names of recordings that are whole, the oldest first."""
        with self._opened("metadata") as metadata:
            if metadata is None:
                return []
            with os.scandir(metadata) as entries:
                named = [(entry, match[1]) for entry in entries if (match := _FINISHED.fullmatch(entry.name))]
                found = sorted((entry.stat(follow_symlinks=False).st_mtime_ns, name) for entry, name in named)
        return [name for _, name in found[:limit]]

    def open(self, name: str) -> tuple[int, Told]:
        """A descriptor of the pcap, and what is told of it. Raises Unusable."""
        with self._opened("metadata") as folder:
            told = _told(folder, _meta(name))
        if told is None:
            raise Unusable("it does not say of which call it is")
        with self._opened("pcaps") as folder:
            return _file(folder, f"{name}.pcap"), told

    def remove(self, name: str) -> None:
        """The pcap first: without its metadata nobody would look for it again."""
        for folder, file in self._parts(name):
            os.unlink(file, dir_fd=folder)

    def put_aside(self, name: str) -> None:
        """To where nobody takes it for a recording."""
        with self._opened("") as spool, contextlib.suppress(FileExistsError):
            if spool is not None:
                os.mkdir(_ASIDE, 0o700, dir_fd=spool)
        with self._opened(_ASIDE) as aside:
            if aside is None:
                raise NotADirectoryError(f"{self._path / _ASIDE} is no folder")
            for folder, file in self._parts(name):
                os.rename(file, file, src_dir_fd=folder, dst_dir_fd=aside)

    def settle(self, standing: Mapping[str, Told]) -> list[str]:
        """Finish what an rtpengine that is gone has left; the names of what is set aside since nobody knows its call.

        One that was told to end has written what it was told of a call, but not moved it; of one that died, `standing`
        may know by Call-ID. To be called while no rtpengine runs.
        """
        with self._opened("pcaps") as pcaps, self._opened("metadata") as metadata, self._opened("tmp") as tmp:
            if pcaps is None or metadata is None or tmp is None:
                return []
            finished = set(os.listdir(metadata))
            names = [name.removesuffix(".pcap") for name in os.listdir(pcaps) if name.endswith(".pcap")]
            lost = []
            for name in (name for name in names if _meta(name) not in finished):
                told = standing.get(unquote(name.rpartition("-")[0]))
                with contextlib.suppress(Unusable):
                    told = _told(tmp, _meta(name, ".tmp")) or told
                if told is None:
                    lost.append(name)
                else:
                    _finish(metadata, name, told)
            for entry in os.listdir(tmp):
                with contextlib.suppress(IsADirectoryError):
                    os.unlink(entry, dir_fd=tmp)
        for name in lost:
            self.put_aside(name)
        return lost

    def forget(self, before: float) -> None:
        """Delete what was set aside and written to last before."""
        with self._opened(_ASIDE) as aside:
            for name in [] if aside is None else os.listdir(aside):
                if _written(aside, name) < before:
                    with contextlib.suppress(IsADirectoryError):
                        os.unlink(name, dir_fd=aside)

    def _parts(self, name: str) -> Iterator[tuple[int, str]]:
        """Folder and name of both files, as far as they are there while they are being looked at."""
        for sub, file in (("pcaps", f"{name}.pcap"), ("metadata", _meta(name))):
            with self._opened(sub) as folder, contextlib.suppress(FileNotFoundError):
                if folder is not None:
                    os.stat(file, dir_fd=folder, follow_symlinks=False)
                    yield folder, file

    @contextlib.contextmanager
    def _opened(self, sub: str) -> Iterator[int | None]:
        """A descriptor of a folder in here; None if there is none."""
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        with contextlib.ExitStack() as stack:
            folder: int | None = None
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                top = os.open(self._path, flags)
                stack.callback(os.close, top)
                folder = top if not sub else os.open(sub, flags, dir_fd=top)
                if folder != top:
                    stack.callback(os.close, folder)
            yield folder


def _meta(name: str, suffix: str = ".txt") -> str:
    return f"rtpengine-meta-{name}{suffix}"


def _finish(metadata: int, name: str, told: Told) -> None:
    new = os.open(_meta(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=metadata)
    with os.fdopen(new, "w") as file:
        file.write(f"{told.call}:{told.port}\n")


def _told(folder: int | None, name: str) -> Told | None:
    """The file's last word. Raises Unusable."""
    with os.fdopen(_file(folder, name), "rb") as file:
        # what comes before is SDP of both sides, as much as they have sent
        file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
        words = file.read(_TAIL).decode(errors="replace").split()
    found = _TOLD.fullmatch(words[-1]) if words else None
    return None if found is None else Told(found[1], int(found[2]))


def _file(folder: int | None, name: str) -> int:
    """An ordinary file, open for reading. Raises Unusable."""
    try:
        if folder is None:
            raise FileNotFoundError
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError as error:
        raise Unusable(f"{name} cannot be opened: {error.strerror or 'it is not there'}") from error
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise Unusable(f"{name} is no ordinary file")
    return file


def _written(folder: int | None, name: str) -> float:
    """When; what is gone was written to in times to come."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime
    except FileNotFoundError:
        return float("inf")
