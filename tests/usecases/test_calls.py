"""What edges tell, into either store: once each, whatever is repeated, interrupted or out of order."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from cordboard.domain.call_details import Audio, Detail, Said, Stream, Try
from cordboard.domain.calls import (
    Answered,
    Booted,
    Call,
    CallId,
    Ended,
    Event,
    Learnt,
    Lost,
    Message,
    Refusal,
    RefusalId,
    State,
)
from cordboard.domain.errors import CordboardError, UnknownCall, UnknownCursor
from cordboard.storage import calls, listing
from cordboard.storage.calls import CallFilter, RefusalFilter
from cordboard.storage.transaction import Stale
from cordboard.usecases.calls import Told, forget_old, ingest
from tests.builders import World

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


def started(id: str = "c1", at: float = 0, **more: Any) -> Call:
    values = {
        "tenant": "t1",
        "direction": "inbound",
        "number": "+34911234567",
        "number_id": "n1",
        "trunk": "k1",
        "agent": "a1",
        "version": "v1",
        "caller": "+34600000000",
        "called": "+34911234567",
        "call_id": f"{id}@carrier",
        "user_agent": "pbx",
        "source": "udp:192.0.2.1:5060",
        "offered": "rtp",
        "state": State.STARTED,
    }
    return Call(id=CallId(id), started_at=START + timedelta(seconds=at), **(values | more))


def answered(id: str = "c1", at: float = 1) -> Answered:
    return Answered(CallId(id), START + timedelta(seconds=at))


def ended(id: str = "c1", at: float = 2, reason: str = "hangup-caller", code: int | None = None) -> Ended:
    return Ended(CallId(id), START + timedelta(seconds=at), reason, code)


def message(id: str = "c1", at: float = 0, **more: Any) -> Message:
    values: dict[str, Any] = {"method": "INVITE", "status": None, "phrase": "", "cseq": "1", "branch": "z9hG4bK.0"}
    values |= {"source": "udp:192.0.2.1:5060", "destination": "udp:192.0.2.9:5070"}
    return Message(call=CallId(id), at=START + timedelta(seconds=at), **(values | more))


def refused(id: str = "r1", at: float = 0, **more: Any) -> Refusal:
    values: dict[str, Any] = {
        "direction": "inbound",
        "code": 404,
        "reason": "unknown-number",
        "number": "",
        "number_id": "",
        "tenant": "",
        "trunk": "",
        "address": "192.0.2.7",
        "source": "udp:192.0.2.7:5060",
        "called": "+34999",
        "caller": "x",
        "call_id": "y",
        "user_agent": "",
    }
    return Refusal(id=RefusalId(id), at=START + timedelta(seconds=at), **(values | more))


class Teller:
    """An edge that tells one event after the other."""

    def __init__(self, world: World, file: str = "file", edge: str = "edge") -> None:
        self.world = world
        self.file = file
        self.edge = edge
        self.position = 0
        self.last: Told | None = None

    async def tell(self, *events: Event, standing: Sequence[str] = (), lost: Lost = Lost()) -> None:  # noqa: B008
        self.last = Told(
            edge=self.edge,
            file=self.file,
            before=self.position,
            after=self.position + 1,
            events=[(self.position + 1, line, event) for line, event in enumerate(events)],
            lost=lost,
            standing=frozenset(standing),
        )
        await self.again()
        self.position += 1

    async def again(self) -> None:
        assert self.last is not None
        await self.world.store.write(None, partial(ingest, told=self.last))


async def get(world: World, id: str = "c1") -> Call:
    return await world.store.read(partial(calls.get, id=CallId(id)))


@pytest.mark.parametrize("together", [True, False], ids=["at once", "one by one"])
@pytest.mark.parametrize(
    ("events", "state", "reason", "code"),
    [
        ([started()], State.STARTED, None, None),
        ([started(), answered()], State.ANSWERED, None, None),
        ([started(), answered(), ended()], State.ENDED, "hangup-caller", None),
        ([started(), ended(reason="refused-by-callee", code=486)], State.FAILED, "refused-by-callee", 486),
        # whoever tells twice is heard once
        (
            [started(), answered(), answered(at=9), ended(), ended(at=9, reason="ended")],
            *(State.ENDED, "hangup-caller", None),
        ),
    ],
)
async def test_a_call_is_what_its_events_make_of_it(
    world: World, together: bool, events: list[Event], state: State, reason: str | None, code: int | None
) -> None:
    teller = Teller(world)
    for told in [events] if together else [[event] for event in events]:
        await teller.tell(*told)
    call = await get(world)
    assert (call.state, call.reason, call.code) == (state, reason, code)
    assert call.answered_at == (None if state in (State.STARTED, State.FAILED) else START + timedelta(seconds=1))
    assert call.ended_at == (START + timedelta(seconds=2) if reason else None)


async def test_what_was_told_is_taken_once(world: World) -> None:
    teller = Teller(world)
    await teller.tell(started(), message(), refused())
    for _ in range(2):
        with pytest.raises((Stale, CordboardError)):  # PostgreSQL's store tries again before it says so
            await teller.again()
    assert len(await world.store.read(partial(calls.messages, id=CallId("c1")))) == 1
    assert await world.store.read(partial(calls.position, file="file")) == 1


async def test_messages_keep_their_order_and_may_come_before_their_call(world: World) -> None:
    teller = Teller(world)
    await teller.tell(message(at=0.2, method="BYE"), message(at=0.1, status=200, phrase="OK", destination=""))
    await teller.tell(message(at=0), started())
    told = await world.store.read(partial(calls.messages, id=CallId("c1")))
    assert [(m.method, m.status) for m in told] == [("INVITE", None), ("INVITE", 200), ("BYE", None)]


async def test_what_else_is_told_of_a_call_is_read_as_it_was_told_and_goes_with_it(world: World) -> None:
    stream = Stream(
        side="caller", codec="PCMU/8000", profile="RTP/AVP", suite="", packets=9, bytes=1, errors=0, mos=4.2
    )
    tried = Try(
        began_at=START,
        ended_at=START + timedelta(seconds=4),
        rung_at=None,
        uri="sip:a",
        host="a",
        code=None,
        reason="silent",
    )
    said = Said(side="callee", codecs=("PCMU",), profile="RTP/SAVP", suites=("A",), direction="sendrecv")
    details: list[Detail] = [tried, said, Audio(streams=(stream,))]
    learnt = [Learnt(CallId("c1"), START + timedelta(seconds=at), detail) for at, detail in enumerate(details)]
    await Teller(world).tell(*reversed(learnt), started())
    assert await world.store.read(partial(calls.details, id=CallId("c1"))) == details
    await world.store.write(None, partial(calls.remove_old, before=START + timedelta(days=1), limit=9))
    assert await world.store.read(partial(calls.details, id=CallId("c1"))) == []


async def test_a_restart_closes_the_calls_of_that_edge_that_are_not_on_disk(world: World) -> None:
    teller, other = Teller(world), Teller(world, "other file", "other edge")
    await teller.tell(started("gone"), started("standing"), started("over"), ended("over"))
    await other.tell(started("elsewhere"))
    await teller.tell(Booted(START + timedelta(seconds=5)), started("new"), standing=["standing"])
    states = {id: (await get(world, id)).state for id in ("gone", "standing", "over", "elsewhere", "new")}
    assert states == {
        "gone": State.LOST,
        "standing": State.STARTED,
        "over": State.FAILED,
        "elsewhere": State.STARTED,
        "new": State.STARTED,
    }
    gone = await get(world, "gone")
    assert (gone.reason, gone.ended_at) == ("lost", START + timedelta(seconds=5))


async def test_an_end_that_was_seen_takes_the_place_of_a_supposed_one(world: World) -> None:
    teller = Teller(world)
    await teller.tell(started(), answered())
    await teller.tell(Booted(START + timedelta(seconds=5)))
    await teller.tell(ended(at=7, reason="media-lost"))
    call = await get(world)
    assert (call.state, call.reason, call.ended_at) == (State.ENDED, "media-lost", START + timedelta(seconds=7))


async def test_a_call_that_began_before_and_after_a_restart_in_one_look(world: World) -> None:
    await Teller(world).tell(started("a"), Booted(START + timedelta(seconds=5)), started("b"))
    assert [(await get(world, id)).state for id in "ab"] == [State.LOST, State.STARTED]


async def test_lost_events_are_summed_over_all_files(world: World) -> None:
    await Teller(world).tell(lost=Lost(calls=1, messages=2, refusals=3, banned=4))
    await Teller(world, "other").tell(lost=Lost(messages=10))
    assert await world.store.read(calls.lost) == Lost(calls=1, messages=12, refusals=3, banned=4)


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (CallFilter(), ["c4", "c3", "c2", "c1"]),
        (CallFilter(tenant="t2"), ["c4"]),
        (CallFilter(number="+34911234567"), ["c3", "c2", "c1"]),
        (CallFilter(number="+34911234567", tenant="t2"), []),
        (CallFilter(call_id="c2@carrier"), ["c2"]),
        (CallFilter(direction="outbound"), ["c3"]),
        (CallFilter(state=State.STARTED), ["c4", "c3"]),
        (CallFilter(state=State.ANSWERED), ["c2"]),
        (CallFilter(state=State.FAILED), ["c1"]),
        (CallFilter(since="2026-11-21T08:00:02.000000Z", until="2026-11-21T08:00:04.000000Z"), ["c3", "c2"]),
    ],
)
async def test_a_list_of_calls_is_filtered_newest_first(world: World, where: CallFilter, found: list[str]) -> None:
    await Teller(world).tell(
        started("c1", at=1),
        ended("c1"),
        started("c2", at=2),
        answered("c2"),
        started("c3", at=3, direction="outbound"),
        started("c4", at=4, tenant="t2", number="+34911000000"),
    )
    page = await world.store.read(partial(calls.page, where=where, after=None, limit=10))
    assert [row["id"] for row in page.rows] == found
    assert page.next is None


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
async def test_pages_lead_through_all_calls_once(world: World, limit: int) -> None:
    await Teller(world).tell(*(started(f"c{i}", at=i // 3) for i in range(10)))
    seen: list[str] = []
    after = None
    while True:
        page = await world.store.read(partial(calls.page, where=CallFilter(), after=after, limit=limit))
        seen += [row["id"] for row in page.rows]
        after = page.next
        if after is None:
            break
    assert seen == sorted((f"c{i}" for i in range(10)), key=lambda id: (int(id[1:]) // 3, id), reverse=True)


async def test_a_page_looks_at_a_bounded_number_of_rows_and_says_where_to_go_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "WINDOW", 4)
    await Teller(world).tell(*(started(f"c{i}", at=i, direction="outbound" if i < 2 else "inbound") for i in range(10)))
    pages, seen, after = 0, [], None
    while pages == 0 or after is not None:
        page = await world.store.read(partial(calls.page, where=CallFilter(direction="outbound"), after=after, limit=5))
        pages, after = pages + 1, page.next
        seen += [row["id"] for row in page.rows]
    assert seen == ["c1", "c0"]
    assert pages == 3


async def test_what_is_not_there_is_said(world: World) -> None:
    with pytest.raises(UnknownCall):
        await get(world, "nobody")
    with pytest.raises(UnknownCursor):
        await world.store.read(partial(calls.page, where=CallFilter(), after="nobody", limit=1))


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (RefusalFilter(), ["r3", "r2", "r1"]),
        (RefusalFilter(tenant="t1"), ["r2"]),
        (RefusalFilter(called="+34000"), ["r3"]),
        (RefusalFilter(source="192.0.2.7"), ["r3", "r1"]),
        (RefusalFilter(source="192.0.2.7", called="+34000"), ["r3"]),
        (RefusalFilter(reason="no-agent"), ["r2"]),
    ],
)
async def test_a_list_of_refusals_is_filtered(world: World, where: RefusalFilter, found: list[str]) -> None:
    await Teller(world).tell(
        refused("r1", at=1),
        refused("r2", at=2, tenant="t1", reason="no-agent", address="192.0.2.8"),
        refused("r3", at=3, called="+34000"),
    )
    page = await world.store.read(partial(calls.page_of_refusals, where=where, after=None, limit=10))
    assert [row["id"] for row in page.rows] == found


async def test_old_calls_and_refusals_go_and_young_ones_stay(world: World) -> None:
    now = world.clock.now
    days = [(now - START).total_seconds() - age * 86400 for age in (91, 89, 15, 13)]
    await Teller(world).tell(*(started(f"c{i}", at=at) for i, at in enumerate(days)))
    teller = Teller(world, "second")
    await teller.tell(*(message(f"c{i}") for i in range(4)), *(refused(f"r{i}", at=at) for i, at in enumerate(days)))
    assert await forget_old(world.context, timedelta(days=90), timedelta(days=14)) == 1
    page = await world.store.read(partial(calls.page, where=CallFilter(), after=None, limit=10))
    assert [row["id"] for row in page.rows] == ["c3", "c2", "c1"]
    refusals = await world.store.read(partial(calls.page_of_refusals, where=RefusalFilter(), after=None, limit=10))
    assert [row["id"] for row in refusals.rows] == ["r3"]
    assert [len(await world.store.read(partial(calls.messages, id=CallId(f"c{i}")))) for i in range(4)] == [0, 1, 1, 1]


async def test_more_old_calls_than_one_bite_go_all(world: World) -> None:
    old = (world.clock.now - START).total_seconds() - 100 * 86400
    await Teller(world).tell(*(started(f"c{i}", at=old + i / 1000) for i in range(450)))
    assert await forget_old(world.context, timedelta(days=90), timedelta(days=14)) == 450
