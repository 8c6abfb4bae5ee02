"""Diga's list of phones against a model that sorts and cuts a Python list.

https://docs.diga.io/api-reference/phones/list-phones
"""

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cordboard.domain.agents import VersionId
from cordboard.domain.numbers import NumberId, Status
from cordboard.usecases.clockwork import tick
from tests.builders import (
    World,
    add_platform_number,
    create_agent,
    create_tenant,
    import_number,
    release,
    route,
    unknown_id,
)
from tests.dialects.diga.caller import Caller, calling, locations

pytestmark = pytest.mark.anyio


@dataclass
class Listed:
    """A tenant with phones of every kind, and what the list without any parameter shows of them, oldest first."""

    caller: Caller
    phones: list[dict[str, Any]]
    agents: list[str]

    async def get(self, **query: Any) -> dict[str, Any]:
        answer = await self.caller.send("GET", "/v1/phone/", params=query)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body


@pytest.fixture
async def listed(world: World) -> AsyncIterator[Listed]:
    """Eleven phones: several of one instant, in each status, some with agents."""
    async with calling(world) as caller:
        tenant = caller.tenant
        stranger = await create_tenant(world)
        made = [await create_agent(world, tenant) for _ in range(2)]
        ids: list[NumberId] = []
        for n in range(10):
            if n % 3:  # some share an instant, so that the id decides
                world.clock.advance(minutes=1)
            await import_number(world, stranger)
            if n in (5, 7, 8):
                ids.append(NumberId((await add_platform_number(world, tenant=tenant, status=Status.ASSIGNED)).id))
            else:
                ids.append(await import_number(world, tenant))
        for n, direction in ((0, "inbound"), (1, "inbound"), (3, "outbound"), (4, "inbound"), (5, "outbound")):
            version: VersionId = made[n % 2][1].id
            await route(world, tenant, ids[n], **{f"{direction}_version": version})
        for going in (ids[7], ids[8]):  # one is finished in the end, one released
            await release(world, tenant, going)
            world.clock.advance(days=31)
            await tick(world.context)
        ids.append(NumberId((await add_platform_number(world, tenant=tenant)).id))
        phones = [await caller.phone(id) for id in ids]
        created = {id: n for n, id in enumerate(ids)}
        instants = [0, 1, 2, 2, 3, 4, 4, 5, 6, 6, 7]
        phones.sort(key=lambda phone: (instants[created[phone["id"]]], phone["id"]))
        yield Listed(caller=caller, phones=phones, agents=[agent.id for agent, _ in made])


def parsed(text: str) -> datetime:
    return datetime.fromisoformat(text)


def matches(phone: dict[str, Any], query: dict[str, Any]) -> bool:
    assigned = phone["assigned_at"]
    return (
        (query.get("status") == phone["status"] if "status" in query else phone["status"] != "finished")
        and query.get("inbound_agent_id") in (None, phone["inbound_agent_id"])
        and query.get("outbound_agent_id") in (None, phone["outbound_agent_id"])
        and ("start_assigned_at" not in query or (assigned and parsed(assigned) >= parsed(query["start_assigned_at"])))
        and ("end_assigned_at" not in query or (assigned and parsed(assigned) <= parsed(query["end_assigned_at"])))
    )


def expected(phones: list[dict[str, Any]], query: dict[str, Any]) -> dict[str, Any]:
    """The model: sort, filter, cut."""
    ordered = phones if query.get("order") == "asc" else phones[::-1]
    limit = query.get("limit", 20)
    fitting = [phone for phone in ordered if matches(phone, query)]
    at = {phone["id"]: place for place, phone in enumerate(ordered)}
    current = pages = None
    if "page" in query:
        first = (query["page"] - 1) * limit
        data, current, pages = fitting[first : first + limit], query["page"], -(-len(fitting) // limit)
        more = current < pages
    elif "before" in query:
        earlier = [phone for phone in fitting if at[phone["id"]] < at[query["before"]]]
        data, more = earlier[-limit:], len(earlier) > limit
    else:
        later = [p for p in fitting if "after" not in query or at[p["id"]] > at[query["after"]]]
        data, more = later[:limit], len(later) > limit
    return {
        "data": data,
        "has_more": more,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "current_page": current,
        "total_pages": pages,
    }


def short(body: dict[str, Any]) -> dict[str, Any]:
    """Ids for phones, for a message that can be read."""
    return {**body, "data": [phone["id"] for phone in body["data"]]}


async def check(listed: Listed, **query: Any) -> None:
    body = await listed.get(**query)
    assert short(body) == short(expected(listed.phones, query)), query
    assert body["data"] == expected(listed.phones, query)["data"], query


async def test_cursors_at_each_phone_with_small_limits_in_both_orders(listed: Listed) -> None:
    ids = [phone["id"] for phone in listed.phones]
    for order, limit, cursor in itertools.product(("asc", "desc"), (1, 3), ("after", "before")):
        for id in ids[::2] if limit == 1 else ids:
            await check(listed, order=order, limit=limit, **{cursor: id})


async def test_pages_of_every_size_in_both_orders(listed: Listed) -> None:
    for order, limit in itertools.product(("asc", "desc"), (1, 2, 3, 5, 10, 11, 100)):
        for page in {1, 2, 3, -(-len(listed.phones) // limit), 11, 1000}:
            await check(listed, order=order, limit=limit, page=page)


async def test_every_set_of_filters(listed: Listed) -> None:
    assigned = sorted({phone["assigned_at"] for phone in listed.phones if phone["assigned_at"]})
    choices: dict[str, list[Any]] = {
        "status": [None, "assigned", "released", "finished", "reserved"],
        "inbound_agent_id": [None, listed.agents[0]],
        "outbound_agent_id": [None, listed.agents[1]],
        "start_assigned_at": [None, assigned[2]],
        "end_assigned_at": [None, assigned[4]],
    }
    for values in itertools.product(*choices.values()):
        query = {name: value for name, value in zip(choices, values, strict=True) if value is not None}
        await check(listed, limit=3, **query)
        await check(listed, limit=2, page=2, order="asc", **query)


async def test_a_cursor_with_filters_that_it_does_not_pass_itself(listed: Listed) -> None:
    for phone in listed.phones[::3]:
        for cursor in ("after", "before"):
            await check(listed, limit=2, status="assigned", **{cursor: phone["id"]})
            await check(listed, limit=2, inbound_agent_id=listed.agents[0], order="asc", **{cursor: phone["id"]})


async def test_walking_forth_and_back_sees_each_phone_once(listed: Listed) -> None:
    for order in ("asc", "desc"):
        ids = [phone["id"] for phone in (await listed.get(order=order))["data"]]
        forth: list[str] = []
        query: dict[str, Any] = {"order": order, "limit": 3}
        while True:
            page = await listed.get(**query)
            forth += [phone["id"] for phone in page["data"]]
            if not page["has_more"]:
                break
            query["after"] = page["last_id"]
        assert forth == ids
        back = [ids[-1]]
        query = {"order": order, "limit": 3}
        while True:
            page = await listed.get(**query, before=back[0])
            back = [phone["id"] for phone in page["data"]] + back
            if not page["has_more"]:
                break
        assert back == ids


async def test_bounds_of_assignment_are_inclusive_and_take_any_zone(listed: Listed) -> None:
    phone = next(phone for phone in listed.phones if phone["assigned_at"])
    instant = parsed(phone["assigned_at"])
    exactly = {"start_assigned_at": phone["assigned_at"], "end_assigned_at": phone["assigned_at"]}
    assert phone["id"] in [found["id"] for found in (await listed.get(**exactly))["data"]]
    late = {"start_assigned_at": (instant + timedelta(microseconds=1)).isoformat()}
    assert phone["id"] not in [found["id"] for found in (await listed.get(**late))["data"]]
    elsewhere = instant.astimezone(UTC).replace(tzinfo=None).isoformat()
    assert await listed.get(end_assigned_at=elsewhere) == await listed.get(end_assigned_at=phone["assigned_at"])
    assert all(found["assigned_at"] for found in (await listed.get(end_assigned_at="2099-01-01"))["data"])


async def test_a_released_phone_is_listed_and_a_finished_one_only_when_asked_for(listed: Listed) -> None:
    assert {phone["status"] for phone in (await listed.get())["data"]} == {"assigned", "released", "reserved"}
    caller = listed.caller
    caller.world.clock.advance(days=30)
    await tick(caller.world.context)
    assert {phone["status"] for phone in (await listed.get())["data"]} == {"assigned"}
    finished = (await listed.get(status="finished"))["data"]
    assert [phone["status"] for phone in finished] == ["finished", "finished"]
    assert (await listed.get(limit=100, page=1))["data"] == (await listed.get(limit=100))["data"]


async def test_an_empty_list_has_no_ids(world: World) -> None:
    async with calling(world) as caller:
        body = (await caller.send("GET", "/v1/phone/")).json()
        assert body == {
            "data": [],
            "has_more": False,
            "first_id": None,
            "last_id": None,
            "current_page": None,
            "total_pages": None,
        }
        body = (await caller.send("GET", "/v1/phone/?page=1")).json()
        assert (body["current_page"], body["total_pages"], body["has_more"]) == (1, 0, False)


async def test_an_unknown_cursor_is_400_and_another_tenant_s_is_unknown(listed: Listed) -> None:
    caller = listed.caller
    stranger = await create_tenant(caller.world)
    for cursor in (unknown_id(), await import_number(caller.world, stranger)):
        for name in ("after", "before"):
            refused = await caller.refused("GET", f"/v1/phone/?{name}={cursor}", 400)
            assert refused["error_code"] == "NOT_VALID_FIELD"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("after={id}&before={id}", "Cannot specify both 'before' and 'after' parameters"),
        ("page=1&after={id}", "Cannot specify 'page' together with 'before' or 'after'"),
        ("page=1&before={id}", "Cannot specify 'page' together with 'before' or 'after'"),
    ],
)
async def test_two_ways_of_paging_at_once_are_422(sqlite_world: World, query: str, message: str) -> None:
    async with calling(sqlite_world) as caller:
        refused = await caller.refused("GET", "/v1/phone/?" + query.format(id=unknown_id()), 422)
        assert refused == {"status": "error", "error_code": "INVALID_PAGINATION_PARAMETERS", "message": message}


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "-1"),
        ("limit", "x"),
        ("limit", ""),
        ("limit", "1e2"),
        ("limit", "9" * 5000),
        ("page", "0"),
        ("page", "x"),
        ("order", "up"),
        ("order", "DESC"),
        ("status", "gone"),
        ("after", "x"),
        ("before", "'--"),
        ("inbound_agent_id", "5"),
        ("outbound_agent_id", "%00"),
        ("start_assigned_at", "yesterday"),
        ("start_assigned_at", "2026-02-30T00:00:00Z"),
        ("end_assigned_at", "0001-01-01T00:00:00+14:00"),
        ("end_assigned_at", "9999-12-31T23:59:59-14:00"),
        ("end_assigned_at", "99999999999999999999"),
    ],
)
async def test_a_value_outside_the_schema_is_422_with_its_name(shared_world: World, parameter: str, value: str) -> None:
    async with calling(shared_world) as caller:
        refused = await caller.refused("GET", "/v1/phone/", 422, params={parameter: value})
        assert locations(refused) == [["query", parameter]]


async def test_a_page_far_beyond_the_end_is_empty(shared_world: World) -> None:
    async with calling(shared_world) as caller:
        body = (await caller.send("GET", f"/v1/phone/?page={10**30}")).json()
        assert (body["data"], body["has_more"], body["total_pages"]) == ([], False, 0)


async def test_of_a_repeated_parameter_the_last_counts_and_unknown_ones_are_ignored(shared_world: World) -> None:
    async with calling(shared_world) as caller:
        for _ in range(3):
            await caller.imported()
        body = (await caller.send("GET", "/v1/phone/?limit=1&limit=2&unknown=x")).json()
        assert len(body["data"]) == 2
