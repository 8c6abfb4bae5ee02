"""The native API's words for verifications."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, model_validator

from cordboard.dialects.native.call_wire import Text
from cordboard.dialects.native.wire import Body
from cordboard.domain.errors import InvalidVerification
from cordboard.domain.numbers import parse_number
from cordboard.domain.tenants import TenantId
from cordboard.domain.times import opt_to_wire, to_wire
from cordboard.domain.verifications import MINUTES, Kind, Schedule, State, Status, Step, StepName, Verification
from cordboard.storage.verifications import VerificationFilter
from cordboard.usecases.verifications import Compared, Order


class EchoGiven(Body):
    """A call to place through the edge: it rings somebody. `to` is whom a trunk or a number's agent calls, outbound."""

    to: Annotated[str, AfterValidator(parse_number)] | None = None


class NewVerification(Body):
    """A verification to run: of all steps that there are for the subject's kind, or of some.

    `subject_id` is its id; a number may be named by itself, an account by its username.
    """

    kind: Kind
    subject_id: Text
    steps: Annotated[list[StepName], Field(min_length=1, max_length=20)] | None = None

    echo: EchoGiven | None = Field(
        default=None,
        description="Place a call: a trunk's to a number, a number's or an agent's from outside; a restricted key "
        "needs the permission verifications.echo for it",
    )

    def order(self) -> Order:
        steps = None if self.steps is None else tuple(self.steps)
        to = None if self.echo is None else self.echo.to
        echo = self.echo is not None or (steps is not None and "echo" in steps)
        return Order(kind=self.kind, ref=self.subject_id, steps=steps, echo=echo, echo_to=to)


class WaitQuery(BaseModel):
    """How many seconds to wait for its end; it is shown as it is then."""

    wait: float = Field(default=0, ge=0, le=60)


class VerificationPath(BaseModel):
    """Path of one verification."""

    verification_id: UUID


class VerificationQuery(BaseModel):
    """Verifications, newest first."""

    tenant_id: UUID | None = None
    kind: Kind | None = None
    #: Together with `kind`.
    subject_id: Text | None = None
    status: Status | None = None
    after: Text | None = None
    limit: int = Field(default=100, ge=1, le=1000)

    @model_validator(mode="after")
    def _kind(self) -> "VerificationQuery":
        if self.subject_id is not None and self.kind is None:
            raise ValueError("say the kind of the subject, too")
        return self

    def where(self, tenant: TenantId | None) -> VerificationFilter:
        return VerificationFilter(tenant=tenant, kind=self.kind, subject=self.subject_id, status=self.status)


class SubjectShown(BaseModel):
    """What was verified, as it was called then."""

    kind: Kind
    id: str
    name: str


class StepShown(BaseModel):
    """One thing that was tried. `target` is what of the subject, '' being all of it; `ms` is how long it took.

    `code` is a word for what was found that never changes its meaning, '' if there is nothing to say.
    """

    name: StepName
    target: str
    status: Status
    code: str
    summary: str
    remedy: str | None
    evidence: dict[str, Any]
    started_at: datetime
    ms: int


class ChangeShown(BaseModel):
    """A step that came out otherwise than the time before; null: it was not, or is not any more."""

    name: StepName
    target: str
    before: Status | None
    after: Status | None
    summary: str


class VerificationShown(BaseModel):
    """A verification; `status` is the worst of its steps, null until it is over, and `counts` how many have each."""

    id: UUID
    tenant_id: UUID | None
    subject: SubjectShown
    asked: list[StepName]
    state: State
    status: Status | None
    counts: dict[Status, int]
    by: str
    started_at: datetime
    finished_at: datetime | None


class VerificationDetail(VerificationShown):
    """With its steps as far as they are over, and what changed since the one before of the same subject."""

    steps: list[StepShown]
    previous_id: UUID | None
    changes: list[ChangeShown]


class Verifications(BaseModel):
    """Some of them; `next` is the `after` of the following page, or null at the end."""

    data: list[VerificationShown]
    next: str | None


class NewSchedule(Body):
    """That a subject is verified again and again, a tenth earlier or later each time, never with an echo call."""

    kind: Kind
    subject_id: Text
    every_minutes: int = Field(ge=MINUTES[0], le=MINUTES[1])
    steps: Annotated[list[StepName], Field(min_length=1, max_length=20)] | None = None

    def order(self) -> Order:
        if self.steps is not None and "echo" in self.steps:
            raise InvalidVerification("an echo call is placed by hand: it rings somebody, and may cost money")
        return Order(kind=self.kind, ref=self.subject_id, steps=None if self.steps is None else tuple(self.steps))


class SchedulePath(BaseModel):
    """Path of one schedule."""

    schedule_id: UUID


class ScheduleQuery(BaseModel):
    """A tenant's schedules, or everybody's, newest first."""

    tenant_id: UUID | None = None
    after: Text | None = None
    limit: int = Field(default=100, ge=1, le=1000)


class ScheduleShown(BaseModel):
    """A schedule; `steps` null is all that there are."""

    id: UUID
    tenant_id: UUID | None
    subject: SubjectShown
    steps: list[StepName] | None
    every_minutes: int
    next_at: datetime
    by: str
    created_at: datetime


class Schedules(BaseModel):
    """Some of them; `next` is the `after` of the following page, or null at the end."""

    data: list[ScheduleShown]
    next: str | None


def schedule(one: Schedule) -> dict[str, Any]:
    subject = one.subject
    return {
        "id": one.id,
        "tenant_id": subject.tenant,
        "subject": {"kind": subject.kind, "id": subject.id, "name": subject.name},
        "steps": one.steps,
        "every_minutes": one.minutes,
        "next_at": to_wire(one.next_at),
        "by": one.by,
        "created_at": to_wire(one.created_at),
    }


def scheduled(one: Schedule) -> dict[str, Any]:
    """What of it somebody has written: not when its turn is."""
    return {name: value for name, value in schedule(one).items() if name != "next_at"}


def summary(one: Verification) -> dict[str, Any]:
    subject = one.subject
    return {
        "id": one.id,
        "tenant_id": subject.tenant,
        "subject": {"kind": subject.kind, "id": subject.id, "name": subject.name},
        "asked": one.asked,
        "state": one.state,
        "status": one.status,
        "counts": {status: sum(step.status == status for step in one.steps) for status in Status},
        "by": one.by,
        "started_at": to_wire(one.started_at),
        "finished_at": opt_to_wire(one.finished_at),
    }


def detail(shown: Compared) -> dict[str, Any]:
    return {
        **summary(shown.one),
        "steps": [_step(step) for step in shown.one.steps],
        "previous_id": shown.before and shown.before.id,
        "changes": [
            {"name": c.name, "target": c.target, "before": c.before, "after": c.after, "summary": c.summary}
            for c in shown.changes
        ],
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "target": step.target,
        "status": step.status,
        "code": step.code,
        "summary": step.summary,
        "remedy": step.remedy,
        "evidence": step.evidence,
        "started_at": to_wire(step.started_at),
        "ms": step.ms,
    }
