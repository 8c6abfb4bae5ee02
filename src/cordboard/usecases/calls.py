"""Calls: taking in what edges tell of them, and forgetting them when they are old."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

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
    State,
    Turned,
)
from cordboard.domain.events import Happened
from cordboard.domain.registrations import Registration
from cordboard.storage import calls, gateways
from cordboard.storage.transaction import Transaction
from cordboard.usecases import call_events, figures, registrations
from cordboard.usecases.events import emit
from cordboard.usecases.ports import Context, in_bites

#: Old calls or refusals that are removed in one transaction: the store's other writes wait for no more than these.
BITE: Final = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What an edge tells: events of one file, in order."""

    #: The edge, whose calls a restart of its Kamailio may end.
    edge: str
    file: str
    #: The last event of the file that was in the store before these, and the last of these.
    before: int
    after: int
    #: Each with the id of its event and its place there.
    events: Sequence[tuple[int, int, Event]]
    #: The file's counters.
    lost: Lost
    #: The calls that outlive a restart of Kamailio.
    standing: frozenset[str] = frozenset()


async def ingest(tx: Transaction, told: Told) -> None:
    """Take in what is told, once: a second time, or out of order, is Stale and changes nothing."""
    await calls.advance(tx, told.file, told.before, told.after, told.lost)
    happened: list[Happened] = []
    run: list[Event] = []
    for _, _, event in told.events:
        if isinstance(event, Turned):
            await gateways.turn(tx, told.edge, event)
        elif isinstance(event, Booted):
            happened += await _lives(tx, told.edge, run)
            run = []
            await gateways.forget(tx, told.edge, event.at)
            happened += map(call_events.over, await calls.lose(tx, told.edge, event.at, told.standing))
        else:
            run.append(event)
    happened += await _lives(tx, told.edge, run)
    await calls.add_messages(tx, ((id, line, e) for id, line, e in told.events if isinstance(e, Message)))
    await calls.add_details(tx, ((id, line, e) for id, line, e in told.events if isinstance(e, Learnt)))
    refusals = [event for _, _, event in told.events if isinstance(event, Refusal)]
    await calls.add_refusals(tx, refusals)
    happened += map(call_events.refused, refusals)
    happened += await registrations.take(tx, (e for _, _, e in told.events if isinstance(e, Registration)))
    await emit(tx, happened)
    await figures.count(tx, happened)


async def forget_old(context: Context, calls_for: timedelta, refusals_for: timedelta) -> int:
    """Remove what is older than it is kept for, in bites; how many calls."""
    now = context.clock()
    removed = 0
    while True:
        bite = await context.store.write(None, partial(calls.remove_old, before=now - calls_for, limit=BITE))
        removed += bite
        if bite < BITE:
            break
    await in_bites(context.store, partial(calls.remove_old_refusals, before=now - refusals_for, limit=BITE))
    return removed


async def _lives(tx: Transaction, edge: str, events: Iterable[Event]) -> list[Happened]:
    """Starts, answers and ends. A call that starts among these is written once, as it is after them."""
    begun: dict[CallId, Call] = {}
    answers: list[Answered] = []
    ends: list[Ended] = []
    happened: list[Happened] = []
    for event in events:
        if isinstance(event, Call):
            if event.id not in begun:
                begun[event.id] = event
                happened.append(call_events.started(event))
        elif isinstance(event, Answered):
            if event.call not in begun:
                answers.append(event)
            elif begun[event.call].answered_at is None:
                call = begun[event.call] = _answered(begun[event.call], event.at)
                happened.append(call_events.answered(call))
        elif isinstance(event, Ended):
            if event.call not in begun:
                ends.append(event)
            elif begun[event.call].ended_at is None:
                call = begun[event.call] = _ended(begun[event.call], event)
                happened.append(call_events.over(call))
    await calls.add(tx, edge, begun.values())
    happened += map(call_events.answered, await calls.answer(tx, answers))
    happened += map(call_events.over, await calls.end(tx, ends))
    return happened


def _answered(call: Call, at: datetime) -> Call:
    return replace(call, answered_at=at, state=State.ANSWERED if call.state is State.STARTED else call.state)


def _ended(call: Call, end: Ended) -> Call:
    state = State.FAILED if call.answered_at is None else State.ENDED
    return replace(call, ended_at=end.at, reason=end.reason, code=end.code, state=state)
