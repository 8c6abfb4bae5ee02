"""The native API's words for events: an event reads the same in the feed and in a webhook."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from cordboard.dialects.native.call_wire import Text
from cordboard.domain.events import EventId, check_filter
from cordboard.domain.tenants import TenantId
from cordboard.storage.events import EventFilter


class EventQuery(BaseModel):
    """Events, newest first."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    tenant_id: UUID | None = None
    #: The id of what it happened to.
    subject: Text | None = None
    #: One type, `call.*` for all of calls, or `*`.
    type: Annotated[str, AfterValidator(check_filter)] | None = None
    #: Instants with their offset from UTC; the end is not included.
    since: AwareDatetime | None = Field(default=None, alias="from")
    until: AwareDatetime | None = Field(default=None, alias="to")
    after: Text | None = None
    limit: int = Field(default=100, ge=1, le=1000)

    def where(self, tenant: TenantId | None) -> EventFilter:
        return EventFilter(
            tenant=tenant,
            subject=self.subject,
            type=self.type,
            since=self.since,
            until=self.until,
        )


class EventPath(BaseModel):
    """One event."""

    event_id: UUID

    @property
    def id(self) -> EventId:
        return EventId(str(self.event_id))


class EventShown(BaseModel):
    """Something that happened. `subject` is the id of what it happened to, `data` what that was like then."""

    id: str
    type: str
    timestamp: datetime
    tenant_id: str | None
    subject: str
    data: dict[str, Any]


class Events(BaseModel):
    """A page may be shorter than asked: only `next` tells whether there is more, and is then the `after` of it."""

    data: list[EventShown]
    next: str | None
