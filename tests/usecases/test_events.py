"""What calls tell as they are taken in: each event once, with the call as it was then, and shown to nobody else."""

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from cordboard.domain.calls import Booted
from cordboard.domain.errors import InvalidEventFilter, TooBusy, UnknownCursor, UnknownEvent
from cordboard.domain.events import Event, EventId, Happened, check_filter, event_id, first_id
from cordboard.domain.tenants import TenantId
from cordboard.storage import events
from cordboard.storage.events import EventFilter
from cordboard.storage.transaction import Stale, Transaction
from cordboard.usecases.events import emit, forget_old
from tests.builders import World
from tests.usecases.test_calls import START, Teller, answered, ended, refused, started

pytestmark = pytest.mark.anyio


async def feed(world: World, **where: Any) -> list[Event]:
    """Oldest first."""
    query = partial(events.page, where=EventFilter(**where), after=None, limit=1000)
    rows = (await world.store.read(query)).rows
    return [events.event_of(row) for row in reversed(rows)]


def happened(n: int = 0, **more: Any) -> Happened:
    values: dict[str, Any] = {"type": "call.ended", "tenant": TenantId("t1"), "subject": "c1", "data": {"n": n}}
    return Happened(**(values | {"at": START + timedelta(seconds=n)} | more))


async def told(world: World, *what: Happened) -> None:
    await world.store.write(None, partial(emit, happened=what))


@pytest.mark.parametrize("together", [True, False], ids=["at once", "one by one"])
async def test_a_call_is_told_of_as_it_goes_on(world: World, together: bool) -> None:
    teller = Teller(world)
    life = [started(), answered(), ended()]
    if together:
        await teller.tell(*life)
    else:
        for event in life:
            await teller.tell(event)
    found = await feed(world)
    assert [(e.type, e.subject, e.tenant, e.data["state"]) for e in found] == [
        ("call.started", "c1", "t1", "started"),
        ("call.answered", "c1", "t1", "answered"),
        ("call.ended", "c1", "t1", "ended"),
    ]
    assert [e.at for e in found] == [START + timedelta(seconds=n) for n in range(3)]
    assert (found[2].data["reason"], found[2].data["detail"]) == ("hangup-caller", "the caller hung up")


async def test_a_call_that_was_never_answered_has_failed_and_one_that_was_lost_is_over(world: World) -> None:
    teller = Teller(world)
    await teller.tell(started("a"), started("b"), started("c"), answered("b"))
    await teller.tell(ended("a", reason="cancelled", code=487))
    await teller.tell(Booted(START + timedelta(seconds=9)))
    over = [(e.subject, e.type, e.data["state"], e.data["reason"]) for e in await feed(world, type="call.*")][4:]
    assert sorted(over) == [
        ("a", "call.failed", "failed", "cancelled"),
        ("b", "call.ended", "lost", "lost"),
        ("c", "call.failed", "lost", "lost"),
    ]


async def test_what_is_told_again_is_no_new_event(world: World) -> None:
    teller = Teller(world)
    await teller.tell(started(), answered(), refused())
    before = await feed(world)
    with pytest.raises((Stale, TooBusy)):
        await teller.again()
    await teller.tell(answered(at=7), answered(at=8))
    assert await feed(world) == before


async def test_a_refusal_is_its_number_s_tenant_s_or_nobody_s(world: World) -> None:
    await Teller(world).tell(refused("r1", tenant="t1"), refused("r2", at=1))
    assert [(e.subject, e.type, e.tenant) for e in await feed(world)] == [
        ("r1", "call.refused", "t1"),
        ("r2", "call.refused", None),
    ]
    assert [e.subject for e in await feed(world, tenant="t1")] == ["r1"]


async def test_an_event_s_id_is_made_of_what_happened(world: World) -> None:
    await told(world, happened(), happened())
    await told(world, happened(), happened(1), happened(data={"n": 1}), happened(tenant=None))
    ids = [e.id for e in await feed(world)]
    assert len(ids) == len(set(ids)) == 4
    assert {id[14] for id in ids} == {"7"}


def test_ids_sort_as_the_instants_do_to_the_microsecond() -> None:
    instants = [START + timedelta(microseconds=n * 137) for n in range(2000)]
    for at, later in pairwise(instants):
        id = event_id(happened(at=at), "")
        assert first_id(at) <= id < first_id(at + timedelta(microseconds=1)) <= first_id(later)


async def test_nothing_is_told_of_what_was_not_done(world: World) -> None:
    async def fails(tx: Transaction) -> None:
        await emit(tx, [happened()])
        raise UnknownEvent("x")

    with pytest.raises(UnknownEvent):
        await world.store.write(None, fails)
    assert await feed(world) == []


async def test_the_feed_is_filtered_and_goes_on_at_its_cursor(world: World) -> None:
    types = ("call.started", "call.ended", "trunk.degraded", "trunk.registration.lost", "callback.made")
    await told(world, *(happened(n, type=type, subject=f"s{n % 2}") for n, type in enumerate(types)))
    for filter, count in (("call.*", 2), ("call.ended", 1), ("trunk.registration.*", 1), ("trunk.*", 2), ("*", 5)):
        assert len(await feed(world, type=filter)) == count, filter
    assert [e.data["n"] for e in await feed(world, subject="s1")] == [1, 3]
    assert [
        e.data["n"] for e in await feed(world, since=START + timedelta(seconds=1), until=START + timedelta(seconds=3))
    ] == [1, 2]
    assert await feed(world, tenant="t2") == []
    seen: list[Any] = []
    after = None
    while True:
        page = await world.store.read(partial(events.page, where=EventFilter(), after=after, limit=2))
        seen += [json.loads(row["data"])["n"] for row in page.rows]
        after = page.next
        if after is None:
            break
    assert seen == [4, 3, 2, 1, 0]
    with pytest.raises(UnknownCursor):
        await world.store.read(partial(events.page, where=EventFilter(), after="x", limit=2))


@pytest.mark.parametrize("year", [1, 1969, 9999])
async def test_no_instant_is_too_early_or_too_late_to_ask_for(world: World, year: int) -> None:
    await told(world, happened())
    at = datetime(year, 6, 1, tzinfo=UTC)
    assert len(await feed(world, since=at)) == (year < 2000)
    assert len(await feed(world, until=at)) == (year > 2000)


async def test_one_event_is_found_by_its_id(world: World) -> None:
    await told(world, happened())
    (event,) = await feed(world)
    assert await world.store.read(partial(events.get, id=event.id)) == event
    with pytest.raises(UnknownEvent):
        await world.store.read(partial(events.get, id=EventId("x")))


async def test_old_events_are_forgotten_and_new_ones_are_not(world: World) -> None:
    now = world.clock()
    old = now - timedelta(days=14, seconds=1)
    await told(world, *(happened(at=old, subject=str(n)) for n in range(450)), happened(at=now))
    await forget_old(world.context, timedelta(days=14))
    assert [e.at for e in await feed(world)] == [now]


@pytest.mark.parametrize("text", ["", "call", "call.ended", "call.*", "*", "trunk.registration.lost"])
def test_a_filter_is_a_type_or_the_beginning_of_some(text: str) -> None:
    if text:
        assert check_filter(text) == text
    for wrong in (f"{text} ", f"{text}**", f".{text}", f"{text}.", "call_ended", "a" * 65, "%", "CALL.*", f"{text}\n"):
        with pytest.raises(InvalidEventFilter):
            check_filter(wrong)
