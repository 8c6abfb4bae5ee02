"""Why a call goes where it goes, or does not: the decision step by step, what nearly fitted, and what to change."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cordboard.domain.lookups import AccountLookup
from cordboard.domain.routing import Decision
from cordboard.domain.trail import BY_ACCOUNT, INBOUND, OUTBOUND, Rule, Trail

#: `no-match`: the call was none of that kind, and was looked at as one of another.
Outcome = Literal["passed", "failed", "no-match", "not-reached", "unknown"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """A step as it is told."""

    rule: Rule
    looked_at: str
    found: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Request:
    """One request to this server's native API."""

    method: str
    #: Below the API's own path: `/trunks/ID`.
    path: str
    body: Mapping[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Remedy:
    """A change after which the call gets further: by commands, by requests, or by what the caller sends.

    Words in capitals stand for what only the reader knows.
    """

    says: str
    #: Each the arguments of one `cordboard`.
    commands: tuple[tuple[str, ...], ...] = ()
    requests: tuple[Request, ...] = ()
    #: What of the question would have to be otherwise: `{"to": "+34911234567"}`.
    call: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """What nearly fitted, and what would mend it; the best first."""

    nearest: tuple[str, ...] = ()
    remedies: tuple[Remedy, ...] = ()

    def __add__(self, other: "Advice") -> "Advice":
        return Advice(nearest=self.nearest + other.nearest, remedies=self.remedies + other.remedies)


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """The whole answer. What is not known, or not the asker's to know, is ''."""

    decision: Decision
    steps: tuple[Judgement, ...]
    advice: Advice = Advice()
    #: The source is not heard at all: the decision is what it would be otherwise.
    banned: bool = False
    #: What could not be looked at, and why.
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """What became of a call or a refused INVITE."""

    #: In sentences, in order.
    happened: tuple[str, ...]
    #: What the edge would do with it now; None of a call that would be taken again.
    now: Explanation | None
    #: Now it would end otherwise than it did.
    changed: bool
    advice: Advice


def judgements(trail: Trail, decision: Decision) -> tuple[Judgement, ...]:
    """The steps of the trail, then those that the call never came to."""
    deciding = max(
        (place for place, step in enumerate(trail.steps) if step.reason == decision.reason != "accepted"), default=None
    )
    told = []
    for place, step in enumerate(trail.steps):
        outcome: Outcome = "passed" if step.reason == "accepted" else "no-match"
        if place == deciding:
            outcome = "failed"
        told.append(Judgement(rule=step.rule, looked_at=step.looked_at, found=step.found, outcome=outcome))
    if deciding is None:
        return tuple(told)
    order = _order(trail, decision)
    failed = trail.steps[deciding].rule
    rest = order[order.index(failed) + 1 :] if failed in order else ()
    return (*told, *(Judgement(rule=rule, looked_at="", found="", outcome="not-reached") for rule in rest))


def _order(trail: Trail, decision: Decision) -> tuple[Rule, ...]:
    """In which calls of this one's kind are judged."""
    judged = trail.decisive(decision.reason)
    if decision.direction == "in":
        return INBOUND
    by_account = judged is None or isinstance(judged.row, AccountLookup)
    return BY_ACCOUNT if by_account else OUTBOUND
