"""Durable writes a second on SQLite, against the same use case with a COMMIT of its own each time."""

import asyncio
import itertools
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from bench import fill
from bench.fill import Layout
from bench.rounds import progress
from bench.rows import Budget, Row
from bench.servers import folder
from cordboard.domain.numbers import NumberId
from cordboard.domain.tenants import Actor, TenantId
from cordboard.storage.sqlite import SqliteStore
from cordboard.usecases.numbers import NumberPatch, update_number

CLIENTS = 32
NUMBERS = 10_000
BUDGET = Budget(bound="at least", value=5)


class OneCommitEach(SqliteStore):
    """The store as it would be without group commit: still durable, still one writer thread."""

    def _gather(self) -> tuple[list[Any], bool]:
        job = self._queue.get()
        return ([], True) if job is None else ([job], False)


def measure(_client: ProcessPoolExecutor, quick: bool) -> Iterator[Row]:
    """One row; writes are renames, `CLIENTS` at a time."""
    progress(f"durable writes: {CLIENTS} clients")
    rounds, writes = (3, 640) if quick else (9, 3200)
    with folder() as data:
        for name in ("grouped", "each"):
            fill.sqlite(data / f"{name}.sqlite", Layout(numbers=NUMBERS))
        each, grouped = uvloop.run(_compare(data, rounds, writes))
    yield Row(
        name=f"durable writes, {CLIENTS} clients",
        floor=each,
        measured=grouped,
        unit="writes/s",
        budget=BUDGET,
    )


async def _compare(data: Path, rounds: int, writes: int) -> tuple[float, float]:
    """Writes a second with a COMMIT each, and in groups: medians of rounds by turns."""
    each, grouped = OneCommitEach(data / "each.sqlite"), SqliteStore(data / "grouped.sqlite")
    rates: dict[SqliteStore, list[float]] = {each: [], grouped: []}
    names = itertools.count()
    for _ in range(rounds):
        for store, measured in rates.items():
            began = time.perf_counter()
            await asyncio.gather(*(_client(store, writes // CLIENTS, names) for _ in range(CLIENTS)))
            measured.append(writes / (time.perf_counter() - began))
    await each.close()
    await grouped.close()
    return statistics.median(rates[each]), statistics.median(rates[grouped])


async def _client(store: SqliteStore, writes: int, names: Iterator[int]) -> None:
    tenant = TenantId(fill.tenant_id(0))
    for _ in range(writes):
        name = next(names)
        await store.write(
            tenant,
            partial(
                update_number,
                who=Actor(name="bench", tenant=tenant),
                tenant=tenant,
                id=NumberId(fill.number_id(name * 7919 % NUMBERS)),
                patch=NumberPatch(nickname=f"Desk {name}"),
                now=datetime.now(UTC),
            ),
        )
