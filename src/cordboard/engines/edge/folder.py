"""The edge's folder: all that the engines can reach of ours, and the record of what runs there."""

import hashlib
import json
import os
import re
import secrets
import stat
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cordboard.engines.edge.config import EdgeFailed, EdgeOptions, Ports, edge_name
from cordboard.engines.edge.process import Process

#: Where the folder lies if the engines' user cannot get to the data directory.
ELSEWHERE = Path("/var/lib/cordboard")
#: A unix socket's path has room for 107 bytes.
_LONGEST_PATH = 107 - len("/rpc-4194304-7fffffffffff.sock")


def prepare(options: EdgeOptions) -> Path:
    """Make DATA/edge, which the engines' user owns. It is the path to use: free of links.

    As root, an unreachable data directory (below /root, say) gets its folder under /var/lib/cordboard and a link
    to it. Raises EdgeFailed.
    """
    data = options.data.absolute()
    link = data / "edge"
    try:
        data.mkdir(mode=0o711, parents=True, exist_ok=True)
        folder = link.resolve()
        if os.geteuid() == 0:
            # who may pass through sees nothing: names must be known, and what is secret has mode 0600
            data.chmod(stat.S_IMODE(data.stat().st_mode) | 0o111)
            if not link.exists() and not _reachable(data, options.uid, options.gid):
                folder = _elsewhere(data)
                link.unlink(missing_ok=True)
                link.symlink_to(folder)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        if os.geteuid() == 0:
            os.chown(folder, options.uid, options.gid)
        _make_within(folder, "recordings", options)
    except OSError as error:
        raise EdgeFailed(f"cannot make the edge's folder {link}: {error.strerror}") from error
    if len(os.fsencode(folder)) > _LONGEST_PATH:
        raise EdgeFailed(f"the path {folder} is too long for a unix socket; choose a shorter data directory")
    return folder


def _make_within(folder: Path, name: str, options: EdgeOptions) -> None:
    """A folder in there, for the engines' user alone. A link planted in its place is replaced, not followed."""
    path = folder / name
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        path.unlink()
    path.mkdir(mode=0o700, exist_ok=True)
    made = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchmod(made, 0o700)
        if os.geteuid() == 0:
            os.fchown(made, options.uid, options.gid)
    finally:
        os.close(made)


def put(path: Path, content: bytes, options: EdgeOptions) -> None:
    """Write a file of the folder, for the engines' user alone. A link planted there is replaced, not followed."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        if os.geteuid() == 0:
            os.fchown(descriptor, options.uid, options.gid)
    new.rename(path)


def installation_key(folder: Path, options: EdgeOptions) -> str:
    """Random, made once, kept beside what the engines read, which they do not change: what depends on it must stay."""
    path = folder / "installation.key"
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            if re.fullmatch(rb"[0-9a-f]{64}", key := file.read(65)):
                return key.decode()
    except OSError:
        pass
    put(path, secrets.token_hex(32).encode(), options)
    return path.read_text()


def named(options: EdgeOptions) -> tuple[Path, str]:
    """The folder, made if it was not there, and the edge's name in the store. Raises EdgeFailed."""
    folder = prepare(options)
    return folder, edge_name(installation_key(folder, options))


@dataclass(kw_only=True, slots=True)
class Record:
    """What runs, for whoever comes after us: DATA/edge.json, which the engines cannot write."""

    ports: Ports | None = None
    #: Device and inode of the edge.sqlite that Kamailio has open.
    file: tuple[int, int] | None = None
    processes: dict[str, Process] = field(default_factory=dict)

    @classmethod
    def read(cls, data: Path) -> "Record":
        """An empty record if there is none, or none that can be read."""
        try:
            found: dict[str, Any] = json.loads((data / "edge.json").read_text())
            return cls(
                ports=Ports(**found["ports"]) if found["ports"] else None,
                file=(found["file"][0], found["file"][1]) if found["file"] else None,
                processes={name: Process(**process) for name, process in found["processes"].items()},
            )
        except (OSError, ValueError, TypeError, KeyError, IndexError):
            return cls()

    def write(self, data: Path) -> None:
        new = data / ".edge.json.new"
        new.write_text(json.dumps(asdict(self)))
        new.chmod(0o600)
        new.rename(data / "edge.json")


def identity(path: Path) -> tuple[int, int] | None:
    """Device and inode."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _elsewhere(data: Path) -> Path:
    ELSEWHERE.mkdir(mode=0o711, parents=True, exist_ok=True)
    ELSEWHERE.chmod(0o711)
    name = re.sub("[^A-Za-z0-9._-]", "_", data.name) or "data"
    return ELSEWHERE / f"{name[:32]}-{hashlib.sha256(os.fsencode(data)).hexdigest()[:12]}"


def _reachable(path: Path, uid: int, gid: int) -> bool:
    """Whether that user may pass through the directory and all above it. Access lists are not looked at."""
    for directory in (path, *path.parents):
        found = directory.stat()
        bit = stat.S_IXUSR if found.st_uid == uid else stat.S_IXGRP if found.st_gid == gid else stat.S_IXOTH
        if not found.st_mode & bit:
            return False
    return True
