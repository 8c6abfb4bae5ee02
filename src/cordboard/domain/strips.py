"""A gateway's health over time, as spans of one state each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

#: `unknown`: nobody has asked it, or nobody here can say.
State = Literal["up", "down", "unknown"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """A place stopped answering one edge, or answered it again."""

    at: datetime
    edge: str
    down: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A state, from one instant to another."""

    state: State
    since: datetime
    until: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Strip:
    """One place that a trunk's calls are sent to: as it is now, and its spans, the oldest first."""

    host: str
    #: None while the name does not resolve.
    uri: str | None
    state: State
    spans: Sequence[Span]


#: A place that is asked for the first time is found down within it: by two silences, half a minute apart as a rule.
SETTLING: Final = timedelta(minutes=2)


def spans(present: State, turns: Sequence[Turn], since: datetime, until: datetime, made: datetime) -> list[Span]:
    """From one instant to another without a gap; `turns` in order of time, and all that there were.

    A place is down while any edge finds it so. Before its first turn at an edge it was otherwise there; without any it
    was always as it is now. One that is down so soon after it was `made` may never have answered: unknown till then.
    """
    if not turns:
        return [Span(state=present, since=since, until=until)]
    down: dict[str, bool] = {}
    for turn in turns:
        down.setdefault(turn.edge, not turn.down)
    found = []
    state, began = _state(down), since
    if state == "up" and turns[0].at < made + SETTLING:
        state = "unknown"
    for turn in turns:
        down[turn.edge] = turn.down
        at = max(turn.at, since)
        if _state(down) != state:
            if at > began:
                found.append(Span(state=state, since=began, until=at))
            state, began = _state(down), at
    return [*found, Span(state=state, since=began, until=until)]


def _state(down: dict[str, bool]) -> State:
    return "down" if any(down.values()) else "up"
