"""Figures: counted once as events are taken in, for the tenant, its operator and everybody, and forgotten."""

import asyncio
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from cordboard.domain.calls import Booted, Event
from cordboard.domain.edge import EdgeReport
from cordboard.domain.errors import CordboardError
from cordboard.domain.figures import KEPT, Figures
from cordboard.domain.tenants import TenantId
from cordboard.storage import edges
from cordboard.storage.transaction import Stale
from cordboard.usecases.edges import keep_reporting
from cordboard.usecases.figures import forget_old, note_registered, of_stretch
from tests.builders import World, create_account, create_customer, create_operator, create_tenant, dump
from tests.storage.test_query_plans import NotingStore, scans
from tests.usecases.test_calls import START, Teller, answered, ended, refused, started

pytestmark = pytest.mark.anyio

MINUTES = 5


async def figures(world: World, at: float = 240, **whose: Any) -> Figures:
    """Of five minutes, the first of which begins at START."""
    now = START + timedelta(seconds=at)
    return await world.store.read(partial(of_stretch, now=now, minutes=MINUTES, **whose))


def counts(found: Figures) -> dict[str, list[int]]:
    """What is not 0 in each minute."""
    names = ("calls", "answered", "failed", "refused")
    every = {name: [getattr(minute.tally, name) for minute in found.minutes] for name in names}
    return {name: values for name, values in every.items() if any(values)}


def happenings(tenant: str) -> list[Event]:
    return [
        started("a", 1, tenant=tenant),
        answered("a", 61),
        ended("a", 121),
        started("b", 62, tenant=tenant),
        ended("b", 63, "busy", 486),
        refused("r1", 5, tenant=tenant, reason="no-agent"),
        refused("r2", 6, tenant=tenant, reason="no-agent"),
        refused("r3", 125, tenant=tenant, reason="source-not-allowed"),
    ]


async def test_each_event_counts_in_its_minute_for_its_tenant_its_operator_and_everybody(world: World) -> None:
    operator = (await create_operator(world)).id
    ours = (await create_customer(world, operator)).id
    other = await create_tenant(world)
    teller = Teller(world)
    await teller.tell(*happenings(ours), refused("r4", 7), started("c", 200, tenant=other))
    expected = {"calls": [1, 1, 0, 0, 0], "answered": [0, 1, 0, 0, 0], "failed": [0, 1, 0, 0, 0]}
    expected["refused"] = [2, 0, 1, 0, 0]
    for whose in ({"tenant": ours}, {"operator": operator}):
        found = await figures(world, **whose)
        assert counts(found) == expected
        assert found.refusals == [("no-agent", 2), ("source-not-allowed", 1)]
        assert found.live_calls == 0
    assert counts(await figures(world, tenant=other)) == {"calls": [0, 0, 0, 1, 0]}
    everybody = await figures(world)
    assert counts(everybody)["calls"] == [1, 1, 0, 1, 0]
    assert counts(everybody)["refused"] == [3, 0, 1, 0, 0]
    assert everybody.live_calls == 1
    assert (await figures(world, operator=operator, tenant=other)).live_calls == 1


async def test_what_is_told_in_pieces_or_twice_counts_once(world: World) -> None:
    teller = Teller(world)
    for event in happenings("t1"):
        await teller.tell(event)
        with pytest.raises((Stale, CordboardError)):
            await teller.again()
    await teller.tell(started("lost", 130, tenant="t1"), Booted(START + timedelta(seconds=181)))
    assert counts(await figures(world)) == {
        "calls": [1, 1, 1, 0, 0],
        "answered": [0, 1, 0, 0, 0],
        "failed": [0, 1, 0, 1, 0],
        "refused": [2, 0, 1, 0, 0],
    }


async def test_registered_accounts_are_known_of_each_minute_from_the_present_backwards(world: World) -> None:
    operator = (await create_operator(world)).id
    tenants = [(await create_customer(world, operator, name=name)).id for name in ("A", "B")]
    for username in ("a1", "a2"):
        await create_account(world, tenants[0], username)

    async def registered(at: float, *accounts: int, edge: str = "edge") -> None:
        told = {tenant: count for tenant, count in zip(tenants, accounts, strict=True) if count}
        note = partial(note_registered, edge=edge, accounts=told, at=START + timedelta(seconds=at))
        await world.store.write(None, note)

    await registered(0, 2, 5)
    await registered(61, 1, 5)
    await registered(70, 1, 7, edge="other")
    await registered(190, 0, 6)
    await registered(200, 0, 6)

    def minutes(found: Figures) -> list[int]:
        return [minute.registered for minute in found.minutes]

    ours = await figures(world, tenant=tenants[0])
    assert (minutes(ours), ours.registered, ours.accounts) == ([2, 2, 2, 1, 1], 1, 2)
    for whose, accounts in (({"operator": operator}, 2), ({}, None)):
        found = await figures(world, **whose)
        assert (minutes(found), found.registered, found.accounts) == ([7, 14, 14, 14, 14], 14, accounts)


async def test_an_edge_that_is_gone_counts_no_more_and_leaves_nothing(world: World) -> None:
    tenant = await create_tenant(world)

    def report(name: str, seen_at: datetime) -> EdgeReport:
        return EdgeReport(
            name=name, ready=True, applied=0, seen_at=seen_at, version="1", signalling=("127.0.0.1:5060",), media=()
        )

    await world.store.write(None, partial(edges.put, report=report("silent", START - timedelta(days=2))))
    for edge in ("silent", "here"):
        await world.store.write(None, partial(note_registered, edge=edge, accounts={tenant: 3}, at=START))
    at = START + timedelta(seconds=61)
    reporting = asyncio.create_task(keep_reporting(world.store, lambda: report("here", at)))
    async with asyncio.timeout(5):
        while [each.name for each in await world.store.read(edges.every)] != ["here"]:
            await asyncio.sleep(0.01)
    assert [minute.registered for minute in (await figures(world, tenant=tenant)).minutes] == [6, 3, 3, 3, 3]
    reporting.cancel()
    await asyncio.gather(reporting, return_exceptions=True)
    assert [minute.registered for minute in (await figures(world)).minutes] == [6, 0, 0, 0, 0]
    rows = await dump(world)
    assert (rows["edge"], rows["registered"]) == ([], [])


async def test_old_minutes_are_forgotten_and_what_is_registered_is_not(world: World) -> None:
    await Teller(world).tell(*happenings("t1"))
    await world.store.write(None, partial(note_registered, edge="edge", accounts={TenantId("t1"): 3}, at=START))
    world.clock.now = START + KEPT + timedelta(seconds=61)
    await forget_old(world.context)
    rows = await dump(world)
    assert {row["at"][:16] for row in rows["tally"]} == {"2026-11-21T08:02"}
    assert {row["reason"] for row in rows["refusal_tally"]} == {"source-not-allowed"}
    assert (await figures(world)).registered == 3


async def test_figures_are_counted_and_read_by_indexes(world: World, database: str) -> None:
    operator = (await create_operator(world)).id
    tenant = (await create_customer(world, operator)).id
    noting = NotingStore(world.store)
    teller = Teller(world)
    teller.world = type("Noted", (), {"store": noting})()  # type: ignore[assignment]
    await teller.tell(*happenings(tenant))
    await noting.write(None, partial(note_registered, edge="edge", accounts={tenant: 3}, at=START))
    for whose in ({}, {"tenant": tenant}, {"operator": operator}):
        await noting.read(partial(of_stretch, now=START, minutes=60, **whose))
    world.clock.now = START + KEPT * 2
    await forget_old(
        type(world.context)(store=noting, sealer=world.context.sealer, hosts=world.context.hosts, clock=world.clock)
    )
    ours = {sql: args for sql, args in noting.noted.items() if "tally" in sql or "registered" in sql or "call c" in sql}
    assert len(ours) > 10
    assert await scans(world.store, ours, database) == {}
