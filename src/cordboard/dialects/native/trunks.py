"""The native API's trunks."""

from collections.abc import Sequence
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from cordboard.dialects.http import parse_body, parse_path, parse_query, reply
from cordboard.dialects.native import trunk_wire as wire
from cordboard.dialects.native.frame import if_match, shown
from cordboard.dialects.native.operation import NativeOperation, read, write
from cordboard.dialects.native.preview import PREVIEWED, DryRun, is_dry, preview
from cordboard.domain.edge import TrunkHealth, health_of
from cordboard.domain.errors import EdgeUnavailable, NotForCaller, SystemTrunk, UnknownNumber, UnknownTrunk
from cordboard.domain.tenants import Actor, TenantId
from cordboard.domain.trunks import Trunk, TrunkId
from cordboard.storage import numbers
from cordboard.storage import trunks as stored
from cordboard.storage.transaction import Query
from cordboard.usecases import previews, trunks
from cordboard.usecases.access import Access
from cordboard.usecases.ports import Context, EdgeState, Store


class TrunkViews:
    """Operations on every tenant's trunks, and on the system's."""

    def __init__(self, context: Context, access: Access, edge: EdgeState | None) -> None:
        self._context = context
        self._store = context.store
        self._access = access
        self._edge = edge

    async def create(self, request: Request, who: Actor) -> Response:
        body = await parse_body(request, wire.NewTrunk, self._context.hosts)
        tenant = await self._owner(who, body)
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
        return shown(wire.trunk(made), 201)

    async def _owner(self, who: Actor, body: wire.NewTrunk) -> TenantId | None:
        if body.system:
            if not who.administrator:
                raise NotForCaller("the administrator, unless tenant_id is given")
            return None
        return await self._access.of(who, body.tenant_id)

    async def page(self, request: Request, who: Actor) -> Response:
        query = parse_query(request, wire.TrunkQuery)
        if query.number is not None:
            found = await self._of_number(query.number, who)
            return await self._listed([found], 1, query)
        tenant = None if query.system else await self._access.of(who, query.tenant_id)
        after = None if query.after is None else TrunkId(str(query.after))
        page = await self._store.read(partial(trunks.page, tenant=tenant, after=after, limit=query.limit + 1))
        return await self._listed(page, query.limit, query)

    async def _listed(self, found: Sequence[Trunk], limit: int, query: wire.TrunkQuery) -> Response:
        data = [wire.trunk(each) for each in found[:limit]]
        health = await self._health([each.id for each in found[:limit]]) if query.health else None
        return reply({"data": data, "next": data[-1]["id"] if len(found) > limit else None, "health": health})

    async def _health(self, ids: Sequence[TrunkId]) -> dict[TrunkId, TrunkHealth] | None:
        if self._edge is None:
            return None
        try:
            hops = await self._edge.hops_of(ids)
        except EdgeUnavailable:
            return None
        return {id: health_of(those) for id, those in hops.items()}

    async def _of_number(self, number: str, who: Actor) -> Trunk:
        found = await self._store.read(partial(numbers.by_number, number=number))
        await self._access.require(who, found.tenant, UnknownNumber(number))
        return await self._store.read(partial(trunks.of_number, number=number))

    async def get(self, request: Request, who: Actor) -> Response:
        return shown(wire.trunk(await visible(self._store, self._access, request, who)))

    async def update(self, request: Request, who: Actor) -> Response:
        body = await parse_body(request, wire.TrunkUpdate, self._context.hosts)
        trunk = await self._changeable(request, who)
        update: Query[Trunk] = partial(
            trunks.update,
            who=who,
            now=self._context.clock(),
            id=trunk.id,
            patch=body.patch(),
            sealer=self._context.sealer,
        )
        update = if_match(request, _current(trunk), wire.trunk, update)
        if is_dry(request):
            return await preview(self._store, trunk.tenant, update, partial(previews.of_trunk, id=trunk.id))
        return shown(wire.trunk(await self._store.write(trunk.tenant, update)))

    async def delete(self, request: Request, who: Actor) -> Response:
        trunk = await self._changeable(request, who)
        current = _current(trunk)
        if is_dry(request):  # to take it from all of its numbers for a moment would keep other writers waiting
            known = if_match(request, current, wire.trunk, current)
            return await preview(self._store, trunk.tenant, known, partial(previews.of_trunk, id=trunk.id))
        remove = partial(trunks.delete, who=who, now=self._context.clock(), id=trunk.id)
        await self._store.write(trunk.tenant, if_match(request, current, wire.trunk, remove))
        return Response(status_code=204)

    async def _changeable(self, request: Request, who: Actor) -> Trunk:
        trunk = await visible(self._store, self._access, request, who)
        if trunk.system and not who.administrator:
            raise SystemTrunk(trunk.name)
        return trunk


def _current(trunk: Trunk) -> Query[Trunk]:
    """It as it is when it is changed."""
    return partial(trunks.get_alone if trunk.tenant is None else stored.get, id=trunk.id)


async def visible(store: Store, access: Access, request: Request, who: Actor) -> Trunk:
    """The trunk of a path: the caller's, or everybody's. Raises UnknownTrunk."""
    id = TrunkId(str(parse_path(request, wire.TrunkPath).trunk_id))
    trunk = await store.read(partial(stored.get, id=id))
    if not (trunk.system and trunk.tenant is None):
        await access.require(who, trunk.tenant, UnknownTrunk(id))
    return trunk


def operations(views: TrunkViews) -> list[NativeOperation]:
    """Every operation on trunks."""
    path = wire.TrunkPath
    return [
        write(
            "POST /trunks",
            "create_trunk",
            "Create a trunk",
            views.create,
            201,
            wire.TrunkShown,
            body=wire.NewTrunk,
            permission="trunks.create",
        ),
        read(
            "GET /trunks",
            "list_trunks",
            "List a tenant's trunks or the system's, or find the one of a number",
            views.page,
            wire.Trunks,
            query=wire.TrunkQuery,
            also_said=(400,),
            permission="trunks.view",
        ),
        read(
            "GET /trunks/{trunk_id}",
            "get_trunk",
            "Get one trunk",
            views.get,
            wire.TrunkShown,
            path_model=path,
            permission="trunks.view",
        ),
        write(
            "PATCH /trunks/{trunk_id}",
            "update_trunk",
            "Change a trunk, a number's own included",
            views.update,
            200,
            wire.TrunkOrPreview,
            path_model=path,
            query=DryRun,
            body=wire.TrunkUpdate,
            permission="trunks.update",
            versioned=True,
        ),
        write(
            "DELETE /trunks/{trunk_id}",
            "delete_trunk",
            "Delete a trunk; its numbers have none then",
            views.delete,
            204,
            None,
            path_model=path,
            query=DryRun,
            also_done=PREVIEWED,
            permission="trunks.delete",
            versioned=True,
        ),
    ]
