"""The native API's history of registrations: of accounts at the edge, and of the edge at carriers."""

from datetime import datetime
from functools import partial
from uuid import UUID

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from cordboard.dialects.http import parse_query, reply
from cordboard.dialects.native.call_wire import Query, Text
from cordboard.dialects.native.operation import NativeOperation, read
from cordboard.domain.registrations import What
from cordboard.domain.tenants import Actor, TenantId
from cordboard.storage import registrations
from cordboard.storage.registrations import RegistrationFilter
from cordboard.usecases.access import Access
from cordboard.usecases.ports import Context
from cordboard.usecases.registrations import of


class RegistrationQuery(Query):
    """Changes of registrations and refused REGISTERs, newest first."""

    account_id: UUID | None = None
    trunk_id: UUID | None = None
    #: As it was given, an account's or nobody's.
    username: Text | None = None
    what: What | None = None

    def where(self, tenant: TenantId | None) -> RegistrationFilter:
        return RegistrationFilter(
            tenant=tenant,
            account=None if self.account_id is None else str(self.account_id),
            trunk=None if self.trunk_id is None else str(self.trunk_id),
            username=self.username,
            what=self.what,
            **self.between,
        )


class RegistrationTold(BaseModel):
    """One change of an account's or a trunk's registration, or a REGISTER of an account that was refused.

    `place` is where the account's REGISTER came from, or the gateway that ours went to; `bindings` at how many places
    the account is registered since. A carrier's `code` of null is that it gave no answer.
    """

    id: str
    at: datetime
    what: What
    tenant_id: str | None
    account_id: str | None
    trunk_id: str | None
    username: str | None
    code: int | None
    reason: str | None
    detail: str | None
    place: str | None
    contact: str | None
    user_agent: str | None
    bindings: int | None


class Told(BaseModel):
    """Some of the history. A page may be shorter than asked: only `next` tells whether there is more."""

    data: list[RegistrationTold]
    next: str | None


class RegistrationHistory:
    """What has become of registrations."""

    def __init__(self, context: Context, access: Access) -> None:
        self._store = context.store
        self._access = access

    async def list_registrations(self, request: Request, who: Actor) -> Response:
        query = parse_query(request, RegistrationQuery)
        where = query.where(await self._access.tenant(who, query.tenant_id))
        page = await self._store.read(partial(registrations.page, where=where, after=query.after, limit=query.limit))
        return reply({"data": [of(registrations.registration_of(row)) for row in page.rows], "next": page.next})


def operations(views: RegistrationHistory) -> list[NativeOperation]:
    """Every operation on the history of registrations."""
    return [
        read(
            "GET /registrations",
            "list_registrations",
            "List what became of registrations",
            views.list_registrations,
            Told,
            query=RegistrationQuery,
            also_said=(400,),
            permission="events.view",
        )
    ]
