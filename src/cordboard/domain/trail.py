"""The steps of a decision, as it is made: what was looked at, what was found, and whether the call went on."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from cordboard.domain.lookups import AccountLookup, InboundLookup, OutboundLookup
from cordboard.domain.reasons import Reason
from cordboard.domain.trunk_rules import TrunkRules

#: What is looked at, by stable words: before the decision, in it, and what only a running edge knows.
Rule = Literal[
    "ban",
    "edge",
    "registration",
    "called-number",
    "caller-number",
    "account",
    "trunk",
    "source-address",
    "listed-caller",
    "trunk-credentials",
    "outbound-agent",
    "credentials",
    "dialled-number",
    "external-calls",
    "shown-number",
    "destination",
    "media",
    "agent",
    "agent-address",
    "gateway",
    "gateway-address",
    "telephone",
    "minutes",
    "media-relay",
    "calls-at-once",
    "gateway-health",
]

#: In which order calls of each kind are judged.
INBOUND: Final[tuple[Rule, ...]] = (
    *("called-number", "trunk", "source-address", "listed-caller", "trunk-credentials", "media", "agent"),
    "agent-address",
)
OUTBOUND: Final[tuple[Rule, ...]] = (
    *("caller-number", "outbound-agent", "credentials", "dialled-number", "trunk", "destination", "media", "gateway"),
    "gateway-address",
)
BY_ACCOUNT: Final[tuple[Rule, ...]] = (
    *("account", "credentials", "source-address", "dialled-number", "external-calls", "shown-number", "trunk"),
    *("destination", "media", "gateway", "gateway-address"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One look."""

    rule: Rule
    looked_at: str
    found: str
    #: What the call would be refused for; `accepted`: it goes on. None: it may still be a call of another kind.
    reason: Reason | None = "accepted"


Found = InboundLookup | OutboundLookup | AccountLookup


@dataclass(frozen=True, slots=True)
class Judged:
    """One row of the edge's file, and what it came to."""

    row: Found
    rules: TrunkRules | None
    reason: Reason


@dataclass(slots=True)
class Trail:
    """The steps of one decision, and the rows that they looked at."""

    steps: list[Step] = field(default_factory=list)
    judged: list[Judged] = field(default_factory=list)

    def judge(self, row: Found, rules: TrunkRules | None, steps: Iterable[Step]) -> Reason:
        """What the first step that fails says. None behind it is taken."""
        reason: Reason = "accepted"
        for step in steps:
            self.steps.append(step)
            if step.reason is not None and step.reason != "accepted":
                reason = step.reason
                break
        self.judged.append(Judged(row, rules, reason))
        return reason

    def note(self, step: Step) -> None:
        self.steps.append(step)

    def decisive(self, reason: Reason) -> Judged | None:
        """The row that led to it."""
        return next((each for each in reversed(self.judged) if each.reason == reason), None)
