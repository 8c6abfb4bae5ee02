"""Numbers listed, fetched and updated: their trunk, their assistant, and what kind of number each is.

https://docs.nebrijaai.com/api-reference/phone-numbers/actualizar-numero-de-telefono
"""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from cordboard.domain.numbers import number_type
from cordboard.storage import agents
from tests.builders import World, add_platform_number, create_agent, dump, import_number, release, route, unknown_id
from tests.dialects.nebrija.caller import NUMBERS, Caller, calling, system_trunk

pytestmark = pytest.mark.anyio


@pytest.fixture
async def caller(shared_world: World) -> AsyncIterator[Caller]:
    async with calling(shared_world) as made:
        yield made


@pytest.mark.proves(
    "nebrija: GET /phone-numbers/:id",
    "nebrija: number id",
    "nebrija: number number",
    "nebrija: number label",
    "nebrija: number sipTrunkId",
    "nebrija: number assistantId",
    "nebrija: number isPlatformNumber",
    "nebrija: number createdAt, updatedAt",
)
async def test_a_number_is_shown(caller: Caller) -> None:
    agent, version = await create_agent(caller.world, caller.tenant)
    id = await import_number(caller.world, caller.tenant)
    row = await route(caller.world, caller.tenant, id, nickname="Front desk", inbound_version=version.id)
    shown = await caller.done("GET", f"{NUMBERS}/{id}")
    assert shown == {
        "id": id,
        "number": row.number,
        "label": "Front desk",
        "type": "landline",
        "sipTrunkId": row.trunk_id,
        "assistantId": agent.id,
        "isPlatformNumber": False,
        "createdAt": shown["createdAt"],
        "updatedAt": shown["updatedAt"],
    }
    bought = await add_platform_number(caller.world, tenant=caller.tenant)
    assert (await caller.done("GET", f"{NUMBERS}/{bought.id}"))["isPlatformNumber"] is True


@pytest.mark.proves("nebrija: number type")
@pytest.mark.parametrize(
    ("number", "type"),
    [
        ("+34612345678", "mobile"),
        ("+34911234567", "landline"),
        ("+34900123456", "toll-free"),
        ("+34803123456", "premium-rate"),
        ("+34901123456", "shared-cost"),
        ("+34701234567", "personal"),
        # North America does not tell them apart
        ("+15125550100", "landline-or-mobile"),
        ("+18005550100", "toll-free"),
        ("+445612345678", "voip"),
        ("+447640123456", "pager"),
        ("+445512345678", "universal"),
        ("+34000000000", "unknown"),
        ("front@pbx.example", "sip"),
    ],
)
def test_the_kind_of_a_number_is_its_country_s_plan_s(number: str, type: str) -> None:
    assert number_type(number) == type


@pytest.mark.proves("nebrija: GET /phone-numbers", "nebrija: list body", "nebrija: list order")
async def test_numbers_are_listed_the_newest_first(world: World) -> None:
    async with calling(world) as caller, calling(world) as other:
        await other.number()
        made = []
        for _ in range(3):
            made.append(await caller.number())
            world.clock.advance(seconds=1)
        assert [each["id"] for each in await caller.done("GET", NUMBERS)] == made[::-1]
        assert [each["id"] for each in await caller.done("GET", f"{NUMBERS}?limit=2")] == made[:0:-1]


@pytest.mark.proves("nebrija: PATCH /phone-numbers/:id")
async def test_each_field_absent_null_and_given(world: World) -> None:
    async with calling(world) as caller:
        (agent, _), (other, _) = [await create_agent(world, caller.tenant) for _ in range(2)]
        trunk, second = [(await caller.trunk())["id"] for _ in range(2)]
        path = f"{NUMBERS}/{await caller.number()}"
        full = {"label": "Front desk", "sipTrunkId": trunk, "inbound": {"assistantId": agent.id}}
        for body, changed in (
            ({}, {}),
            ({"label": "Other"}, {"label": "Other"}),
            ({"label": None}, {"label": None}),
            ({"sipTrunkId": second}, {"sipTrunkId": second}),
            ({"sipTrunkId": None}, {"sipTrunkId": None}),
            ({"inbound": {}}, {}),
            ({"inbound": {"assistantId": other.id}}, {"assistantId": other.id}),
            ({"inbound": {"assistantId": None}}, {"assistantId": None}),
            ({"inbound": None}, {"assistantId": None}),
        ):
            before = await caller.done("PATCH", path, full)
            world.clock.advance(minutes=1)
            shown = await caller.done("PATCH", path, body)
            assert shown == {**before, **changed, "updatedAt": shown["updatedAt"]}, body
            assert (shown["updatedAt"] > before["updatedAt"]) is bool(changed)
            assert await caller.done("GET", path) == shown


@pytest.mark.proves("nebrija: PATCH /phone-numbers/:id", "nebrija: system trunks")
async def test_one_trunk_carries_many_numbers_and_a_system_trunk_everybody_s(world: World) -> None:
    system = await system_trunk(world)
    async with calling(world) as caller, calling(world) as other:
        own = (await caller.trunk())["id"]
        numbers = [await caller.number() for _ in range(3)]
        for trunk in (own, system.id):
            for number in numbers:
                await caller.done("PATCH", f"{NUMBERS}/{number}", {"sipTrunkId": trunk})
            assert {each["sipTrunkId"] for each in await caller.done("GET", NUMBERS)} == {trunk}
        theirs = await other.number()
        await other.done("PATCH", f"{NUMBERS}/{theirs}", {"sipTrunkId": system.id})


@pytest.mark.proves("nebrija: PATCH /phone-numbers/:id")
async def test_what_is_another_tenant_s_is_told_as_what_there_is_not(caller: Caller) -> None:
    number = await caller.number()
    async with calling(caller.world) as owner:
        trunk, (agent, _) = (await owner.trunk())["id"], await create_agent(caller.world, owner.tenant)
        before = await dump(caller.world)
        for ids, body in (
            ((trunk, unknown_id()), lambda id: {"sipTrunkId": id}),
            ((agent.id, unknown_id()), lambda id: {"inbound": {"assistantId": id}}),
        ):
            told = [
                (await caller.refused("PATCH", f"{NUMBERS}/{number}", 404, json=body(id))).replace(id, "") for id in ids
            ]
            assert told[0] == told[1]
        assert await dump(caller.world) == before


@pytest.mark.proves("nebrija: PATCH /phone-numbers/:id")
async def test_a_platform_owned_number_and_its_trunk_stay_together(caller: Caller) -> None:
    trunk, imported = (await caller.trunk())["id"], await caller.number()
    number = await add_platform_number(caller.world, tenant=caller.tenant)
    await caller.refused("PATCH", f"{NUMBERS}/{number.id}", 409, json={"sipTrunkId": trunk})
    await caller.refused("PATCH", f"{NUMBERS}/{number.id}", 409, json={"sipTrunkId": None})
    # it will be somebody else's when the number is
    await caller.refused("PATCH", f"{NUMBERS}/{imported}", 409, json={"sipTrunkId": number.trunk_id})
    assert (await caller.done("PATCH", f"{NUMBERS}/{number.id}", {"label": "x"}))["sipTrunkId"] == number.trunk_id


@pytest.mark.proves("nebrija: number assistantId")
async def test_an_assistant_without_a_published_version_answers_by_its_newest(caller: Caller) -> None:
    agent, version = await create_agent(caller.world, caller.tenant)
    draft, _ = await create_agent(caller.world, caller.tenant, draft=True)
    path = f"{NUMBERS}/{await caller.number()}"
    other = await import_number(caller.world, caller.tenant)
    await route(caller.world, caller.tenant, other, inbound_version=version.id)
    await release(caller.world, caller.tenant, other)  # nothing uses the agent any more: it is un-published
    assert (await caller.done("PATCH", path, {"inbound": {"assistantId": agent.id}}))["assistantId"] == agent.id
    found = partial(agents.get, tenant=caller.tenant, id=agent.id)
    assert (await caller.world.store.read(found)).published == version.id
    before = await dump(caller.world)
    message = await caller.refused("PATCH", path, 409, json={"inbound": {"assistantId": draft.id}})
    assert "draft" in message
    assert await dump(caller.world) == before


@pytest.mark.proves("nebrija: validation failure", "nebrija: number label")
@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"label": 5}, "label"),
        ({"label": "a" * 256}, "label"),
        ({"sipTrunkId": "x"}, "sipTrunkId"),
        ({"sipTrunkId": ""}, "sipTrunkId"),
        ({"inbound": "x"}, "inbound"),
        ({"inbound": {"assistantId": 5}}, "inbound.assistantId"),
        ([], "body"),
    ],
)
async def test_what_a_number_does_not_take_is_refused(caller: Caller, body: Any, place: str) -> None:
    path = f"{NUMBERS}/{await caller.number()}"
    (message,) = await caller.refused("PATCH", path, 400, json=body)
    assert message.startswith(f"{place}: ")
