"""What an edge has written down of events, for tests that run no server."""

import sqlite3
import time
from collections.abc import Callable
from typing import TypeVar

from cordboard.domain.calls import Answered, Call, CallId, Ended, Event, Message, Refusal
from cordboard.engines.edge.events import EventFile
from cordboard.engines.edge.lines import parse
from tests.calls.edges import RunningEdge

T = TypeVar("T", bound=Event)


def events(edge: RunningEdge) -> list[Event]:
    """All that stands in the file, in order."""
    batch = EventFile(edge.folder / "events.sqlite").after("", 0, 1 << 30)
    return [
        event
        for id, body in batch.rows
        for number, line in enumerate(body.rstrip("\n").split("\n"))
        if (event := parse(line, f"{id}-{number}")) is not None
    ]


def of(edge: RunningEdge, kind: type[T]) -> list[T]:
    return [event for event in events(edge) if isinstance(event, kind)]


def until(edge: RunningEdge, wanted: Callable[[list[Event]], object], seconds: float = 5) -> list[Event]:
    """The events as soon as they are what is wanted."""
    deadline = time.monotonic() + seconds
    while not wanted(found := events(edge)):
        assert time.monotonic() < deadline, found[-20:]
        time.sleep(0.05)
    return found


def ended(edge: RunningEdge, call_id: str) -> tuple[Call, Answered | None, Ended, list[Message]]:
    """The life of the call with that Call-ID, once it is over."""

    def id_of(found: list[Event]) -> CallId | None:
        return next((e.id for e in found if isinstance(e, Call) and e.call_id == call_id), None)

    found = until(edge, lambda all: any(isinstance(e, Ended) and e.call == id_of(all) for e in all))
    id = id_of(found)
    found = [e for e in events(edge) if getattr(e, "call", None) == id or (isinstance(e, Call) and e.id == id)]
    (call,) = (e for e in found if isinstance(e, Call))
    answers = [e for e in found if isinstance(e, Answered)]
    (end,) = (e for e in found if isinstance(e, Ended))
    messages = sorted((e for e in found if isinstance(e, Message)), key=lambda m: m.at)
    return call, answers[0] if answers else None, end, messages


def refusal(edge: RunningEdge, call_id: str) -> Refusal:
    found = until(edge, lambda all: any(isinstance(e, Refusal) and e.call_id == call_id for e in all))
    return next(e for e in found if isinstance(e, Refusal) and e.call_id == call_id)


def counters(edge: RunningEdge) -> dict[str, int]:
    database = sqlite3.connect(edge.folder / "events.sqlite")
    try:
        return dict(database.execute("select name, number from counter"))
    finally:
        database.close()
