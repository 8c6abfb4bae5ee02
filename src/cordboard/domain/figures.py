"""Counts of what happens, as pictures are drawn of them: by minute, and whose."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

#: For how long counts are kept, and the longest stretch that is shown.
KEPT: Final = timedelta(days=2)
LONGEST: Final = timedelta(days=1)

MINUTE: Final = timedelta(minutes=1)


@dataclass(slots=True)
class Tally:
    """What happened within a minute: each call counts in the minutes in which it began, was answered and failed."""

    calls: int = 0
    answered: int = 0
    failed: int = 0
    refused: int = 0
    #: How many more accounts were registered at its end than before it.
    registered: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Minute:
    """A minute, and how many accounts were registered at its end."""

    at: datetime
    tally: Tally
    registered: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """A stretch of time, the oldest minute first, and how it is now."""

    minutes: Sequence[Minute]
    #: Refusals in all of it by reason, the most frequent first.
    refusals: Sequence[tuple[str, int]]
    registered: int
    #: None is that nobody keeps count.
    accounts: int | None
    live_calls: int


def minute_of(instant: datetime) -> datetime:
    """When its minute began."""
    return instant.replace(second=0, microsecond=0)


def minutes_until(now: datetime, count: int) -> list[datetime]:
    """So many minutes, the one that is running last."""
    last = minute_of(now)
    return [last - MINUTE * back for back in reversed(range(count))]
