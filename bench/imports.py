"""An import of many numbers by the command line, as a user gives it, against the bare inserts of what it stored."""

import asyncio
import contextlib
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from pathlib import Path
from statistics import quantiles
from typing import Any

import asyncpg

from bench import servers
from bench.rounds import progress
from bench.rows import Budget, Row
from cordboard.storage.migrations.run import migrate
from tests.calls.edges import EDGE_ADDRESS, data_directory, free_port
from tests.postgres import running_server
from tests.processes import COMMAND, Server, call, cordboard, serving

#: Rows of one transaction, as the command sends them.
PIECE = 500
#: What an import stores for each row, those that others refer to first.
TABLES = ("trunk", "gateway", "number", "change", "number_import_row")
#: Seconds between two writes whose time is taken.
PAUSE = 0.02
IN_TIME = Budget(value=10, of="measured")
#: Of another write while rows come in: it waits for one piece at most.
BESIDE = Budget(value=150, of="measured")


def measure(_client: ProcessPoolExecutor, quick: bool) -> Iterator[Row]:
    """Seconds of an import on each store with an edge beside it, and what another write then takes."""
    count = 5_000 if quick else 100_000
    yield from _on_sqlite(count, own=False)
    yield from _on_sqlite(count, own=True)
    with running_server() as cluster, cluster.database() as url, cluster.database() as bare:
        migrate(url)
        migrate(bare)
        progress(f"import: {count:,} numbers on PostgreSQL")
        with _imported(count, own=False, url=url) as (_, seconds, beside):
            floor = asyncio.run(_bare_postgres(url, bare))
        yield from _rows(f"{count:,} numbers on one trunk, PostgreSQL", floor, seconds, beside)


def _on_sqlite(count: int, *, own: bool) -> Iterator[Row]:
    progress(f"import: {count:,} numbers on SQLite{', each with a trunk of its own' if own else ''}")
    with _imported(count, own=own) as (data, seconds, beside), servers.folder() as folder:
        floor = _bare_sqlite(data / "store.sqlite", folder / "store.sqlite")
    whose = "each with its own trunk" if own else "on one trunk"
    yield from _rows(f"{count:,} numbers {whose}, SQLite", floor, seconds, beside)


def _rows(name: str, floor: float, seconds: float, beside: tuple[float, float]) -> Iterator[Row]:
    yield Row(name=name, floor=floor, measured=seconds, unit="s", budget=IN_TIME)
    alone, during = beside
    yield Row(
        name=f"a write beside it (95th percentile), {name}", floor=alone, measured=during, unit="ms", budget=BESIDE
    )


@contextlib.contextmanager
def _imported(count: int, *, own: bool, url: str | None = None) -> Iterator[tuple[Path, float, tuple[float, float]]]:
    """The data directory of a server that has imported them, the seconds it took, and a write's milliseconds."""
    environment = {} if url is None else {"CORDBOARD_DATABASE_URL": url}
    with data_directory() as folder:
        listen = ("--sip-listen", f"{EDGE_ADDRESS}:{free_port()}")
        with serving(folder / "data", *listen, environment=environment) as server:
            data = server.data
            cordboard(data, "tenant", "create", "Acme")
            cordboard(data, "trunk", "create", "--tenant", "Acme", "--name", "Carrier", "--gateway", "127.0.1.1:5080")
            cordboard(
                data, "agent", "create", "--tenant", "Acme", "--name", "Support", "--sip-uri", "sip:a@127.0.2.1:5070"
            )
            file = _file(folder / "numbers.csv", count, own=own)
            alone = _writes(server, lambda: time.sleep(2))
            taken: list[float] = []
            during = _writes(server, lambda: taken.append(_import(data, file, own=own)))
        yield data, taken[0], (alone, during)


def _file(path: Path, count: int, *, own: bool) -> Path:
    rest = ",127.0.1.1:5080,acme,a-password" if own else ""
    with path.open("w") as file:
        file.write(f"number,nickname{',termination_uri,username,password' if own else ''}\n")
        file.writelines(f"+3491{n:07d},Desk {n}{rest}\n" for n in range(count))
    return path


def _import(data: Path, file: Path, *, own: bool) -> float:
    """Seconds, the command's own start included."""
    trunk = () if own else ("--trunk", "Carrier")
    began = time.perf_counter()
    command = [COMMAND, "number", "import", file, "--tenant", "Acme", "--agent", "Support", *trunk, "--data", data]
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def _writes(server: Server, meanwhile: Any) -> float:
    """One write after the other while something else is done; milliseconds, the 95th percentile."""
    token = (server.data / "admin.token").read_text().strip()
    tenant = call("GET", f"{server.url}/cordboard/v1/tenants?ref=Acme", token)[1]["data"][0]["id"]
    work = threading.Thread(target=meanwhile)
    work.start()
    taken = []
    while work.is_alive():
        began = time.perf_counter()
        call("PATCH", f"{server.url}/cordboard/v1/tenants/{tenant}", token, {"account_limit": len(taken)})
        taken.append((time.perf_counter() - began) * 1000)
        time.sleep(PAUSE)
    work.join()
    return quantiles(taken, n=20)[-1]


def _bare_sqlite(stored: Path, empty: Path) -> float:
    """Seconds of the same rows by nothing but INSERT, with the same indexes and as many durable COMMITs."""
    migrate(f"sqlite:///{empty}")
    with contextlib.closing(sqlite3.connect(stored)) as source, contextlib.closing(sqlite3.connect(empty)) as bare:
        rows = {table: source.execute(f"select * from {table}").fetchall() for table in TABLES}
        bare.isolation_level = None
        bare.execute("pragma synchronous = full")
        began = time.perf_counter()
        for pieces in _together(rows):
            bare.execute("begin")
            for table, piece in pieces:
                places = ", ".join("?" for _ in piece[0])
                bare.executemany(f"insert into {table} values ({places})", piece)
            bare.execute("commit")
        return time.perf_counter() - began


async def _bare_postgres(stored: str, empty: str) -> float:
    """The same on PostgreSQL."""
    source, bare = await asyncpg.connect(stored), await asyncpg.connect(empty)
    rows = {table: [tuple(row) for row in await source.fetch(f"select * from {table}")] for table in TABLES}
    await bare.execute("set session_replication_role = replica")  # foreign keys lead to what was not copied
    began = time.perf_counter()
    for pieces in _together(rows):
        async with bare.transaction():
            for table, piece in pieces:
                places = ", ".join(f"${n + 1}" for n in range(len(piece[0])))
                await bare.executemany(f"insert into {table} overriding system value values ({places})", piece)
    seconds = time.perf_counter() - began
    await source.close()
    await bare.close()
    return seconds


def _together(rows: dict[str, list[Any]]) -> Iterator[list[tuple[str, Sequence[Any]]]]:
    """A piece of each table at a time, until all are through."""
    left = {table: iter(found) for table, found in rows.items()}
    while pieces := [(table, piece) for table, found in left.items() if (piece := list(islice(found, PIECE)))]:
        yield pieces
