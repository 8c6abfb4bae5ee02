"""The native API's words for webhooks and for what is on its way to them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from cordboard.dialects.fields import if_sent
from cordboard.dialects.native import wire
from cordboard.dialects.native.call_wire import Text
from cordboard.domain.events import check_told
from cordboard.domain.times import opt_to_wire, to_wire
from cordboard.domain.webhooks import MAX_FILTERS, MAX_URL, Delivery, DeliveryState, Webhook, WebhookId
from cordboard.usecases.webhooks import Change

_Url = Annotated[str, Field(min_length=1, max_length=MAX_URL)]
_Filters = Annotated[list[Annotated[str, AfterValidator(check_told)]], Field(min_length=1, max_length=MAX_FILTERS)]


class _Fields(wire.Body):
    """What may be said of a webhook: absent is unchanged."""

    types: _Filters = if_sent(description="Types of events, or beginnings of them: `call.*`, `*`")
    description: wire.Name | None = if_sent()
    enabled: bool = if_sent()

    def change(self) -> Change:
        """Only what was sent."""
        names = {"filters" if name == "types" else name: name for name in ("url", "types", "description", "enabled")}
        return Change(**{ours: getattr(self, name) for ours, name in names.items() if name in self.model_fields_set})


class NewWebhook(_Fields):
    """A webhook of a tenant, or of the administrator, who gets everybody's events; all types unless some are named."""

    url: _Url
    tenant_id: UUID | None = None


class WebhookUpdate(_Fields):
    """Changes to a webhook; enabling it forgets why it was disabled."""

    url: _Url = if_sent()


class WebhookPath(BaseModel):
    """One webhook."""

    webhook_id: UUID

    @property
    def id(self) -> WebhookId:
        return WebhookId(str(self.webhook_id))


class WebhookQuery(BaseModel):
    """The webhooks of one tenant, or everybody's."""

    tenant_id: UUID | None = None
    after: UUID | None = None
    limit: int = Field(default=100, ge=1, le=1000)


class WebhookShown(BaseModel):
    """A webhook. `disabled` is why, if it was not asked for: `gone`, it answered 410; `failing`, for days.

    `failing_since` is since when it has taken nothing that is tried again; until `previous_secret_until` messages are
    signed with the secrets before the newest one, too.
    """

    id: UUID
    tenant_id: UUID | None
    url: str
    types: list[str]
    description: str | None
    enabled: bool
    disabled: Literal["gone", "failing"] | None
    failing_since: datetime | None
    previous_secret_until: datetime | None
    created_at: datetime
    updated_at: datetime


class WebhookMade(WebhookShown):
    """A webhook with its secret, which is shown this once."""

    secret: str


class Webhooks(BaseModel):
    """Some webhooks; `next` is the `after` of the following page, or null at the end."""

    data: list[WebhookShown]
    next: UUID | None


class TestQuery(BaseModel):
    """How many seconds to wait for the outcome."""

    wait: int = Field(default=0, ge=0, le=20)


class DeliveryQuery(BaseModel):
    """What was sent, that of the newest events first."""

    state: DeliveryState | None = None
    event_id: UUID | None = None
    after: Text | None = None
    limit: int = Field(default=100, ge=1, le=1000)


class AttemptShown(BaseModel):
    """One try. A `status` of null is no answer at all; an `error` of null is that it was taken."""

    at: datetime
    status: int | None
    ms: int
    error: str | None
    answer: str


class DeliveryShown(BaseModel):
    """One event on its way to one webhook, with its latest attempts; `type` is null once the event is not kept."""

    id: str
    webhook_id: str
    event_id: str
    type: str | None
    state: DeliveryState
    next_attempt_at: datetime | None
    attempts: list[AttemptShown]


class Deliveries(BaseModel):
    """A page may be shorter than asked: only `next` tells whether there is more, and is then the `after` of it."""

    data: list[DeliveryShown]
    next: str | None


class Replay(wire.Body):
    """What to send again: one event, whatever its type; or those that were given up; or all of a stretch of time."""

    model_config = ConfigDict(extra="forbid", validate_by_name=True, validate_by_alias=True)

    event_id: UUID | None = None
    failed: Literal[True] | None = None
    since: AwareDatetime | None = Field(default=None, alias="from")
    until: AwareDatetime | None = Field(default=None, alias="to")
    #: The `next` of the answer before, to go on.
    after: Text | None = None

    @model_validator(mode="after")
    def _one(self) -> "Replay":
        if sum(value is not None for value in (self.event_id, self.failed, self.since)) != 1:
            raise ValueError("say one of event_id, failed, and from")
        return self


class Replayed(BaseModel):
    """How many events are on their way; `next` is the `after` to go on with, if there are more."""

    queued: int
    next: str | None


def webhook(w: Webhook, secret: str | None = None) -> dict[str, Any]:
    """`secret` in the answer to its making alone."""
    found = {
        "id": w.id,
        "tenant_id": w.tenant,
        "url": w.url,
        "types": w.filters,
        "description": w.description,
        "enabled": w.enabled,
        "disabled": w.disabled,
        "failing_since": opt_to_wire(w.failing_since),
        "previous_secret_until": opt_to_wire(w.previous_until),
        "created_at": to_wire(w.created_at),
        "updated_at": to_wire(w.updated_at),
    }
    return found if secret is None else {**found, "secret": secret}


def stored(w: Webhook) -> dict[str, Any]:
    """What its ETag is of: not how its receiver does."""
    return {name: value for name, value in webhook(w).items() if name != "failing_since"}


def delivery(d: Delivery) -> dict[str, Any]:
    return {
        "id": d.id,
        "webhook_id": d.webhook,
        "event_id": d.event,
        "type": d.type,
        "state": d.state,
        "next_attempt_at": opt_to_wire(d.due_at),
        "attempts": [
            {"at": to_wire(a.at), "status": a.status, "ms": a.ms, "error": a.error, "answer": a.answer}
            for a in d.attempts
        ],
    }
