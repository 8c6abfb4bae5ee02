"""Verifications: what was tried of a trunk, a number, an agent or an account, step by step, and what came of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal, NewType, get_args

from cordboard.domain.addresses import HostPort, Transport
from cordboard.domain.errors import InvalidVerification
from cordboard.domain.tenants import TenantId
from cordboard.domain.trunks import TrunkId

VerificationId = NewType("VerificationId", str)
ScheduleId = NewType("ScheduleId", str)

#: Days before a certificate's end from which on it is spoken of.
EXPIRY_DAYS: Final = 14
#: Minutes between two verifications of a schedule.
MINUTES: Final = (5, 43_200)
#: Seconds that a whole verification may take.
LONGEST: Final = 30

Kind = Literal["trunk", "number", "agent", "account"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
StepName = Literal[
    "number", "dns", "connect", "tls", "options", "digest", "registration", "media", "allow-list", "echo"
]

#: The steps that there are for each kind, in their order.
STEPS: Final[dict[Kind, tuple[StepName, ...]]] = {
    "trunk": ("dns", "connect", "tls", "options", "digest", "registration", "media", "allow-list"),
    "number": ("number", "dns", "connect", "tls", "options", "digest", "registration", "media", "allow-list"),
    "agent": ("dns", "connect", "tls", "options"),
    "account": ("registration", "options", "allow-list"),
}
#: Those that send nothing.
OFFLINE: Final[tuple[StepName, ...]] = ("number", "media", "allow-list")


class Status(StrEnum):
    """What came of a step, or of all of them."""

    PASSED = "passed"
    #: Calls go through, and something should be looked at.
    WARNING = "warning"
    #: Calls do not go through, or not all of them.
    FAILED = "failed"
    #: Not tried; its summary says why.
    SKIPPED = "skipped"


class State(StrEnum):
    """How far a verification is."""

    RUNNING = "running"
    FINISHED = "finished"
    #: Whoever ran it ended before it did.
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What is verified."""

    kind: Kind
    id: str
    #: As people know it: a name, a number, a username.
    name: str
    tenant: TenantId | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One thing that was tried."""

    name: StepName
    #: Of what: a gateway, a place that its name led to, a number; '' is the subject as a whole.
    target: str = ""
    status: Status
    #: A word for what was found that never changes its meaning: `tls-expired`; '' if there is nothing to say.
    code: str = ""
    #: One sentence.
    summary: str
    #: What to do about it; None if nothing is to be done.
    remedy: str | None = None
    #: What was sent and seen. No secrets.
    evidence: Mapping[str, object] = field(default_factory=dict)
    started_at: datetime
    #: Milliseconds that it took.
    ms: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """One run over a subject's steps."""

    id: VerificationId
    subject: Subject
    #: Which were asked for.
    asked: tuple[StepName, ...]
    state: State = State.RUNNING
    #: Of all steps together; None until the run is over.
    status: Status | None = None
    steps: tuple[Step, ...] = ()
    #: Who asked for it: an actor's name.
    by: str
    started_at: datetime
    finished_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """That a subject is verified again and again."""

    id: ScheduleId
    subject: Subject
    #: None: all of the kind.
    steps: tuple[StepName, ...] | None = None
    #: Between two of them, a tenth more or less.
    minutes: int
    next_at: datetime
    by: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A step whose result is another one than the time before; None: there was none, or is none any more."""

    name: StepName
    target: str
    before: Status | None
    after: Status | None
    #: Of what it is now, or was.
    summary: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """With what we prove ourselves to a gateway."""

    username: str
    password: str = field(repr=False)
    #: Host of the address of record; None is the gateway's.
    domain: str | None = None
    #: Whether the edge registers there.
    registers: bool = False
    #: A number of the trunk's as its carrier writes it; None: it has none.
    caller: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Phone:
    """An account, as its registration is looked at."""

    username: str
    restricted: bool
    #: Networks with commas between.
    allowed: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where SIP is sent: a gateway, or the host of an agent's URI."""

    where: HostPort
    #: None: what DNS says.
    transport: Transport | None = None
    #: The request URI of what is sent there.
    uri: str
    #: Whether its certificate and name are checked.
    verify: bool = True
    #: Whether it is expected to answer OPTIONS.
    asked: bool = True
    #: None: nothing is proved there.
    login: Login | None = None
    #: Whether it is an agent's, not a gateway.
    agent: bool = False

    @property
    def keeper(self) -> str:
        """Who looks after it, as remedies name them."""
        return "the agent's platform" if self.agent else "the carrier"

    def __str__(self) -> str:
        return str(self.where) if self.transport is None else f"{self.where};transport={self.transport}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Echo:
    """A call to be placed through the edge, as a carrier or an agent would place it."""

    #: Users of its request URI and of its From.
    called: str
    caller: str
    #: Where it is supposed to come from, and with which credentials: an agent's login, the trunk that they are of.
    source: str
    login: str = ""
    proved: str = ""
    #: As it is shown: a number.
    target: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What is to be tried on the network."""

    steps: tuple[StepName, ...]
    places: tuple[Place, ...] = ()
    #: That the edge registers for.
    trunk: TrunkId | None = None
    #: That should be registered at the edge.
    phone: Phone | None = None
    echo: Echo | None = None

    def wants(self, step: StepName) -> bool:
        return step in self.steps


def steps_of(kind: Kind, asked: Sequence[str] | None) -> tuple[StepName, ...]:
    """Those asked for in their order, or all of the kind. Raises InvalidVerification."""
    if asked is None:
        return STEPS[kind]
    for step in asked:
        if step != "echo" and step not in STEPS[kind]:
            raise InvalidVerification(f"there is no step {step[:40]!r} of {_a(kind)}; {', '.join(STEPS[kind])}")
    return tuple(step for step in STEPS[kind] if step in asked)


def with_echo(kind: Kind, steps: tuple[StepName, ...], to: str | None) -> tuple[StepName, ...]:
    """The steps with a call, which is placed only if it is asked for. Raises InvalidVerification."""
    if kind == "account":
        raise InvalidVerification("an account is not called: only whether it is registered is looked at")
    if kind == "trunk" and to is None:
        raise InvalidVerification(
            "say which number a trunk's echo call is to reach: it rings there, and may cost money"
        )
    if kind == "agent" and to is not None:
        raise InvalidVerification("an agent is called by a number of its own; `to` is for trunks and numbers")
    return (*steps, "echo")


def outcome(steps: Iterable[Step]) -> Status:
    """The worst of them; nothing but skipped ones is skipped."""
    found = {step.status for step in steps}
    order = (Status.FAILED, Status.WARNING, Status.PASSED)
    return next((status for status in order if status in found), Status.SKIPPED)


def compare(before: Sequence[Step], after: Sequence[Step]) -> tuple[Difference, ...]:
    """What is not as it was; of several results for one target the worst counts."""
    old, new = _worst(before), _worst(after)
    found = []
    for key in dict.fromkeys((*new, *old)):
        was, now = old.get(key), new.get(key)
        if was is not None and now is not None and (was.status, was.code) == (now.status, now.code):
            continue
        name, target = key
        found.append(
            Difference(
                name=name,
                target=target,
                before=None if was is None else was.status,
                after=None if now is None else now.status,
                summary=(now or was).summary,  # type: ignore[union-attr]  # one of the two is there
            )
        )
    return tuple(found)


def _worst(steps: Sequence[Step]) -> dict[tuple[StepName, str], Step]:
    order = {Status.FAILED: 0, Status.WARNING: 1, Status.PASSED: 2, Status.SKIPPED: 3}
    found: dict[tuple[StepName, str], Step] = {}
    for step in steps:
        known = found.get((step.name, step.target))
        if known is None or order[step.status] < order[known.status]:
            found[step.name, step.target] = step
    return found


def _a(kind: Kind) -> str:
    return f"an {kind}" if kind[0] == "a" else f"a {kind}"
