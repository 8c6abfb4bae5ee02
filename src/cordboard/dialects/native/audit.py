"""The native API's audit log: who changed what, from what to what."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from cordboard.dialects.http import parse_query, reply
from cordboard.dialects.native.operation import NativeOperation, read
from cordboard.dialects.native.wire import text
from cordboard.domain.tenants import Actor
from cordboard.domain.times import to_wire
from cordboard.storage import audit as stored
from cordboard.storage.audit import AuditFilter, Entry
from cordboard.storage.changes import Kind
from cordboard.usecases.access import Access
from cordboard.usecases.ports import Context


def _instant(value: datetime) -> datetime:
    """A time without a zone is UTC."""
    if not 1970 <= value.year < 9999:
        raise ValueError("the instant lies outside the years 1970 to 9998")
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Instant = Annotated[datetime, AfterValidator(_instant)]


class AuditQuery(BaseModel):
    """Which entries are wanted; a key's own tenant's if it names none."""

    tenant_id: UUID | None = None
    object_id: Annotated[str, AfterValidator(text)] | None = None
    kind: Kind | None = None
    actor: Annotated[str, AfterValidator(text)] | None = Field(
        default=None, description="`admin`, `clockwork`, `operator:ID` or `key:ID`"
    )
    from_: Instant | None = Field(default=None, alias="from")
    to: Instant | None = Field(default=None, description="Not included")
    after: int | None = Field(default=None, ge=0, le=2**63 - 1, description="The `next` of the page before")
    limit: int = Field(default=100, ge=1, le=1000)


class EntryShown(BaseModel):
    """One change of one object; a field is [from, to], a secret only `["set"]` or `["cleared"]`."""

    id: int
    at: datetime
    actor: str
    action: str
    kind: Kind
    object_id: str
    tenant_id: UUID | None
    fields: dict[str, Any]


class Audit(BaseModel):
    """Some entries, newest first; there may be fewer than `limit`, and `next` leads on until it is null."""

    data: list[EntryShown]
    next: int | None


class AuditViews:
    """The audit log, of which nothing can be changed."""

    def __init__(self, context: Context, access: Access) -> None:
        self._store = context.store
        self._access = access

    async def page(self, request: Request, who: Actor) -> Response:
        query = parse_query(request, AuditQuery)
        where = AuditFilter(
            tenant=await self._access.tenant(who, query.tenant_id),
            object=query.object_id,
            kind=query.kind,
            actor=query.actor,
            since=query.from_,
            until=query.to,
        )
        found = await self._store.read(partial(stored.page, where=where, after=query.after, limit=query.limit))
        return reply({"data": [_entry(each) for each in found.entries], "next": found.next})


def _entry(shown: Entry) -> dict[str, Any]:
    return {
        "id": shown.id,
        "at": to_wire(shown.at),
        "actor": shown.actor,
        "action": shown.action,
        "kind": shown.kind,
        "object_id": shown.object,
        "tenant_id": shown.tenant,
        "fields": shown.fields,
    }


def operations(views: AuditViews) -> list[NativeOperation]:
    """Every operation on the audit log."""
    return [
        read(
            "GET /audit",
            "list_audit",
            "Who changed what, newest first",
            views.page,
            Audit,
            query=AuditQuery,
            permission="audit.view",
        )
    ]
