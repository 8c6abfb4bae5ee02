"""The place of a server on its machine: its data directory, which it alone serves from, and its listener."""

import contextlib
import fcntl
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

from cordboard.domain.addresses import parse_host_port
from cordboard.domain.errors import InvalidHost


class CannotServe(Exception):
    """The server cannot start; the message says what to do."""


def bind(listen: str) -> socket.socket:
    """Raises CannotServe."""
    try:
        where = parse_host_port(listen if not listen.endswith(":0") else listen[:-2])
    except InvalidHost as error:
        raise CannotServe(f"--listen {listen}: {error}") from error
    port = 0 if listen.endswith(":0") else where.port or 8080
    try:
        return socket.create_server(
            (where.host, port), family=socket.AF_INET6 if ":" in where.host else socket.AF_INET, backlog=2048
        )
    except OSError as error:
        raise CannotServe(f"cannot listen on {listen}: {error.strerror}; choose another --listen") from error


def make_private(data: Path) -> None:
    """The data directory. Others may pass through it, since the edge's folder lies inside; they list nothing."""
    data.mkdir(parents=True, exist_ok=True)
    data.chmod(0o711)
    os.umask(0o077)


@contextlib.contextmanager
def only_server_of(data: Path) -> Iterator[None]:
    """Hold the directory's lock, which dies with the process and which no engine inherits. Raises CannotServe."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / "serve.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotServe(f"another `cordboard serve` uses {data}") from None
        yield


def publish(path: Path, text: str) -> None:
    """Write a file that others wait for: it is there as a whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text + "\n")
    fresh.replace(path)


def admin_token(data: Path) -> str:
    """The token that opens the administration: made once, kept in the data directory with mode 0600."""
    path = data / "admin.token"
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
    return path.read_text().strip()
