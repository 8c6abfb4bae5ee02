"""What is known of one name, and what an answer changes in that."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from cordboard.engines.edge.names.lookup import Answer, Target

Uris = tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How often names are looked up, in seconds, and how many at once."""

    #: An answer is kept for its time to live within these bounds, …
    shortest: float = 5.0
    longest: float = 3600.0
    #: … one that there is nothing for the SOA's minimum (RFC 2308) up to this, …
    longest_negative: float = 300.0
    #: … and where nobody answered the pauses double up to this.
    longest_retry: float = 60.0
    #: A look-up ends by then.
    look: float = 3.0
    #: The last good answer stands for so long after a name server first said that there is nothing.
    grace: float = 600.0
    #: Between two looks at which names are wanted.
    survey: float = 60.0
    #: After a start, over which names that have an answer from before are looked up again.
    spread: float = 60.0
    #: That the answer of a write waits for the names that it brought.
    wait: float = 0.5
    #: Look-ups under way, and those among them of names that got no answer last time.
    at_once: int = 32
    doubtful_at_once: int = 8
    #: Look-ups begun in a second.
    per_second: float = 200.0


@dataclass(frozen=True, kw_only=True, slots=True)
class NameState:
    """What is known of one name, to be shown."""

    #: `host;port;transport`, the last two empty if not given.
    name: str
    #: Where calls go, in order; empty: nowhere.
    uris: Uris
    #: When name servers last told these addresses; None if that was before this start, or never.
    resolved_at: datetime | None
    #: The last look, with or without success.
    looked_at: datetime | None
    next_look_at: datetime
    #: What was wrong with the last look.
    error: str | None


@dataclass(kw_only=True, slots=True, eq=False)
class Watched:
    """A name that some gateway or agent has."""

    name: str
    target: Target
    #: When it was last seen to be wanted, on the loop's clock.
    noticed: float
    uris: Uris = ()
    error: str | None = None
    refused: frozenset[str] = frozenset()
    #: Looks in a row that nobody answered.
    failures: int = 0
    #: Since when name servers say that there is nothing, while the last good answer stands.
    gone_since: float | None = None
    looked: float | None = None
    looked_at: datetime | None = None
    resolved_at: datetime | None = None
    #: Its place in a lane; 0: none.
    ticket: int = 0
    due: float = 0.0
    #: Done when its look is done and written.
    ready: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def doubtful(self) -> bool:
        return self.failures > 0

    def take(self, answer: Answer, now: float, wall: datetime, pace: Pace) -> float:
        """Make of an answer what calls will meet; the seconds until the next look.

        A part of an answer never replaces the last good one. That the name has nothing does so after the grace;
        that all it has is refused does so at once.
        """
        self.looked, self.looked_at = now, wall
        self.refused = frozenset(f"{hop.uri} {reason}" for hop, reason in answer.refused)
        uris = tuple(hop.uri for hop in answer.hops)
        if answer.unanswered:
            return self._take_part(uris, answer.unanswered[0], wall, pace)
        self.failures = 0
        if uris or answer.refused:
            self.uris, self.gone_since = uris, None
            self.resolved_at = wall if uris else None
            self.error = None if uris else f"every address is refused: {', '.join(sorted(self.refused))}"[:500]
            return min(max(answer.ttl, pace.shortest), pace.longest)
        return self._take_nothing(answer.ttl, now, pace)

    def _take_part(self, uris: Uris, why: str, wall: datetime, pace: Pace) -> float:
        self.error = why
        self.failures += 1
        if uris and not self.uris:
            self.uris, self.resolved_at = uris, wall
        return float(min(pace.shortest * 2 ** min(self.failures - 1, 20), pace.longest_retry))

    def _take_nothing(self, ttl: float, now: float, pace: Pace) -> float:
        self.error = "the name has no address"
        if self.gone_since is None:
            self.gone_since = now
        pause = min(max(ttl, pace.shortest), pace.longest_negative)
        left = self.gone_since + pace.grace - now
        if self.uris and left > 0:
            return min(pause, left)
        self.uris, self.resolved_at = (), None
        return pause
