"""A PostgreSQL server for one test run: its own directory, a free port, an unprivileged user."""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
SUPERUSER = "cordboard"
START_ATTEMPTS = 3
START_SECONDS = 60
STOP_SECONDS = 30


class NotInstalled(Exception):
    """PostgreSQL's server programs are not on this machine; `make test` brings them."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running server, reached over TCP with a password, as in production."""

    port: int
    pid: int
    password: str = field(repr=False)

    def url(self, database: str) -> str:
        return f"postgresql://{SUPERUSER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def run(self, sql: str) -> None:
        """Run one statement in the maintenance database, outside a transaction."""
        command = [PROGRAMS / "psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--command", sql]
        subprocess.run(
            [*command, f"postgresql://{SUPERUSER}@127.0.0.1:{self.port}/postgres"],
            env={**os.environ, "PGPASSWORD": self.password},
            check=True,
            timeout=60,
        )

    @contextlib.contextmanager
    def database(self, *, template: str = "template0") -> Iterator[str]:
        """The URL of a new copy of `template`, dropped afterwards with whoever is still connected."""
        name = f"test_{secrets.token_hex(6)}"
        self.run(f"create database {name} template {template}")
        try:
            yield self.url(name)
        finally:
            self.run(f"drop database {name} with (force)")


@contextlib.contextmanager
def running_server() -> Iterator[Server]:
    """A server that lives as long as the context, and dies with this process whatever happens to it."""
    if not (PROGRAMS / "postgres").exists():
        raise NotInstalled(f"{PROGRAMS}/postgres is missing: `make test` as root installs postgresql-15")
    home = Path(tempfile.mkdtemp(prefix="cordboard-postgres-"))
    password = secrets.token_urlsafe(24)
    try:
        if os.geteuid() == 0:
            os.chown(home, _user().pw_uid, _user().pw_gid)
        _initialise(home, password)
        process, port = _start(home)
        try:
            yield Server(port=port, pid=process.pid, password=password)
        finally:
            _stop(process)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _initialise(home: Path, password: str) -> None:
    password_file = home / "password"
    password_file.touch(mode=0o644)  # read by another user; its directory lets nobody else in
    password_file.write_text(password)
    initdb = [PROGRAMS / "initdb", "--pgdata", home / "data", "--username", SUPERUSER, "--pwfile", password_file]
    subprocess.run(
        [*_as_user(), *initdb, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"],
        cwd=home,
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=START_SECONDS,
    )


def _start(home: Path) -> tuple[subprocess.Popen[bytes], int]:
    """A server that answers, and its port."""
    for _ in range(START_ATTEMPTS):
        port = _free_port()
        process = _launch(home, port)
        try:
            if _is_ready(process, port):
                return process, port
        except BaseException:
            _stop(process)
            raise
        # Most likely somebody took the port in between.
        _stop(process)
    raise RuntimeError(f"PostgreSQL did not start:\n{(home / 'log').read_text()}")


def _launch(home: Path, port: int) -> subprocess.Popen[bytes]:
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": "",
        "fsync": "on",
        "synchronous_commit": "on",
        "max_connections": 100,
        "timezone": "UTC",
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    with (home / "log").open("ab") as log:
        return subprocess.Popen(
            [*_as_user(), PROGRAMS / "postgres", "-D", home / "data", *options],
            cwd=home,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for pytest, which then stops the server
        )


def _is_ready(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + START_SECONDS
    isready = [PROGRAMS / "pg_isready", "--quiet", "--host=127.0.0.1", f"--port={port}"]
    while process.poll() is None and time.monotonic() < deadline:
        if subprocess.run(isready, check=False).returncode == 0:
            # Whoever has the port answers: it is ours if our server is still there.
            return process.poll() is None
        time.sleep(0.05)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)  # fast shutdown: it ends the sessions that are still there
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGQUIT)  # immediate shutdown, children included
        process.wait(STOP_SECONDS)


def _user() -> pwd.struct_passwd:
    """Whom the server runs as when the tests run as root, which PostgreSQL refuses to."""
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _as_user() -> list[str]:
    """The words before a command that make it unprivileged, and make it end when this process dies."""
    words = ["setpriv", "--pdeathsig=INT"]
    if os.geteuid() == 0:
        words += [f"--reuid={_user().pw_uid}", f"--regid={_user().pw_gid}", "--clear-groups", "--no-new-privs"]
    return words


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
