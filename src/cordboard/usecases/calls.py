"""Calls: taking in what edges tell of them, and forgetting them when they are old."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from cordboard.domain.calls import Answered, Booted, Call, CallId, Ended, Event, Lost, Message, Refusal, State
from cordboard.storage import calls
from cordboard.storage.transaction import Transaction
from cordboard.usecases.ports import Context

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
    run: list[Event] = []
    for _, _, event in told.events:
        if isinstance(event, Booted):
            await _lives(tx, told.edge, run)
            run = []
            await calls.lose(tx, told.edge, event.at, told.standing)
        else:
            run.append(event)
    await _lives(tx, told.edge, run)
    await calls.add_messages(tx, ((id, line, e) for id, line, e in told.events if isinstance(e, Message)))
    await calls.add_refusals(tx, (event for _, _, event in told.events if isinstance(event, Refusal)))


async def forget_old(context: Context, calls_for: timedelta, refusals_for: timedelta) -> int:
    """Remove what is older than it is kept for, in bites; how many calls."""
    now = context.clock()
    removed = 0
    while True:
        bite = await context.store.write(None, partial(calls.remove_old, before=now - calls_for, limit=BITE))
        removed += bite
        if bite < BITE:
            break
    while await context.store.write(None, partial(calls.remove_old_refusals, before=now - refusals_for, limit=BITE)):
        pass
    return removed


async def _lives(tx: Transaction, edge: str, events: Iterable[Event]) -> None:
    """Starts, answers and ends. A call that starts among these is written once, as it is after them."""
    begun: dict[CallId, Call] = {}
    answers: list[Answered] = []
    ends: list[Ended] = []
    for event in events:
        if isinstance(event, Call):
            begun.setdefault(event.id, event)
        elif isinstance(event, Answered):
            if event.call in begun:
                begun[event.call] = _answered(begun[event.call], event.at)
            else:
                answers.append(event)
        elif isinstance(event, Ended):
            if event.call in begun:
                begun[event.call] = _ended(begun[event.call], event)
            else:
                ends.append(event)
    await calls.add(tx, edge, begun.values())
    await calls.answer(tx, answers)
    await calls.end(tx, ends)


def _answered(call: Call, at: datetime) -> Call:
    return replace(call, answered_at=call.answered_at or at, state=State.ANSWERED)


def _ended(call: Call, end: Ended) -> Call:
    if call.ended_at is not None:
        return call
    state = State.FAILED if call.answered_at is None else State.ENDED
    return replace(call, ended_at=end.at, reason=end.reason, code=end.code, state=state)
