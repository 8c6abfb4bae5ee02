"""What a write promises, on both stores: all or nothing, once acknowledged for good, one tenant at a time."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from typing import Any

import asyncpg
import pytest

from cordboard.domain.errors import InvalidName, NotApplied, NotAssignable, NumberTaken, ReferenceTaken, TooBusy
from cordboard.domain.keys import KeyId
from cordboard.domain.numbers import NumberId
from cordboard.domain.tenants import ADMIN, Actor, TenantId
from cordboard.domain.trunks import TrunkId
from cordboard.storage import keys, postgres, tenants
from cordboard.storage.transaction import Stale, Transaction, UniqueViolation
from cordboard.usecases import keys as key_usecases
from cordboard.usecases import tenants as tenant_usecases
from cordboard.usecases.numbers import (
    Import,
    NewPlatformNumber,
    add_platform_number,
    assign_platform_number,
    import_number,
)
from cordboard.usecases.ports import new_uuid
from tests.builders import World, create_tenant, dump, fresh_number

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)


class Deliberate(Exception):
    """What these use cases raise."""


async def rename(tx: Transaction, tenant: TenantId, name: str) -> str:
    await tx.run("update tenant set name = $2 where id = $1", tenant, name)
    return name


async def name_of(world: World, tenant: TenantId) -> str:
    return (await world.store.read(partial(tenants.get, id=tenant))).name


async def test_a_use_case_that_fails_changes_nothing(world: World) -> None:
    tenant = await create_tenant(world)
    before = await dump(world)

    async def fail_at_the_end(tx: Transaction) -> None:
        await rename(tx, tenant, "Changed")
        await key_usecases.create(
            tx, ADMIN, NOW, id=KeyId(new_uuid()), tenant=tenant, secret="sk-x", name=None, permissions=None
        )
        raise Deliberate

    with pytest.raises(Deliberate):
        await world.store.write(tenant, fail_at_the_end)
    assert await dump(world) == before


async def test_a_statement_that_fails_changes_nothing(world: World) -> None:
    tenant = await create_tenant(world)
    before = await dump(world)

    async def ask_for_a_table_that_is_not_there(tx: Transaction) -> None:
        await rename(tx, tenant, "Changed")
        await tx.run("delete from no_such_table")

    with pytest.raises(Exception, match="no_such_table"):
        await world.store.write(tenant, ask_for_a_table_that_is_not_there)
    assert await dump(world) == before


async def test_a_failed_neighbour_does_not_hurt_its_batch(world: World) -> None:
    owners = [await create_tenant(world, f"Tenant {n}") for n in range(12)]

    async def one(tx: Transaction, n: int) -> str:
        await rename(tx, owners[n], f"Renamed {n}")
        if n % 3 == 0:
            raise Deliberate
        return f"done {n}"

    results = await asyncio.gather(
        *(world.store.write(owner, partial(one, n=n)) for n, owner in enumerate(owners)), return_exceptions=True
    )
    for n, (owner, result) in enumerate(zip(owners, results, strict=True)):
        if n % 3 == 0:
            assert isinstance(result, Deliberate)
            assert await name_of(world, owner) == f"Tenant {n}"
        else:
            assert result == f"done {n}"
            assert await name_of(world, owner) == f"Renamed {n}"


async def test_what_a_unique_index_refuses_is_told_as_such_and_its_batch_goes_on(world: World) -> None:
    async def make(reference: str) -> TenantId:
        return await create_tenant(world, "Acme", reference)

    results = await asyncio.gather(*(make("one-and-only") for _ in range(8)), make("another"), return_exceptions=True)
    kinds = Counter(type(result) for result in results)
    assert kinds == {str: 2, ReferenceTaken: 7}


async def test_rows_that_are_added_at_once_stand_as_they_are_and_all_or_none(world: World) -> None:
    columns = "import_id, place, number, outcome, number_id, problems"
    rows = [("an import", n, None if n % 2 else f"+{n}", "failed", None, "a\tb\\N\né") for n in range(150)]

    async def add(tx: Transaction, rows: list[tuple[str | int | None, ...]]) -> None:
        await tx.add("number_import_row", columns, rows)

    async def stored(tx: Transaction) -> list[tuple[str | int | None, ...]]:
        return [tuple(row) for row in await tx.all(f"select {columns} from number_import_row order by place")]

    await world.store.write(None, partial(add, rows=rows))
    await world.store.write(None, partial(add, rows=[]))
    assert await world.store.read(stored) == rows
    again = [("an import", n, None, "failed", None, None) for n in (150, 151, 7)]
    with pytest.raises(UniqueViolation):
        await world.store.write(None, partial(add, rows=again))
    assert await world.store.read(stored) == rows


async def test_a_write_reads_what_it_wrote(world: World) -> None:
    tenant = await create_tenant(world)

    async def write_then_read(tx: Transaction) -> str:
        await rename(tx, tenant, "Seen within")
        return (await tenants.get(tx, tenant)).name

    assert await world.store.write(tenant, write_then_read) == "Seen within"
    assert await name_of(world, tenant) == "Seen within"


async def test_a_read_changes_nothing_on_sqlite(sqlite_world: World) -> None:
    tenant = await create_tenant(sqlite_world)
    with pytest.raises(Exception, match="readonly"):
        await sqlite_world.store.read(partial(rename, tenant=tenant, name="Changed"))


async def test_a_limit_holds_for_each_of_twenty_tenants_under_a_race(world: World) -> None:
    limit, attempts = 5, 9
    owners = [await create_tenant(world) for _ in range(20)]

    async def add_within_the_limit(tx: Transaction, tenant: TenantId) -> bool:
        if len(await keys.of_tenant(tx, tenant, None, 100)) >= limit:
            return False
        id = new_uuid()
        await key_usecases.create(
            tx, ADMIN, NOW, id=KeyId(id), tenant=tenant, secret=f"sk-{id}", name=None, permissions=None
        )
        return True

    results = await asyncio.gather(
        *(world.store.write(owner, partial(add_within_the_limit, tenant=owner)) for owner in owners * attempts)
    )
    assert sum(results) == limit * len(owners)
    for owner in owners:
        assert len(await world.store.read(partial(keys.of_tenant, tenant=owner, after=None, limit=100))) == limit


async def test_of_32_imports_of_one_number_exactly_one_wins(world: World) -> None:
    owners = [await create_tenant(world) for _ in range(32)]
    number = fresh_number()

    async def bring(tenant: TenantId) -> Any:
        new = Import(id=NumberId(new_uuid()), trunk_id=TrunkId(new_uuid()), number=number)
        usecase = partial(
            import_number, who=Actor(name="key:x"), tenant=tenant, new=new, sealer=world.context.sealer, now=NOW
        )
        return await world.store.write(tenant, usecase)

    results = await asyncio.gather(*map(bring, owners), return_exceptions=True)
    kinds = Counter(type(r) if isinstance(r, Exception) else "won" for r in results)
    assert kinds == {"won": 1, NumberTaken: 31}
    (winner,) = [owner for owner, r in zip(owners, results, strict=True) if not isinstance(r, Exception)]
    rows = await dump(world)
    assert [row["tenant_id"] for row in rows["number"]] == [winner]
    assert len(rows["trunk"]) == 1, "a loser left its trunk behind"
    assert sorted(row["listed_numbers"] for row in rows["tenant"]) == [0] * 31 + [1]


async def test_of_two_tenants_that_are_given_one_number_at_once_one_gets_it(world: World) -> None:
    one, other = await create_tenant(world), await create_tenant(world)
    numbers = [fresh_number() for _ in range(10)]
    for number in numbers:
        new = NewPlatformNumber(id=NumberId(new_uuid()), trunk_id=TrunkId(new_uuid()), number=number)
        await world.store.write(None, partial(add_platform_number, who=ADMIN, new=new, now=NOW))

    async def assign(number: str, tenant: TenantId) -> Any:
        usecase = partial(assign_platform_number, who=ADMIN, number=number, tenant=tenant, now=NOW)
        return await world.store.write(tenant, usecase)

    results = await asyncio.gather(
        *(assign(number, tenant) for number in numbers for tenant in (one, other)), return_exceptions=True
    )
    for first, second in zip(results[::2], results[1::2], strict=True):
        assert sorted((isinstance(first, NotAssignable), isinstance(second, NotAssignable))) == [False, True]
    rows = await dump(world)
    assert sum(row["listed_numbers"] for row in rows["tenant"]) == len(numbers)
    owner = {row["id"]: row["tenant_id"] for row in rows["trunk"]}
    assert all(owner[row["trunk_id"]] == row["tenant_id"] for row in rows["number"]), "a trunk went to the loser"


async def test_a_caller_that_goes_away_does_not_undo_its_write(world: World) -> None:
    tenant = await create_tenant(world)
    task = asyncio.create_task(world.store.write(tenant, partial(rename, tenant=tenant, name="Still done")))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # one tenant's writes are serial: this one comes after it
    await world.store.write(tenant, partial(tenants.get, id=tenant))
    for _ in range(200):
        if await name_of(world, tenant) == "Still done":
            break
        await asyncio.sleep(0.01)
    assert await name_of(world, tenant) == "Still done"


async def test_a_store_that_closes_finishes_what_was_queued(world: World) -> None:
    owners = [await create_tenant(world) for _ in range(20)]
    writes = [
        asyncio.create_task(world.store.write(owner, partial(rename, tenant=owner, name="Last words")))
        for owner in owners
    ]
    await asyncio.sleep(0)
    await world.store.close()  # type: ignore[attr-defined]
    assert await asyncio.gather(*writes) == ["Last words"] * 20


async def test_a_write_to_a_closed_store_is_refused_and_does_not_hang(world: World) -> None:
    tenant = await create_tenant(world)
    await world.store.close()  # type: ignore[attr-defined]
    with pytest.raises(TooBusy):
        await asyncio.wait_for(world.store.write(tenant, partial(rename, tenant=tenant, name="x")), 5)


async def test_a_refusal_by_a_rule_leaves_the_store_usable(world: World) -> None:
    with pytest.raises(InvalidName):
        await create_tenant(world, "")
    assert await name_of(world, await create_tenant(world, "Next")) == "Next"


async def test_on_postgresql_a_use_case_whose_reading_is_stale_is_run_again(postgres_world: World) -> None:
    tenant = await create_tenant(postgres_world)
    runs: list[int] = []

    async def stale_once(tx: Transaction) -> str:
        runs.append(1)
        await rename(tx, tenant, f"Run {len(runs)}")
        if len(runs) == 1:
            raise Stale
        return "done"

    assert await postgres_world.store.write(tenant, stale_once) == "done"
    assert await name_of(postgres_world, tenant) == "Run 2"


async def test_on_postgresql_what_stays_stale_is_given_up_unchanged(postgres_world: World) -> None:
    tenant = await create_tenant(postgres_world)
    before = await dump(postgres_world)
    runs: list[int] = []

    async def always_stale(tx: Transaction) -> None:
        runs.append(1)
        await rename(tx, tenant, "Changed")
        raise Stale

    with pytest.raises(TooBusy):
        await postgres_world.store.write(tenant, always_stale)
    assert len(runs) == postgres.ATTEMPTS
    assert await dump(postgres_world) == before


async def test_on_postgresql_a_deadlock_is_survived_by_both(postgres_world: World) -> None:
    one, other = await create_tenant(postgres_world), await create_tenant(postgres_world)
    met = asyncio.Barrier(2)
    runs: list[int] = []

    async def cross(tx: Transaction, first: TenantId, second: TenantId) -> None:
        runs.append(1)
        await rename(tx, first, "Crossed")
        if len(runs) <= 2:
            await met.wait()
        await rename(tx, second, "Crossed")

    await asyncio.gather(
        postgres_world.store.write(None, partial(cross, first=one, second=other)),
        postgres_world.store.write(None, partial(cross, first=other, second=one)),
    )
    assert len(runs) > 2, "there was no deadlock"
    assert await name_of(postgres_world, one) == await name_of(postgres_world, other) == "Crossed"


@pytest.mark.slow
async def test_on_postgresql_a_lock_that_is_not_given_up_is_too_busy(postgres_world: World, reused_url: str) -> None:
    tenant = await create_tenant(postgres_world)
    connection = await asyncpg.connect(reused_url)
    async with connection.transaction():
        await connection.fetch("select 1 from tenant where id = $1 for update", tenant)
        with pytest.raises(TooBusy):
            await postgres_world.store.write(tenant, partial(rename, tenant=tenant, name="Changed"))
    await connection.close()
    assert await name_of(postgres_world, tenant) == "Acme"


async def test_on_postgresql_one_write_more_than_may_wait_is_refused(postgres_world: World) -> None:
    tenant = await create_tenant(postgres_world)
    go = asyncio.Event()

    async def wait(tx: Transaction) -> str:
        await go.wait()
        return "done"

    waiting = [asyncio.create_task(postgres_world.store.write(None, wait)) for _ in range(postgres.QUEUE_LIMIT)]
    await asyncio.sleep(0)
    with pytest.raises(TooBusy):
        await postgres_world.store.write(tenant, wait)
    go.set()
    assert await asyncio.gather(*waiting) == ["done"] * postgres.QUEUE_LIMIT
    assert await postgres_world.store.write(tenant, wait) == "done"


async def test_on_postgresql_what_an_engine_cannot_take_yet_is_stored_and_told(postgres_world: World) -> None:
    async def cannot() -> None:
        raise NotApplied(7)

    store: Any = postgres_world.store
    tenant = await create_tenant(postgres_world)
    store.after_commit = cannot
    with pytest.raises(NotApplied):
        await store.write(tenant, partial(rename, tenant=tenant, name="Stored"))
    assert await name_of(postgres_world, tenant) == "Stored"


async def test_the_same_use_case_answers_the_same_on_both_stores(world: World) -> None:
    made = await world.store.write(
        None,
        partial(tenant_usecases.create, who=ADMIN, now=NOW, id=TenantId("t-1"), name="  Acme  ", reference="123"),
    )
    found = await world.store.read(partial(tenants.find, ref="123"))
    assert found == made
    assert (found.name, found.reference, found.created_at) == ("Acme", "123", NOW)
