"""The processes that are measured: the product as its users start it, and the floor's server."""

import asyncio
import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from bench import fill
from tests import postgres, processes

START_SECONDS = 20
EMPTY = fill.Layout(numbers=0)
_BACKENDS = "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"


@dataclass(frozen=True, kw_only=True)
class Target:
    """A server under load: its port, its process, and its database's URL if that is a server too."""

    port: int
    pid: int
    layout: fill.Layout = EMPTY
    database: str | None = field(default=None, repr=False)

    def backends(self) -> tuple[int, ...]:
        """The PostgreSQL processes that work for it; none on SQLite."""
        return () if self.database is None else asyncio.run(_backends(self.database))


@contextlib.contextmanager
def constant() -> Iterator[Target]:
    """The constant body on the product's own server."""
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        port = listener.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.constant", str(listener.fileno())], pass_fds=[listener.fileno()]
        )
    try:
        yield Target(port=port, pid=process.pid)
    finally:
        process.terminate()
        process.wait(START_SECONDS)


@contextlib.contextmanager
def product(data: Path, layout: fill.Layout = EMPTY, database: str | None = None) -> Iterator[Target]:
    """The product on the store in `data`, or on that database; without the edge."""
    environment = {} if database is None else {"CORDBOARD_DATABASE_URL": database}
    server = processes.start(data, "--no-edge", environment=environment)
    try:
        while server.process.poll() is None and not _has_url(data):
            time.sleep(0.002)
        server.wait()
        port = int(server.url.rpartition(":")[2])
        yield Target(port=port, pid=server.process.pid, layout=layout, database=database)
    finally:
        server.stop()


@contextlib.contextmanager
def sqlite(layout: fill.Layout) -> Iterator[Target]:
    """The product on a SQLite store of that layout."""
    with folder() as data:
        fill.sqlite(data / "store.sqlite", layout)
        with product(data, layout) as target:
            yield target


@contextlib.contextmanager
def on_postgres(cluster: postgres.Server, layout: fill.Layout) -> Iterator[Target]:
    """The product on a new database of that layout."""
    with folder() as data, cluster.database() as url:
        fill.postgres(url, layout)
        with product(data, layout, url) as target:
            yield target


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A directory of its own, gone afterwards."""
    path = Path(tempfile.mkdtemp(prefix="cordboard-bench-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _has_url(data: Path) -> bool:
    """Whether the address was written, and not only its file made."""
    path = data / "server.url"
    return path.exists() and path.read_text().endswith("\n")


async def _backends(database: str) -> tuple[int, ...]:
    connection = await asyncpg.connect(database)
    try:
        return tuple(row["pid"] for row in await connection.fetch(_BACKENDS))
    finally:
        await connection.close()
