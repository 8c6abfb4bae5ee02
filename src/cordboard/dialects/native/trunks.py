"""The native API's trunks."""

from collections.abc import Callable
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from cordboard.dialects.http import parse_body, parse_path, parse_query, reply
from cordboard.dialects.native import trunk_wire as wire
from cordboard.dialects.openapi import Operation
from cordboard.domain.tenants import Actor, TenantId
from cordboard.domain.trunks import TrunkId
from cordboard.storage import trunks as stored
from cordboard.usecases import trunks
from cordboard.usecases.ports import Context


class TrunkViews:
    """Operations on every tenant's trunks, and on the system's."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    async def create(self, request: Request, who: Actor) -> Response:
        body = await parse_body(request, wire.NewTrunk, self._context.hosts)
        tenant = None if body.tenant_id is None else TenantId(str(body.tenant_id))
        made = await self._store.write(
            tenant,
            partial(
                trunks.create,
                who=who,
                now=self._context.clock(),
                id=TrunkId(self._context.new_id()),
                tenant=tenant,
                name=body.name,
                rest=body.patch(),
                sealer=self._context.sealer,
            ),
        )
        return reply(wire.trunk(made), 201)

    async def page(self, request: Request, who: Actor) -> Response:
        query = parse_query(request, wire.TrunkQuery)
        if query.number is not None:
            found = [await self._store.read(partial(trunks.of_number, number=query.number))]
            return reply({"data": [wire.trunk(each) for each in found], "next": None})
        tenant = None if query.tenant_id is None else TenantId(str(query.tenant_id))
        after = None if query.after is None else TrunkId(str(query.after))
        found = await self._store.read(partial(trunks.page, tenant=tenant, after=after, limit=query.limit + 1))
        data = [wire.trunk(each) for each in found[: query.limit]]
        return reply({"data": data, "next": data[-1]["id"] if len(found) > query.limit else None})

    async def get(self, request: Request, who: Actor) -> Response:
        return reply(wire.trunk(await self._store.read(partial(stored.get, id=_id(request)))))

    async def update(self, request: Request, who: Actor) -> Response:
        id, body = _id(request), await parse_body(request, wire.TrunkUpdate, self._context.hosts)
        owner = (await self._store.read(partial(stored.get, id=id))).tenant
        changed = await self._store.write(
            owner,
            partial(
                trunks.update,
                who=who,
                now=self._context.clock(),
                id=id,
                patch=body.patch(),
                sealer=self._context.sealer,
            ),
        )
        return reply(wire.trunk(changed))

    async def delete(self, request: Request, who: Actor) -> Response:
        id = _id(request)
        owner = (await self._store.read(partial(stored.get, id=id))).tenant
        await self._store.write(owner, partial(trunks.delete, who=who, now=self._context.clock(), id=id))
        return Response(status_code=204)


def _id(request: Request) -> TrunkId:
    return TrunkId(str(parse_path(request, wire.TrunkPath).trunk_id))


def operations(views: TrunkViews, read: Callable[..., Operation], write: Callable[..., Operation]) -> list[Operation]:
    """`read` and `write` make operations that do so."""
    path = wire.TrunkPath
    return [
        write("POST /trunks", "create_trunk", "Create a trunk", views.create, 201, wire.TrunkShown, body=wire.NewTrunk),
        read(
            "GET /trunks",
            "list_trunks",
            "List a tenant's trunks or the system's, or find the one of a number",
            views.page,
            wire.Trunks,
            query=wire.TrunkQuery,
            also_said=(400,),
        ),
        read("GET /trunks/{trunk_id}", "get_trunk", "Get one trunk", views.get, wire.TrunkShown, path_model=path),
        write(
            "PATCH /trunks/{trunk_id}",
            "update_trunk",
            "Change a trunk, a number's own included",
            views.update,
            200,
            wire.TrunkShown,
            path_model=path,
            body=wire.TrunkUpdate,
        ),
        write(
            "DELETE /trunks/{trunk_id}",
            "delete_trunk",
            "Delete a trunk; its numbers have none then",
            views.delete,
            204,
            None,
            path_model=path,
        ),
    ]
