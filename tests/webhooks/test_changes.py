"""Configuration and the life of numbers as events: each change once, none missed, and nothing of it in the write."""

import asyncio
import json
from functools import partial
from typing import Any, get_args

import pytest

from cordboard.domain.numbers import NumberId, Status
from cordboard.domain.tenants import ADMIN
from cordboard.storage import changes, following
from cordboard.storage.postgres import PostgresStore
from cordboard.storage.sqlite import SqliteStore
from cordboard.usecases import tenants
from cordboard.usecases.change_events import NUMBERS, tell_changes
from cordboard.usecases.clockwork import tick
from cordboard.usecases.numbers import assign_platform_number
from cordboard.usecases.ports import Context
from tests.builders import (
    World,
    add_platform_number,
    add_version,
    create_account,
    create_agent,
    create_key,
    create_operator,
    create_tenant,
    dump,
    fresh_number,
    import_body,
    release,
    route,
)
from tests.webhooks.sending import add_webhook, feed
from tests.webhooks.test_claims import DiesAt, Killed, with_store

pytestmark = pytest.mark.anyio


def follow_of(store: Any) -> following.Follow:
    return following.after if isinstance(store, SqliteStore) else following.since


async def all_told(context: Context, world: World) -> None:
    while await tell_changes(context, follow_of(world.store), limit=3):
        pass


async def told(world: World) -> list[tuple[str, str]]:
    """Type and subject of each event, once all that was changed is told of."""
    while await tell_changes(world.context, follow_of(world.store)):
        pass
    return [(event.type, event.subject) for event in await feed(world)]


async def test_what_is_made_changed_and_deleted_is_told_by_its_noun(world: World) -> None:
    operator = await create_operator(world)
    tenant = await create_tenant(world)
    await create_key(world, tenant)
    agent, _ = await create_agent(world, tenant)
    await add_version(world, agent)
    await create_account(world, tenant)
    await add_webhook(world, "https://hooks.example/x?token=of-the-receiver", tenant)
    number = fresh_number()
    async with world.client(await create_key(world, tenant)) as client:
        phone = (await client.post("/v1/phone/import", json=import_body(number))).json()
        world.clock.advance(seconds=1)
        await client.patch(f"/v1/phone/{phone['id']}", json={"nickname": "Reception"})
        await client.patch(
            f"/v1/phone/{phone['id']}/sip-config", json={"outbound_config": {"password": "another-secret"}}
        )
    world.clock.advance(seconds=1)
    await world.store.write(tenant, partial(tenants.delete, who=ADMIN, now=world.clock(), id=tenant))
    found = await told(world)
    kinds = set(get_args(changes.Kind))
    assert {type.partition(".")[0] for type, _ in found} == kinds
    assert {type for type, _ in found} >= {
        *(f"{kind}.created" for kind in kinds - {"number"}),
        *("number.imported", "number.updated", "number.deleted", "trunk.updated", "agent.deleted", "key.deleted"),
        *("account.deleted", "webhook.deleted", "tenant.deleted"),
    }
    assert ("operator.created", operator.id) in found
    events = {event.type: event for event in await feed(world, subject=phone["id"])}
    assert events["number.updated"].tenant == tenant
    data = dict(events["number.updated"].data)
    assert data.pop("revision")  # type: ignore[truthy-bool]
    assert data == {
        "id": phone["id"],
        "action": "update",
        "actor": data["actor"],
        "fields": {"nickname": ["Front desk", "Reception"]},
    }
    said = json.dumps([event.data for event in await feed(world)])
    assert number in said
    for secret in ("carrier-secret", "another-secret", "account-secret", "of-the-receiver", "whsec_"):
        assert secret not in said
    (trunk,) = [e for e in await feed(world) if e.type == "trunk.updated" and "password" in e.data["fields"]]  # type: ignore[operator]
    assert trunk.data["fields"]["password"] == ["set"]  # type: ignore[index]


async def test_a_platform_number_s_life_is_told_step_by_step(world: World) -> None:
    tenant = await create_tenant(world)
    held = await add_platform_number(world, tenant=tenant)
    free = await add_platform_number(world)
    world.clock.advance(hours=24)
    await tick(world.context)
    assign = partial(assign_platform_number, who=ADMIN, number=free.number, tenant=tenant, now=world.clock())
    await world.store.write(tenant, assign)
    world.clock.advance(days=1)
    await release(world, tenant, NumberId(free.id))
    for days in (40, 40):
        world.clock.advance(days=days)
        await tick(world.context)
    await told(world)
    told_of = {id: [e.type for e in await feed(world, subject=id)] for id in (held.id, free.id)}
    assert told_of[held.id] == ["number.created", "number.lapsed"]
    assert told_of[free.id] == [
        "number.created",
        "number.assigned",
        "number.release.ordered",
        "number.released",
        "number.finished",
    ]
    lapsed = (await feed(world, subject=held.id))[-1]
    assert (lapsed.tenant, lapsed.data["actor"]) == (tenant, "clockwork"), "it is told to whom it was taken from"


def test_each_step_of_a_number_s_life_has_a_type() -> None:
    by_time = {str(status) for status in Status} - {"assigned", "pending_verification"}
    assert by_time <= set(NUMBERS)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("commit", [1, 2, 3])
async def test_a_process_killed_at_any_commit_misses_no_change_and_doubles_none(
    world: World, commit: int, after: bool
) -> None:
    tenant = await create_tenant(world)
    numbers = [await add_platform_number(world, tenant=tenant, status=Status.ASSIGNED) for _ in range(3)]
    for number in numbers:
        await route(world, tenant, NumberId(number.id), nickname="Desk")
    killed = with_store(world.context, DiesAt(world, commit, after=after))
    with pytest.raises(Killed):
        await all_told(killed, world)
    found = await told(world)
    logged = [row["object_id"] for row in (await dump(world))["change"]]
    assert sorted(subject for _, subject in found) == sorted(logged)
    assert await told(world) == found


async def test_two_processes_on_postgresql_tell_of_each_change_once(postgres_world: World, reused_url: str) -> None:
    world = postgres_world
    others = [await PostgresStore.open(reused_url, connections=5) for _ in range(2)]
    try:

        async def change() -> list[str]:
            return [await create_tenant(world, f"Tenant {n}") for n in range(40)]

        async def tell(store: PostgresStore, changing: asyncio.Task[list[str]]) -> None:
            context = with_store(world.context, store)
            while not changing.done() or await tell_changes(context, following.since, limit=7):
                await tell_changes(context, following.since, limit=7)

        changing = asyncio.create_task(change())
        await asyncio.gather(changing, *(tell(store, changing) for store in others))
        found = await told(world)
        assert sorted(subject for _, subject in found) == sorted(changing.result())
    finally:
        for store in others:
            await store.close()


async def test_a_change_that_commits_late_is_told_of(postgres_world: World) -> None:
    world = postgres_world
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def late(tx: Any) -> None:
        await changes.record(tx, ADMIN, world.clock(), "tenant", "late", "update", tenant=None, fields={})
        begun.set()
        await go_on.wait()

    writing = asyncio.create_task(world.store.write(None, late))
    await begun.wait()
    early = [await create_tenant(world, f"Tenant {n}") for n in range(20)]
    for _ in range(3):
        await tell_changes(world.context, following.since, limit=5)
    assert len(await feed(world)) == 20
    go_on.set()
    await writing
    found = await told(world)
    assert sorted(subject for _, subject in found) == sorted([*early, "late"])


async def test_a_write_pays_nothing_for_being_told_of(world: World) -> None:
    tenant = await create_tenant(world)
    await create_key(world, tenant)
    assert await feed(world) == []
