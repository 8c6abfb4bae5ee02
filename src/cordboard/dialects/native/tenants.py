"""The native API's tenants."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from cordboard.dialects.fields import if_sent
from cordboard.dialects.http import parse_body, parse_query, reply
from cordboard.dialects.native import wire
from cordboard.dialects.native.frame import if_match, shown
from cordboard.dialects.native.operation import OPERATOR, NativeOperation, read, write
from cordboard.dialects.native.preview import PREVIEWED, DryRun, is_dry, preview
from cordboard.domain.errors import UnknownOperator, UnknownTenant
from cordboard.domain.operators import OperatorId
from cordboard.domain.tenants import Actor, Language, Tenant, TenantId, Termination
from cordboard.domain.times import to_wire
from cordboard.storage import tenants as stored
from cordboard.usecases import customers, previews, tenants
from cordboard.usecases.access import Access
from cordboard.usecases.keys import Keyholders
from cordboard.usecases.ports import Context

Limit = Annotated[int, Field(ge=0, le=2**31 - 1)]


class _TenantFields(wire.Body):
    """What may be said of a tenant: absent is unchanged, null clears."""

    language: Language = if_sent()
    capacity_limit: Limit | None = if_sent(description="Calls at once; null is no limit")
    account_limit: Limit | None = if_sent(description="SIP accounts that may be created; null is no limit")
    termination_mode: Termination = if_sent()

    def change(self) -> customers.Change:
        """Only what was sent."""
        values = {name: getattr(self, name) for name in self.model_fields_set & _TENANT_FIELDS}
        if "termination_mode" in values:
            values["termination"] = values.pop("termination_mode")
        return customers.Change(**values)


_TENANT_FIELDS = {"name", "language", "capacity_limit", "account_limit", "termination_mode"}


class NewTenant(_TenantFields):
    """A tenant to create; an operator's customer gets a reference if it has none."""

    name: wire.Name
    reference: wire.Name | None = None
    operator_id: UUID | None = None


class TenantUpdate(_TenantFields):
    """Changes to a tenant."""

    name: wire.Name = if_sent()


class TenantQuery(BaseModel):
    """All tenants by id, or the one that a name, reference or id stands for."""

    ref: Annotated[str, AfterValidator(wire.text)] | None = None
    operator_id: UUID | None = Field(default=None, description="With `ref`: one of this operator's customers")
    after: UUID | None = None
    limit: int = Field(default=100, ge=1, le=1000)


class TenantShown(BaseModel):
    """A tenant."""

    id: UUID
    name: str
    reference: str | None
    operator_id: UUID | None
    language: Language
    capacity_limit: int | None
    account_limit: int | None
    termination_mode: Termination
    accounts: int
    created_at: datetime


class Tenants(BaseModel):
    """Some tenants; `next` is the `after` of the following page, or null at the end."""

    data: list[TenantShown]
    next: UUID | None


class TenantViews:
    """Operations on tenants."""

    def __init__(self, context: Context, access: Access, keyholders: Keyholders) -> None:
        self._context = context
        self._store = context.store
        self._access = access
        self._keyholders = keyholders

    async def create(self, request: Request, who: Actor) -> Response:
        body = await parse_body(request, NewTenant)
        id = TenantId(self._context.new_id())
        made = await self._store.write(
            id,
            partial(
                tenants.create,
                who=who,
                now=self._context.clock(),
                id=id,
                name=body.name,
                reference=body.reference,
                operator=_operator(who, body.operator_id),
                rest=body.change(),
            ),
        )
        return _shown(made, 201)

    async def page(self, request: Request, who: Actor) -> Response:
        query = parse_query(request, TenantQuery)
        if who.tenant is not None:
            return reply({"data": await self._own(who.tenant, query.ref), "next": None})
        operator = _operator(who, query.operator_id)
        if query.ref is not None:
            found = [await self._store.read(partial(stored.find, ref=query.ref, operator=operator))]
        else:
            after = "" if query.after is None else str(query.after)
            page = partial(stored.page, after=after, limit=query.limit + 1, operator=operator)
            found = await self._store.read(page)
        data = [tenant(each) for each in found[: query.limit]]
        return reply({"data": data, "next": data[-1]["id"] if len(found) > query.limit else None})

    async def _own(self, id: TenantId, ref: str | None) -> list[dict[str, Any]]:
        own = await self._store.read(partial(stored.get, id=id))
        if ref not in (None, own.id, own.reference, own.name):
            raise UnknownTenant(str(ref))
        return [tenant(own)]

    async def get(self, request: Request, who: Actor) -> Response:
        id = await self._access.of(who, wire.tenant_id(request))
        return _shown(await self._store.read(partial(stored.get, id=id)))

    async def update(self, request: Request, who: Actor) -> Response:
        body = await parse_body(request, TenantUpdate)
        id = await self._access.of(who, wire.tenant_id(request))
        update = partial(tenants.update, who=who, now=self._context.clock(), id=id, change=body.change())
        return _shown(await self._store.write(id, if_match(request, partial(stored.get, id=id), _versioned, update)))

    async def delete(self, request: Request, who: Actor) -> Response:
        id = await self._access.of(who, wire.tenant_id(request))
        current = partial(stored.get, id=id)
        if is_dry(request):  # to delete it for a moment would keep other writers waiting
            known = if_match(request, current, _versioned, current)
            return await preview(self._store, id, known, partial(previews.of_tenant, id=id))
        delete = partial(tenants.delete, who=who, now=self._context.clock(), id=id)
        await self._store.write(id, if_match(request, current, _versioned, delete))
        self._keyholders.forget_all()
        return Response(status_code=204)


def _versioned(shown: Tenant) -> dict[str, Any]:
    """Without what its accounts change."""
    return {name: value for name, value in tenant(shown).items() if name != "accounts"}


def _shown(found: Tenant, status: int = 200) -> Response:
    return shown(tenant(found), status, versioned=_versioned(found))


def _operator(who: Actor, asked: UUID | None) -> OperatorId | None:
    """Whose customers are meant: an operator's own. Raises UnknownOperator."""
    if who.operator is None:
        return None if asked is None else OperatorId(str(asked))
    if asked is not None and str(asked) != who.operator:
        raise UnknownOperator(str(asked))
    return who.operator


def tenant(shown: Tenant) -> dict[str, Any]:
    return {
        "id": shown.id,
        "name": shown.name,
        "reference": shown.reference,
        "operator_id": shown.operator,
        "language": shown.language,
        "capacity_limit": shown.capacity_limit,
        "account_limit": shown.account_limit,
        "termination_mode": shown.termination,
        "accounts": shown.accounts,
        "created_at": to_wire(shown.created_at),
    }


def operations(views: TenantViews) -> list[NativeOperation]:
    """Every operation on tenants."""
    path = wire.TenantPath
    return [
        write(
            "POST /tenants",
            "create_tenant",
            "Create a tenant",
            views.create,
            201,
            TenantShown,
            body=NewTenant,
            least=OPERATOR,
        ),
        read(
            "GET /tenants",
            "list_tenants",
            "List tenants, or find one by name, reference or id",
            views.page,
            Tenants,
            query=TenantQuery,
            also_said=(409,),
            permission="tenants.view",
        ),
        read(
            "GET /tenants/{tenant_id}",
            "get_tenant",
            "Get one tenant",
            views.get,
            TenantShown,
            path_model=path,
            permission="tenants.view",
        ),
        write(
            "PATCH /tenants/{tenant_id}",
            "update_tenant",
            "Change a tenant",
            views.update,
            200,
            TenantShown,
            path_model=path,
            body=TenantUpdate,
            least=OPERATOR,
            versioned=True,
        ),
        write(
            "DELETE /tenants/{tenant_id}",
            "delete_tenant",
            "Delete a tenant with its accounts, numbers, trunks, agents and keys",
            views.delete,
            204,
            None,
            path_model=path,
            query=DryRun,
            also_done=PREVIEWED,
            least=OPERATOR,
            versioned=True,
        ),
    ]
