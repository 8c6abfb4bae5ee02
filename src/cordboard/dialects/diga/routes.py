"""Diga's phone API: each operation parses, calls one use case, presents."""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from cordboard.dialects.app import by_key, dialect
from cordboard.dialects.diga import wire
from cordboard.dialects.diga.errors import Error, Unprocessable, respond
from cordboard.dialects.http import parse_body, parse_path, parse_query, reply
from cordboard.dialects.openapi import Answer, Operation, document
from cordboard.domain.keys import ApiKey
from cordboard.domain.numbers import NumberId
from cordboard.domain.trunks import TrunkId
from cordboard.storage import numbers
from cordboard.usecases.keys import Keyholders
from cordboard.usecases.numbers import import_number, release, update_number, update_trunk
from cordboard.usecases.pages import page_of_numbers
from cordboard.usecases.ports import Context

PREFIX = "/v1"


class Phones:
    """The operations on phones, each in the name of the key that was shown."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    async def list(self, request: Request, key: ApiKey) -> Response:
        query = parse_query(request, wire.PhoneQuery).checked()
        page = await self._store.read(partial(page_of_numbers, where=query.filter(key.tenant), asked=query))
        return reply(wire.phone_page(page))

    async def get(self, request: Request, key: ApiKey) -> Response:
        id = NumberId(str(parse_path(request, wire.PhonePath).phone_id))
        row = await self._store.read(partial(numbers.show, tenant=key.tenant, id=id))
        return reply(wire.phone(row))

    async def update(self, request: Request, key: ApiKey) -> Response:
        id = NumberId(str(parse_path(request, wire.PhonePath).phone_id))
        patch = (await parse_body(request, wire.PhoneUpdate)).command()
        row = await self._store.write(
            key.tenant,
            partial(update_number, who=key.actor, tenant=key.tenant, id=id, patch=patch, now=self._context.clock()),
        )
        return reply(wire.phone(row))

    async def update_sip_config(self, request: Request, key: ApiKey) -> Response:
        id = NumberId(str(parse_path(request, wire.PhonePath).phone_id))
        patch = (await parse_body(request, wire.SipConfigUpdate, self._context.hosts)).command()
        row = await self._store.write(
            key.tenant,
            partial(
                update_trunk,
                who=key.actor,
                tenant=key.tenant,
                id=id,
                patch=patch,
                trunk_id=TrunkId(self._context.new_id()),
                sealer=self._context.sealer,
                now=self._context.clock(),
            ),
        )
        return reply(wire.phone(row))

    async def release(self, request: Request, key: ApiKey) -> Response:
        id = NumberId(str(parse_path(request, wire.ReleasePath).id))
        await self._store.write(
            key.tenant,
            partial(release, who=key.actor, tenant=key.tenant, id=id, now=self._context.clock()),
        )
        return Response(status_code=204)

    async def import_(self, request: Request, key: ApiKey) -> Response:
        body = await parse_body(request, wire.PhoneImport, self._context.hosts)
        row = await self._store.write(
            key.tenant,
            partial(
                import_number,
                who=key.actor,
                tenant=key.tenant,
                new=body.command(self._context.new_id),
                sealer=self._context.sealer,
                now=self._context.clock(),
            ),
        )
        return reply(wire.phone(row))


_PHONE = Answer(description="Successful Response", body=wire.Phone)
_ALWAYS = {
    401: Answer(description="Invalid or missing API key", body=Error),
    403: Answer(description="Missing required permissions", body=Error),
    422: Answer(description="Validation Error", body=Unprocessable),
    500: Answer(description="An internal server error occurred", body=Error),
    503: Answer(description="Too busy, or stored and not yet applied; try again", body=Error),
}
_MISSING = Answer(description="No such phone, or no such agent version", body=Error)
_REFUSED = Answer(description="The phone's or the version's state does not allow it", body=Error)
_TOO_LARGE = Answer(description="The body is larger than 1 MiB", body=Error)


def operations(phones: Phones) -> list[Operation]:
    """Every operation, in the order of the vendor's pages. Fixed paths stand before those with an id."""
    reads = {**_ALWAYS, 400: Answer(description="A value that names nothing", body=Error)}
    one = {200: _PHONE, **_ALWAYS, 404: _MISSING}
    changes = {**one, 400: _REFUSED, 413: _TOO_LARGE}
    return [
        Operation(
            method="POST",
            path="/v1/phone/import",
            name="import_phone_number",
            summary="Import a phone number from an external SIP provider",
            handler=phones.import_,
            permission="phones.import",
            body=wire.PhoneImport,
            answers={
                200: _PHONE,
                **_ALWAYS,
                409: Answer(description="The number is in use already", body=Error),
                413: _TOO_LARGE,
            },
        ),
        Operation(
            method="GET",
            path="/v1/phone/",
            also=("/v1/phone",),
            name="list_phones",
            summary="List phones",
            handler=phones.list,
            permission="phones.view",
            query=wire.PhoneQuery,
            answers={200: Answer(description="Successful Response", body=wire.PhonePage), **reads},
        ),
        Operation(
            method="GET",
            path="/v1/phone/{phone_id}",
            name="get_phone",
            summary="Get one phone",
            handler=phones.get,
            permission="phones.view",
            path_model=wire.PhonePath,
            answers=one,
        ),
        Operation(
            method="PATCH",
            path="/v1/phone/{phone_id}",
            name="update_phone",
            summary="Rename a phone, or assign versions of agents to it",
            handler=phones.update,
            permission="phones.update",
            path_model=wire.PhonePath,
            body=wire.PhoneUpdate,
            answers=changes,
        ),
        Operation(
            method="PATCH",
            path="/v1/phone/{phone_id}/sip-config",
            name="update_sip_config",
            summary="Update the SIP trunk of an imported phone",
            handler=phones.update_sip_config,
            permission="phones.update",
            path_model=wire.PhonePath,
            body=wire.SipConfigUpdate,
            answers=changes,
        ),
        Operation(
            method="DELETE",
            path="/v1/phone/{id}",
            name="release_phone_number",
            summary="Release a phone number",
            handler=phones.release,
            permission="phones.delete",
            path_model=wire.ReleasePath,
            answers={204: Answer(description="Released"), **_ALWAYS, 400: _REFUSED, 404: _MISSING},
        ),
    ]


def app(context: Context, keyholders: Keyholders, version: str) -> ASGIApp:
    """The dialect as one app, to be mounted at PREFIX."""
    listed = operations(Phones(context))
    described = partial(
        document,
        listed,
        title="Cordboard: Diga phone API",
        version=version,
        description="Phone numbers in the words of Diga's public API.",
        scheme="CustomHTTPBearer",
    )

    return dialect(listed, described, prefix=PREFIX, authorise=by_key(keyholders), respond=respond)
