"""The audit log: who changed what, from what to what, and never a secret."""

import json
from functools import partial
from typing import Any

import pytest

from cordboard.domain.keys import KeyId
from cordboard.domain.numbers import NumberId
from cordboard.domain.tenants import ADMIN
from cordboard.storage import changes
from cordboard.usecases import agents as agent_usecases
from cordboard.usecases import keys as key_usecases
from cordboard.usecases.clockwork import tick
from tests.builders import (
    World,
    add_platform_number,
    add_version,
    create_agent,
    create_key,
    create_tenant,
    dump,
    fresh_number,
    import_body,
)

pytestmark = pytest.mark.anyio


async def entries(world: World, kind: str | None = None) -> list[dict[str, Any]]:
    """The log in the order in which it was written, with its fields read."""
    rows = (await dump(world))["change"]
    rows.sort(key=lambda row: (row["revision"], row.get("seq", 0)))
    return [{**row, "fields": json.loads(row["fields"])} for row in rows if kind in (None, row["kind"])]


async def test_an_import_and_each_change_after_it_say_who_and_what(world: World) -> None:
    tenant = await create_tenant(world)
    key = await create_key(world, tenant)
    (key_id,) = [row["id"] for row in (await dump(world))["api_key"]]
    agent, _ = await create_agent(world, tenant)
    second = await add_version(world, agent)
    number = fresh_number()
    async with world.client(key) as client:
        phone = (await client.post("/v1/phone/import", json=import_body(number))).json()
        path = f"/v1/phone/{phone['id']}"
        world.clock.advance(minutes=1)
        await client.patch(path, json={"nickname": "Reception", "inbound_version_id": second.id})
        await client.patch(path + "/sip-config", json={"outbound_config": {"password": "another-secret"}})
        await client.patch(path + "/sip-config", json={"outbound_config": {"password": None, "username": None}})
        await client.delete(path)

    log = [row for row in await entries(world) if row["kind"] in ("number", "trunk")]
    assert {row["actor"] for row in log} == {f"key:{key_id}"}
    assert {row["tenant_id"] for row in log} == {tenant}
    assert [(row["kind"], row["action"]) for row in log] == [
        ("trunk", "create"),
        ("number", "import"),
        ("number", "update"),
        ("trunk", "update"),
        ("trunk", "update"),
        ("number", "delete"),
        ("trunk", "delete"),
    ]
    created, imported, updated, set_again, cleared, gone, _ = [row["fields"] for row in log]
    assert created["password"] == ["set"]
    assert created["gateways"] == [None, ["127.0.1.1:5080"]]
    assert imported["number"] == [None, number]
    assert updated == {"nickname": ["Front desk", "Reception"], "inbound_agent": [None, agent.id]}
    assert set_again == {"password": ["set"]}
    assert cleared == {"password": ["cleared"], "username": ["carrier-user", None]}
    assert gone["number"] == [number, None]
    assert log[0]["at"] == "2026-01-10T12:00:00.000000Z"
    assert log[-1]["at"] == "2026-01-10T12:01:00.000000Z"


async def test_publishing_tells_which_version_went_and_which_came(world: World) -> None:
    tenant = await create_tenant(world)
    agent, first = await create_agent(world, tenant)
    second = await add_version(world, agent)
    publish = partial(agent_usecases.publish, who=ADMIN, now=world.clock(), tenant=tenant, agent=agent.id)
    await world.store.write(tenant, partial(publish, version=second.id))
    await world.store.write(tenant, partial(publish, version=None))
    published = [row["fields"] for row in await entries(world, "agent") if row["action"] == "publish"]
    assert published == [
        {"published": [None, first.id]},
        {"published": [first.id, second.id]},
        {"published": [second.id, None]},
    ]


async def test_what_changes_nothing_is_not_logged(world: World) -> None:
    tenant = await create_tenant(world)
    async with world.client(await create_key(world, tenant)) as client:
        phone = (await client.post("/v1/phone/import", json=import_body())).json()
        before = await dump(world)
        path = f"/v1/phone/{phone['id']}"
        assert (await client.patch(path, json={})).status_code == 200
        assert (await client.patch(path, json={"nickname": "Front desk"})).status_code == 200
        assert (await client.patch(path, json={"inbound_version_id": None})).status_code == 200
        assert (await client.patch(path + "/sip-config", json={})).status_code == 200
        same = {"allowed_addresses": ["127.0.1.0/24"], "media_encryption": "allow"}
        assert (await client.patch(path + "/sip-config", json={"inbound_config": same})).status_code == 200
    assert await dump(world) == before


async def test_no_secret_is_anywhere_in_the_store(world: World) -> None:
    tenant = await create_tenant(world)
    key = await create_key(world, tenant)
    async with world.client(key) as client:
        phone = (await client.post("/v1/phone/import", json=import_body())).json()
        await client.patch(
            f"/v1/phone/{phone['id']}/sip-config", json={"outbound_config": {"password": "another-secret"}}
        )
    text = json.dumps(await dump(world))
    for secret in (key, key[3:], "carrier-secret", "another-secret"):
        assert secret not in text


async def test_revisions_rise_in_the_order_of_commits_and_none_is_missed(world: World) -> None:
    tenant = await create_tenant(world)
    seen: list[int] = []
    for n in range(5):
        before = await world.store.read(changes.newest)
        await create_key(world, tenant)
        found = await world.store.read(partial(changes.after, revision=before))
        assert [change.kind for change in found] == ["key"], n
        assert found[0].revision == await world.store.read(changes.newest) > before
        seen.append(found[0].revision)
    assert seen == sorted(set(seen))


async def test_one_transaction_has_one_order_and_a_revoked_key_is_logged(world: World) -> None:
    tenant = await create_tenant(world)
    await create_key(world, tenant, ["phones.view"])
    (key,) = (await dump(world))["api_key"]
    revoke = partial(key_usecases.revoke, who=ADMIN, now=world.clock(), id=KeyId(key["id"]))
    await world.store.write(None, revoke)
    log = await entries(world, "key")
    assert [(row["action"], row["object_id"], row["actor"]) for row in log] == [
        ("create", key["id"], "admin"),
        ("revoke", key["id"], "admin"),
    ]
    assert log[0]["fields"] == {"name": [None, None], "permissions": [None, ["phones.view"]]}


async def test_a_follower_on_postgresql_reads_from_its_mark_and_stops_before_what_may_still_come(
    postgres_world: World,
) -> None:
    world = postgres_world
    mark = await world.store.read(changes.horizon)
    tenant = await create_tenant(world)
    found, moved = await world.store.read(partial(changes.since, mark=mark))
    assert [(change.kind, change.id) for change in found] == [("tenant", tenant)]
    assert moved > found[-1].revision
    again, same = await world.store.read(partial(changes.since, mark=moved))
    assert again == []
    assert same >= moved


async def test_the_history_has_an_id_that_stays(world: World) -> None:
    assert await world.store.read(changes.epoch) == await world.store.read(changes.epoch) != ""


async def test_a_number_that_lapses_is_logged_as_the_clockwork_s_doing(world: World) -> None:

    tenant = await create_tenant(world)
    id = NumberId((await add_platform_number(world, tenant=tenant)).id)
    world.clock.advance(hours=24)
    await tick(world.context)
    lapsed = [row for row in await entries(world, "number") if row["object_id"] == id][-1]
    assert lapsed["actor"] == "clockwork"
    assert lapsed["fields"] == {"tenant": [tenant, None]}
