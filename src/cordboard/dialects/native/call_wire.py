"""The native API's words for calls and refusals."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from cordboard.dialects.native import call_detail_wire as details
from cordboard.domain.calls import Call, CallDirection, CallId, Lost, Message, State
from cordboard.domain.tenants import TenantId
from cordboard.domain.times import to_wire
from cordboard.storage.calls import CallFilter, RefusalFilter
from cordboard.usecases import call_events


def _text(value: str) -> str:
    if "\0" in value:
        raise ValueError("nothing is called by the character U+0000")
    # a + that was not escaped in a URL comes as a space
    return f"+{value[1:]}" if value.startswith(" ") else value


Text = Annotated[str, Field(min_length=1, max_length=512), AfterValidator(_text)]


class Query(BaseModel):
    """What lists of what happened take: a tenant, a stretch of time, and where to go on."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    tenant_id: UUID | None = None
    #: Instants with their offset from UTC; the end is not included.
    since: AwareDatetime | None = Field(default=None, alias="from")
    until: AwareDatetime | None = Field(default=None, alias="to")
    after: Text | None = None
    limit: int = Field(default=100, ge=1, le=1000)

    @property
    def between(self) -> dict[str, str | None]:
        return {"since": _instant(self.since), "until": _instant(self.until)}


class CallQuery(Query):
    """Calls, newest first."""

    #: The number of ours.
    number: Text | None = None
    #: As SIP has it.
    call_id: Text | None = None
    direction: CallDirection | None = None
    state: State | None = None
    #: Whether it is under way, answered or not.
    live: bool | None = None

    def where(self, tenant: TenantId | None) -> CallFilter:
        return CallFilter(
            tenant=tenant,
            number=self.number,
            call_id=self.call_id,
            direction=self.direction,
            state=self.state,
            live=self.live,
            **self.between,
        )


class RefusalQuery(Query):
    """Refused INVITEs, newest first."""

    #: The user of the request URI, as it was dialled.
    called: Text | None = None
    #: The address it came from.
    source: Text | None = None
    reason: Text | None = None
    #: As SIP has it.
    call_id: Text | None = None

    def where(self, tenant: TenantId | None) -> RefusalFilter:
        return RefusalFilter(
            tenant=tenant,
            called=self.called,
            source=self.source,
            reason=self.reason,
            call_id=self.call_id,
            **self.between,
        )


#: RFC 2361 has another name for it, which nobody uses.
WAV: Final = "audio/wav"


class CallPath(BaseModel):
    """One call."""

    call_id: Text


class CallShown(BaseModel):
    """A call. What it names may be gone; `source` is where its INVITE came from; `detail` says `reason` in words.

    `offered` is the caller's media (none, rtp, srtp); `verstat` what the carrier says of the caller's number;
    `seconds` how long it has stood, until now if it does; `recording` whether this server has the sound of it.
    """

    id: str
    tenant_id: str | None
    direction: CallDirection
    state: State
    number: str
    number_id: str
    trunk_id: str | None
    agent_id: str | None
    version_id: str | None
    caller: str
    called: str
    call_id: str
    user_agent: str
    source: str
    offered: str
    verstat: str | None
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    code: int | None
    reason: str | None
    detail: str | None
    seconds: float | None
    recording: bool


class MessageShown(BaseModel):
    """A SIP message. A `source` or `destination` of null is the edge; a response goes back where its request came from.

    Requests have no status; the phrase of an answer that the edge gave of itself is its reason.
    """

    at: datetime
    method: str
    status: int | None
    phrase: str | None
    cseq: str
    branch: str | None
    source: str | None
    destination: str | None


class CallDetail(CallShown):
    """A call with where it was tried, its two legs, and its SIP messages in order, 64 at most.

    `one_way` is true if one side alone has sent audio, for a second and more, though both were to send. It is null if
    that is not known, or was agreed.
    """

    tries: list[details.TryShown]
    legs: list[details.LegShown]
    one_way: bool | None
    messages: list[MessageShown]


class RefusalShown(BaseModel):
    """An INVITE that was turned down before it was a call.

    `offered` is the media that it offered, `login` the username of the credentials that came with it, right or wrong.
    """

    id: str
    at: datetime
    direction: CallDirection
    code: int
    reason: str
    detail: str | None
    number: str | None
    number_id: str | None
    tenant_id: str | None
    trunk_id: str | None
    source: str
    called: str
    caller: str
    call_id: str
    user_agent: str
    offered: str | None
    login: str | None


class EventsLost(BaseModel):
    """What the edges had to drop, ever; `banned` counts messages of banned sources, which are never recorded."""

    calls: int
    messages: int
    refusals: int
    banned: int


class _Page(BaseModel):
    """A page may be shorter than asked: only `next` tells whether there is more, and is then the `after` of it."""

    next: str | None
    events_lost: EventsLost


class Calls(_Page):
    """Some calls."""

    data: list[CallShown]


class Refusals(_Page):
    """Some refusals."""

    data: list[RefusalShown]


def call(c: Call, now: datetime, *, recording: bool) -> dict[str, Any]:
    seconds = None if c.answered_at is None else ((c.ended_at or now) - c.answered_at).total_seconds()
    return {**call_events.of(c), "seconds": None if seconds is None else round(seconds, 3), "recording": recording}


def message(m: Message) -> dict[str, Any]:
    return {
        "at": to_wire(m.at),
        "method": m.method,
        "status": m.status,
        "phrase": m.phrase or None,
        "cseq": m.cseq,
        "branch": m.branch or None,
        "source": m.source or None,
        "destination": m.destination or None,
    }


def lost(counted: Lost) -> dict[str, int]:
    return {name: getattr(counted, name) for name in EventsLost.model_fields}


def call_id(path: CallPath) -> CallId:
    return CallId(path.call_id)


def _instant(value: datetime | None) -> str | None:
    return None if value is None else to_wire(value)
