"""The native API's numbers."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from cordboard.dialects.http import parse_body, parse_path, parse_query, reply
from cordboard.dialects.native import number_wire as wire
from cordboard.dialects.native.frame import if_match, shown
from cordboard.dialects.native.operation import ADMINISTRATOR, NativeOperation, read, write
from cordboard.dialects.native.preview import PREVIEWED, DryRun, is_dry, preview
from cordboard.dialects.native.wire import TenantPath, tenant_id
from cordboard.domain.accounts import AccountId
from cordboard.domain.errors import NotForCaller, NotRoutable, UnknownAccount, UnknownNumber
from cordboard.domain.numbers import NumberId
from cordboard.domain.tenants import Actor, TenantId
from cordboard.storage import accounts
from cordboard.storage import numbers as stored
from cordboard.storage.numbers import ShownNumber
from cordboard.storage.transaction import Query
from cordboard.usecases import numbers, pages, previews
from cordboard.usecases.access import Access
from cordboard.usecases.ports import Context


class NumberViews:
    """Operations on numbers."""

    def __init__(self, context: Context, access: Access) -> None:
        self._context = context
        self._store = context.store
        self._access = access

    async def add(self, request: Request, who: Actor) -> Response:
        new = (await parse_body(request, wire.NewNumber)).command(self._context.new_id)
        row = await self._store.write(
            new.tenant, partial(numbers.add_platform_number, who=who, new=new, now=self._context.clock())
        )
        return reply(wire.number(row), 201)

    async def assign(self, request: Request, who: Actor) -> Response:
        body = await parse_body(request, wire.Assign)
        if body.account_id is not None:
            return await self._assign_to_account(body.number, AccountId(str(body.account_id)), who)
        if not who.administrator:
            raise NotForCaller("the administrator, unless account_id is given")
        tenant = TenantId(str(body.tenant_id))
        row = await self._store.write(
            tenant,
            partial(
                numbers.assign_platform_number,
                who=who,
                number=body.number,
                tenant=tenant,
                now=self._context.clock(),
            ),
        )
        return reply(wire.number(row))

    async def _assign_to_account(self, number: str, account: AccountId, who: Actor) -> Response:
        owner = (await self._store.read(partial(accounts.get, id=account))).tenant
        await self._access.require(who, owner, UnknownAccount(account))
        assign = partial(numbers.assign_to_account, who=who, number=number, account=account, now=self._context.clock())
        return reply(wire.number(await self._store.write(owner, assign)))

    async def import_own(self, request: Request, who: Actor) -> Response:
        body = await parse_body(request, wire.OwnNumber, self._context.hosts)
        tenant = await self._access.of(who, tenant_id(request))
        new, connection = body.command(self._context.new_id)
        made = partial(
            numbers.import_and_connect,
            who=who,
            tenant=tenant,
            new=new,
            connection=connection,
            sealer=self._context.sealer,
            now=self._context.clock(),
        )
        return shown(wire.number(await self._store.write(tenant, made)), 201)

    async def page(self, request: Request, who: Actor) -> Response:
        query = parse_query(request, wire.NumberQuery)
        if query.number is not None:
            found = await self._store.read(partial(stored.by_number, number=query.number))
            await self._access.require(who, found.tenant, UnknownNumber(query.number))
            row = await self._store.read(partial(stored.show, tenant=None, id=found.id))
            return await self._listed([row], more=False)
        where = query.where(await self._access.of(who, query.tenant_id))
        if query.prefix is None:
            page = await self._store.read(partial(pages.page_of_numbers, where=where, asked=query))
        else:
            page = await self._store.read(partial(pages.page_by_number, where=where, asked=query, prefix=query.prefix))
        return await self._listed(page.rows, more=page.more)

    async def _listed(self, rows: Sequence[ShownNumber], *, more: bool) -> Response:
        data = [wire.number(row) for row in rows]
        names = await self._store.read(partial(stored.names_around, rows=rows))
        return reply({"data": data, "next": data[-1]["id"] if more else None, "names": names})

    async def get(self, request: Request, who: Actor) -> Response:
        return shown(wire.number(await self._number(request, who)))

    async def update(self, request: Request, who: Actor) -> Response:
        body, row = await parse_body(request, wire.NumberUpdate), await self._number(request, who)
        id, tenant = NumberId(row.id), row.tenant_id
        if tenant is None:
            raise NotRoutable(row.number, row.status)
        change: Query[ShownNumber] = partial(
            numbers.change,
            who=who,
            tenant=TenantId(tenant),
            id=id,
            connection=body.connection(),
            patch=body.patch(),
            now=self._context.clock(),
        )
        change = self._if_match(request, id, change)
        if is_dry(request):
            return await preview(self._store, TenantId(tenant), change, partial(previews.of_number, id=id))
        return shown(wire.number(await self._store.write(TenantId(tenant), change)))

    async def release(self, request: Request, who: Actor) -> Response:
        row = await self._number(request, who)
        id, tenant = NumberId(row.id), None if row.tenant_id is None else TenantId(row.tenant_id)
        release = partial(numbers.release, who=who, tenant=tenant, id=id, now=self._context.clock())
        release_it = self._if_match(request, id, release)
        if is_dry(request):
            return await preview(self._store, tenant, release_it, partial(previews.of_number, id=id))
        await self._store.write(tenant, release_it)
        return Response(status_code=204)

    def _if_match(self, request: Request, id: NumberId, usecase: Query[Any]) -> Query[Any]:
        return if_match(request, partial(stored.show, tenant=None, id=id), wire.number, usecase)

    async def _number(self, request: Request, who: Actor) -> ShownNumber:
        id = NumberId(str(parse_path(request, wire.NumberPath).number_id))
        found = await self._store.read(partial(stored.show, tenant=None, id=id))
        await self._access.require(who, found.tenant_id, UnknownNumber(id))
        return found


def operations(views: NumberViews) -> list[NativeOperation]:
    """Every operation on numbers."""
    return [
        write(
            "POST /numbers",
            "add_number",
            "Add a platform-owned number",
            views.add,
            201,
            wire.NumberShown,
            body=wire.NewNumber,
            least=ADMINISTRATOR,
        ),
        write(
            "POST /numbers/assign",
            "assign_number",
            "Assign a reserved number to a tenant, or an assigned one to an account",
            views.assign,
            200,
            wire.NumberShown,
            body=wire.Assign,
            permission="phones.update",
        ),
        read(
            "GET /numbers",
            "list_numbers",
            "List a tenant's numbers",
            views.page,
            wire.Numbers,
            query=wire.NumberQuery,
            also_said=(400,),
            permission="phones.view",
        ),
        write(
            "POST /tenants/{tenant_id}/numbers",
            "import_number",
            "Import a tenant's own number",
            views.import_own,
            201,
            wire.NumberShown,
            path_model=TenantPath,
            body=wire.OwnNumber,
            permission="phones.import",
        ),
        read(
            "GET /numbers/{number_id}",
            "get_number",
            "Get one number",
            views.get,
            wire.NumberShown,
            path_model=wire.NumberPath,
            permission="phones.view",
        ),
        write(
            "PATCH /numbers/{number_id}",
            "update_number",
            "Rename a number, or send its calls elsewhere",
            views.update,
            200,
            wire.NumberOrPreview,
            path_model=wire.NumberPath,
            query=DryRun,
            body=wire.NumberUpdate,
            permission="phones.update",
            versioned=True,
        ),
        write(
            "DELETE /numbers/{number_id}",
            "release_number",
            "Release a number: an imported one goes at once, a platform-owned one at the end of its month",
            views.release,
            204,
            None,
            path_model=wire.NumberPath,
            query=DryRun,
            also_done=PREVIEWED,
            permission="phones.delete",
            versioned=True,
        ),
    ]
