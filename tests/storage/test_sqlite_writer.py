"""The writer thread of the embedded store: batches, and what breaks one."""

import asyncio
import sqlite3
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cordboard.domain.errors import EdgeRefused, NotApplied, StoreUnavailable, TooBusy
from cordboard.domain.tenants import TenantId
from cordboard.storage import changes, sqlite, tenants
from cordboard.storage.sqlite import SqliteStore
from cordboard.storage.transaction import Aftermath, Transaction
from tests import builders
from tests.builders import World, create_tenant, dump

pytestmark = pytest.mark.anyio


async def rename(tx: Transaction, tenant: TenantId, name: str) -> str:
    await tx.run("update tenant set name = $2 where id = $1", tenant, name)
    return name


class Held:
    """Holds the writer inside a use case, so that what is written meanwhile becomes one batch."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._go = threading.Event()
        self._reached = threading.Event()

    async def __aenter__(self) -> "Held":
        self._task = asyncio.create_task(self._world.store.write(None, self._hold))
        await asyncio.to_thread(self._reached.wait, 5)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._go.set()
        await self._task

    async def _hold(self, tx: Transaction) -> None:
        self._reached.set()
        assert self._go.wait(20)


async def in_one_batch(world: World, *usecases: Any) -> list[Any]:
    """The results, or exceptions, of use cases that share one COMMIT."""
    async with Held(world):
        tasks = [asyncio.create_task(world.store.write(None, usecase)) for usecase in usecases]
        await asyncio.sleep(0)
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_use_case_that_awaits_anything_else_is_refused_and_undone(sqlite_world: World) -> None:
    tenant = await create_tenant(sqlite_world)

    async def dawdle(tx: Transaction) -> None:
        await rename(tx, tenant, "Changed")
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="awaited something other"):
        await sqlite_world.store.write(tenant, dawdle)
    assert (await sqlite_world.store.read(partial(tenants.get, id=tenant))).name == "Acme"


async def test_one_write_more_than_may_wait_is_refused(sqlite_world: World) -> None:
    tenant = await create_tenant(sqlite_world)
    async with Held(sqlite_world):
        tasks = [
            asyncio.create_task(sqlite_world.store.write(tenant, partial(rename, tenant=tenant, name="Queued")))
            for _ in range(sqlite.QUEUE_LIMIT)
        ]
        await asyncio.sleep(0)
        with pytest.raises(TooBusy):
            await sqlite_world.store.write(tenant, partial(rename, tenant=tenant, name="One too many"))
    assert await asyncio.gather(*tasks) == ["Queued"] * sqlite.QUEUE_LIMIT


async def test_more_writes_than_a_batch_holds_follow_in_the_next(sqlite_world: World) -> None:
    tenant = await create_tenant(sqlite_world)
    names = [f"Name {n}" for n in range(2 * sqlite.BATCH_LIMIT + 1)]
    assert await in_one_batch(sqlite_world, *(partial(rename, tenant=tenant, name=name) for name in names)) == names


async def test_writes_keep_the_order_in_which_they_were_asked_for(sqlite_world: World) -> None:
    tenant = await create_tenant(sqlite_world)
    await in_one_batch(sqlite_world, *(partial(rename, tenant=tenant, name=f"Name {n}") for n in range(20)))
    assert (await sqlite_world.store.read(partial(tenants.get, id=tenant))).name == "Name 19"


async def test_when_a_statement_rolls_the_whole_batch_back_the_others_run_again(sqlite_world: World) -> None:
    owners = [await create_tenant(sqlite_world, f"Tenant {n}") for n in range(3)]
    runs: list[int] = []

    async def counted(tx: Transaction, n: int) -> str:
        runs.append(n)
        return await rename(tx, owners[n], f"Renamed {n}")

    async def roll_back(tx: Transaction) -> None:
        # what a full disk does: SQLite undoes the transaction, not the statement
        await tx.run("insert or rollback into tenant (id, name, created_at) values ($1, 'x', 'x')", owners[0])

    results = await in_one_batch(
        sqlite_world, partial(counted, n=0), roll_back, partial(counted, n=1), partial(counted, n=2)
    )
    assert results[0] == "Renamed 0"
    assert isinstance(results[1], Exception)
    assert results[2:] == ["Renamed 1", "Renamed 2"]
    assert runs.count(0) == 2, "the one before the fatal statement was not run again"
    names = [row["name"] for row in (await dump(sqlite_world))["tenant"]]
    assert sorted(names) == ["Renamed 0", "Renamed 1", "Renamed 2"]


async def test_a_full_disk_fails_the_write_and_the_store_goes_on(sqlite_world: World) -> None:
    tenant = await create_tenant(sqlite_world)

    async def fill(tx: Transaction) -> None:
        row = await tx.one("pragma page_count")
        assert row is not None
        await tx.one(f"pragma max_page_count = {row[0]}")
        for _ in range(100):
            await tx.run("update tenant set name = name || $1", "x" * 10_000)

    async def make_room(tx: Transaction) -> None:
        await tx.one("pragma max_page_count = 1000000")

    full, renamed = await in_one_batch(sqlite_world, fill, partial(rename, tenant=tenant, name="Too"))
    assert isinstance(full, StoreUnavailable)
    assert renamed == "Too"
    await sqlite_world.store.write(None, make_room)
    assert await sqlite_world.store.write(None, partial(rename, tenant=tenant, name="Later")) == "Later"


async def test_an_acknowledged_write_is_in_the_file_for_another_reader(
    sqlite_world: World, sqlite_folder: Path
) -> None:
    tenant = await create_tenant(sqlite_world)
    reader = sqlite3.connect(sqlite_folder / "store.sqlite")
    for n in range(20):
        await sqlite_world.store.write(tenant, partial(rename, tenant=tenant, name=f"Name {n}"))
        assert reader.execute("select name from tenant where id = ?", (tenant,)).fetchone() == (f"Name {n}",)
    reader.close()


async def test_a_store_that_cannot_open_says_so_at_once(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        SqliteStore(tmp_path / "there" / "is" / "no" / "folder.sqlite")
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        SqliteStore(tmp_path / "not-migrated.sqlite")


class RecordingEngine:
    """An engine's file that notes what is asked of it, and fails where it is told to."""

    def __init__(self) -> None:
        self.staged: list[int] = []
        self.committed: list[int] = []
        self.refuse: set[str] = set()
        self.commit_fails = False
        self.rollbacks = 0
        #: What the next writes have awaited.
        self.aftermaths: list[Aftermath] = []

    async def start(self, tx: Transaction) -> int:
        return await changes.newest(tx)

    async def project(self, tx: Transaction, after: int) -> int:
        found = await changes.after(tx, after)
        if any(change.id in self.refuse for change in found):
            raise EdgeRefused
        self.staged += [change.revision for change in found]
        return found[-1].revision if found else after

    def aftermath(self) -> Aftermath | None:
        return self.aftermaths.pop() if self.aftermaths else None

    def commit(self, revision: int) -> None:
        if self.commit_fails:
            raise NotApplied(revision)
        self.committed.append(revision)

    def rollback(self) -> None:
        self.rollbacks += 1


async def test_each_batch_reaches_the_engine_once_as_of_its_newest_revision(sqlite_folder: Path) -> None:
    engine = RecordingEngine()
    async with builders.world("sqlite", sqlite_folder, engine=engine) as world:
        async with Held(world):
            made = [asyncio.create_task(create_tenant(world)) for _ in range(5)]
            await asyncio.sleep(0)
        await asyncio.gather(*made)
        assert engine.staged == [1, 2, 3, 4, 5]
        assert engine.committed == [5]


async def test_what_a_write_leaves_to_be_awaited_holds_its_own_answer_alone(sqlite_folder: Path) -> None:
    engine, done = RecordingEngine(), asyncio.Event()

    async def wait() -> None:
        await done.wait()

    engine.aftermaths.append(wait)
    async with builders.world("sqlite", sqlite_folder, engine=engine) as world:
        waiting = asyncio.create_task(create_tenant(world))
        await asyncio.sleep(0.1)
        assert engine.committed == [1]
        await create_tenant(world)
        assert not waiting.done()
        done.set()
        await waiting


async def test_a_change_that_the_engine_refuses_is_undone_alone(sqlite_folder: Path) -> None:
    engine = RecordingEngine()
    async with builders.world("sqlite", sqlite_folder, engine=engine) as world:
        good = await create_tenant(world, "Good")

        async def record(tx: Transaction, id: str) -> None:
            await rename(tx, good, id)
            await changes.record(tx, builders.ADMIN, world.clock(), "tenant", id, "x", tenant=None, fields={})

        engine.refuse = {"bad"}
        results = await in_one_batch(world, partial(record, id="fine"), partial(record, id="bad"))
        assert results[0] is None
        assert isinstance(results[1], EdgeRefused)
        assert (await world.store.read(partial(tenants.get, id=good))).name == "fine"


async def test_an_engine_that_cannot_commit_leaves_the_change_stored_and_gets_it_with_the_next(
    sqlite_folder: Path,
) -> None:
    engine = RecordingEngine()
    async with builders.world("sqlite", sqlite_folder, engine=engine) as world:
        engine.commit_fails = True
        with pytest.raises(NotApplied) as raised:
            await create_tenant(world, "Stored")
        assert raised.value.revision == 1
        assert [row["name"] for row in (await dump(world))["tenant"]] == ["Stored"]
        engine.commit_fails = False
        await create_tenant(world, "Next")
        assert engine.staged == [1, 1, 2]
        assert engine.committed == [2]
