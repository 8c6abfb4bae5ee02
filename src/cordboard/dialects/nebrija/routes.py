"""Nebrija's API of trunks and numbers: each operation parses, calls one use case, presents."""

from functools import partial
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from cordboard.dialects.app import by_key, dialect
from cordboard.dialects.http import parse_body, parse_query, reply
from cordboard.dialects.nebrija import wire
from cordboard.dialects.nebrija.described import PREFIX as PREFIX
from cordboard.dialects.nebrija.described import operations
from cordboard.dialects.nebrija.errors import respond
from cordboard.dialects.openapi import document
from cordboard.domain.errors import NotFound, UnknownNumber, UnknownTrunk
from cordboard.domain.keys import ApiKey
from cordboard.domain.numbers import NumberId
from cordboard.domain.trunks import Trunk, TrunkId
from cordboard.storage import numbers
from cordboard.storage.numbers import Filter
from cordboard.usecases import trunks
from cordboard.usecases.keys import Keyholders
from cordboard.usecases.numbers import connect
from cordboard.usecases.ports import Context


class SipTrunks:
    """The operations on trunks, each in the name of the key that was shown."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    async def list(self, request: Request, key: ApiKey) -> Response:
        limit = parse_query(request, wire.ListQuery).limit
        found = await self._store.read(partial(trunks.visible, tenant=key.tenant, limit=limit))
        return reply([wire.sip_trunk(trunk) for trunk in found])

    async def create(self, request: Request, key: ApiKey) -> Response:
        body = await parse_body(request, wire.NewSipTrunk, self._context.hosts)
        made = await self._store.write(
            key.tenant,
            partial(
                trunks.create,
                who=key.actor,
                now=self._context.clock(),
                id=TrunkId(self._context.new_id()),
                tenant=key.tenant,
                name=body.name,
                rest=body.rest(),
                sealer=self._context.sealer,
            ),
        )
        return reply(wire.sip_trunk(made), 201)

    async def get(self, request: Request, key: ApiKey) -> Response:
        find = partial(trunks.see, tenant=key.tenant, id=_trunk_id(request))
        return reply(wire.sip_trunk(await self._store.read(find)))

    async def update(self, request: Request, key: ApiKey) -> Response:
        before = await self._changeable(request, key)
        body = await parse_body(request, wire.SipTrunkUpdate, self._context.hosts)
        changed = await self._store.write(
            key.tenant,
            partial(
                trunks.update,
                who=key.actor,
                now=self._context.clock(),
                id=before.id,
                patch=body.patch(before),
                sealer=self._context.sealer,
                tenant=key.tenant,
            ),
        )
        return reply(wire.sip_trunk(changed))

    async def delete(self, request: Request, key: ApiKey) -> Response:
        await self._store.write(
            key.tenant,
            partial(trunks.delete, who=key.actor, now=self._context.clock(), id=_trunk_id(request), tenant=key.tenant),
        )
        return Response(status_code=204)

    async def _changeable(self, request: Request, key: ApiKey) -> Trunk:
        """The trunk, before its body is looked at. Raises UnknownTrunk, SystemTrunk."""
        return await self._store.read(partial(trunks.changeable, tenant=key.tenant, id=_trunk_id(request)))


class PhoneNumbers:
    """The operations on numbers, each in the name of the key that was shown."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    async def list(self, request: Request, key: ApiKey) -> Response:
        limit = parse_query(request, wire.ListQuery).limit
        newest = partial(
            numbers.after_cursor,
            where=Filter(tenant=key.tenant),
            order="desc",
            limit=limit,
            cursor=None,
            backwards=False,
        )
        found = await self._store.read(newest)
        return reply([wire.phone_number(row) for row in found])

    async def get(self, request: Request, key: ApiKey) -> Response:
        find = partial(numbers.show, tenant=key.tenant, id=_number_id(request))
        return reply(wire.phone_number(await self._store.read(find)))

    async def update(self, request: Request, key: ApiKey) -> Response:
        id = _number_id(request)
        await self._store.read(partial(numbers.get, tenant=key.tenant, id=id))  # 404 goes before 400
        body = await parse_body(request, wire.PhoneNumberUpdate)
        changed = await self._store.write(
            key.tenant,
            partial(
                connect,
                who=key.actor,
                tenant=key.tenant,
                id=id,
                connection=body.connection(),
                now=self._context.clock(),
            ),
        )
        return reply(wire.phone_number(changed))


def _trunk_id(request: Request) -> TrunkId:
    """The id in the path. Raises UnknownTrunk if it cannot be one."""
    return TrunkId(_id(request, UnknownTrunk))


def _number_id(request: Request) -> NumberId:
    """The id in the path. Raises UnknownNumber if it cannot be one."""
    return NumberId(_id(request, UnknownNumber))


def _id(request: Request, unknown: type[NotFound]) -> str:
    text: str = request.path_params["id"]
    try:
        if str(UUID(text)) != text.lower():
            raise unknown(text)
    except ValueError as error:
        raise unknown(text) from error
    return text.lower()


def app(context: Context, keyholders: Keyholders, version: str) -> ASGIApp:
    """The dialect as one app, to be mounted at PREFIX."""
    listed = operations(SipTrunks(context), PhoneNumbers(context))
    described = partial(
        document,
        listed,
        title="Cordboard: Nebrija trunk API",
        version=version,
        description="SIP trunks and the numbers on them in the words of Nebrija's public API.",
        scheme="Bearer",
    )

    return dialect(listed, described, prefix=PREFIX, authorise=by_key(keyholders), respond=respond)
