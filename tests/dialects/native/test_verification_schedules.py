"""The native API: verifications that run by themselves, each turn once, however many processes look."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import Any

import pytest

from cordboard.domain.numbers import Status
from cordboard.storage.transaction import Transaction
from cordboard.usecases.verification_schedules import JITTER
from tests.builders import (
    ADMIN_TOKEN,
    World,
    add_platform_number,
    create_account,
    create_key,
    create_tenant,
    unknown_id,
)
from tests.dialects.native.admin import Admin
from tests.verifying import prober

pytestmark = pytest.mark.anyio

PATH = "/verification-schedules"


@pytest.fixture
async def admin(world: World) -> AsyncIterator[Admin]:
    world.prober = prober()
    async with world.client(ADMIN_TOKEN) as http:
        yield Admin(world, http)


async def account(admin: Admin, tenant: str | None = None) -> str:
    return (await create_account(admin.world, tenant or await create_tenant(admin.world))).id  # type: ignore[arg-type]


async def schedule(admin: Admin, id: str, minutes: int = 60, **rest: Any) -> Any:
    body = {"kind": "account", "subject_id": id, "every_minutes": minutes, **rest}
    return await admin.done("POST", PATH, body)


async def verifications(admin: Admin) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await admin.done("GET", "/verifications", status=200))["data"]
    return found


async def test_a_subject_has_one_schedule_which_is_listed_and_deleted(admin: Admin) -> None:
    tenant = await create_tenant(admin.world)
    id = await account(admin, tenant)
    await schedule(admin, id)
    made = await schedule(admin, id, 1440, steps=["allow-list"])
    assert (made["every_minutes"], made["steps"], made["tenant_id"]) == (1440, ["allow-list"], tenant)
    other = await schedule(admin, await account(admin))
    assert (await admin.done("GET", f"{PATH}?tenant_id={tenant}", status=200))["data"] == [made]
    page = await admin.done("GET", f"{PATH}?limit=1", status=200)
    rest = await admin.done("GET", f"{PATH}?after={page['next']}", status=200)
    assert {each["id"] for each in page["data"] + rest["data"]} == {made["id"], other["id"]}
    read = await admin.send("GET", f"{PATH}/{made['id']}")
    assert read.json() == made
    stale = {"If-Match": '"stale"'}
    assert (await admin.send("DELETE", f"{PATH}/{made['id']}", headers=stale)).status_code == 412
    current = {"If-Match": read.headers["etag"]}
    assert (await admin.send("DELETE", f"{PATH}/{made['id']}", headers=current)).status_code == 204
    await admin.refused("DELETE", f"{PATH}/{made['id']}", status=404, code="unknown-schedule")


async def test_a_schedule_that_makes_no_sense_is_refused(admin: Admin) -> None:
    id = await account(admin)
    for body in ({"every_minutes": 4}, {"every_minutes": 43201}, {"steps": ["echo"]}, {"steps": ["dns"]}, {"echo": {}}):
        whole = {"kind": "account", "subject_id": id, "every_minutes": 60, **body}
        await admin.refused("POST", PATH, whole, status=422, code="invalid")
    whole = {"kind": "account", "subject_id": unknown_id(), "every_minutes": 60}
    await admin.refused("POST", PATH, whole, status=404, code="unknown-account")


async def test_a_turn_is_taken_when_it_is_due_and_a_tenth_of_the_time_is_chance(admin: Admin) -> None:
    ids = [await account(admin) for _ in range(4)]
    made = [await schedule(admin, id, 100) for id in ids]
    due = {datetime.fromisoformat(each["next_at"]) for each in made}
    assert len(due) == 4, "they do not all run together"
    minutes = sorted((at - admin.world.clock()).total_seconds() / 60 for at in due)
    assert 100 * (1 - JITTER) <= minutes[0] < minutes[-1] <= 100 * (1 + JITTER)
    scheduler = admin.world.scheduler()
    assert await scheduler.run_due() == 0
    admin.world.clock.advance(minutes=111)
    assert await scheduler.run_due() == 4
    assert await scheduler.run_due() == 0
    found = await verifications(admin)
    assert {each["subject"]["id"] for each in found} == set(ids)
    assert {each["by"] for each in found} == {f"schedule:{each['id']}" for each in made}
    admin.world.clock.advance(minutes=111)
    assert await scheduler.run_due() == 4
    await scheduler.verifier.close()


async def test_schedules_take_turns_by_tenant(admin: Admin) -> None:
    busy = await create_tenant(admin.world)
    for _ in range(6):
        await schedule(admin, await account(admin, busy), 60)
    late = await schedule(admin, await account(admin), 300)
    admin.world.clock.advance(hours=6)
    scheduler = admin.world.scheduler()
    assert await scheduler.run_due() == 4
    assert f"schedule:{late['id']}" in {each["by"] for each in await verifications(admin)}
    await scheduler.verifier.close()


async def test_of_several_processes_one_takes_a_turn(admin: Admin) -> None:
    for _ in range(3):
        await schedule(admin, await account(admin))
    admin.world.clock.advance(hours=2)
    processes = [admin.world.scheduler() for _ in range(5)]
    begun = await asyncio.gather(*(process.run_due() for process in processes))
    assert sum(begun) == 3
    assert len(await verifications(admin)) == 3
    for process in processes:
        await process.verifier.close()


async def test_a_schedule_goes_with_what_it_verifies(admin: Admin) -> None:
    tenant = await create_tenant(admin.world)
    id = await account(admin, tenant)
    await schedule(admin, id)
    await admin.done("DELETE", f"/accounts/{id}", status=204)
    admin.world.clock.advance(hours=2)
    assert await admin.world.scheduler().run_due() == 0
    assert (await admin.done("GET", PATH, status=200))["data"] == []


async def test_a_schedule_goes_when_its_subject_is_somebody_elses(admin: Admin) -> None:
    world = admin.world
    former, present = await create_tenant(world), await create_tenant(world)
    number = await add_platform_number(world, tenant=former, status=Status.ASSIGNED)
    body = {"kind": "number", "subject_id": number.number, "every_minutes": 60}
    await admin.done("POST", PATH, body)
    await world.store.write(None, partial(_give, id=number.id, tenant=present))
    world.clock.advance(hours=2)
    assert await world.scheduler().run_due() == 0
    assert (await admin.done("GET", PATH, status=200))["data"] == []
    assert await verifications(admin) == []


async def _give(tx: Transaction, id: str, tenant: str) -> None:
    await tx.run("update number set tenant_id = $2 where id = $1", id, tenant)


async def test_a_process_without_an_edge_takes_no_turn(admin: Admin) -> None:
    await schedule(admin, await account(admin))
    admin.world.clock.advance(hours=2)
    admin.world.prober = None
    assert await admin.world.scheduler().run_due() == 0
    assert len((await admin.done("GET", PATH, status=200))["data"]) == 1


async def test_a_key_schedules_what_is_its_own(admin: Admin) -> None:
    tenant = await create_tenant(admin.world)
    id, others = await account(admin, tenant), await account(admin)
    async with admin.world.client(await create_key(admin.world, tenant)) as http:
        body = {"kind": "account", "subject_id": id, "every_minutes": 60}
        assert (await http.post(f"/cordboard/v1{PATH}", json=body)).status_code == 201
        assert (await http.post(f"/cordboard/v1{PATH}", json={**body, "subject_id": others})).status_code == 404
