"""The native API's API keys of tenants."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel
from starlette.requests import Request
from starlette.responses import Response

from cordboard.dialects.http import parse_body, parse_path, parse_query, reply
from cordboard.dialects.native import wire
from cordboard.dialects.native.operation import OPERATOR, NativeOperation, read, write
from cordboard.dialects.native.preview import PREVIEWED, DryRun, is_dry, preview
from cordboard.domain.errors import UnknownKey
from cordboard.domain.keys import ApiKey, KeyId, check_permissions, new_key
from cordboard.domain.tenants import Actor
from cordboard.domain.times import to_wire
from cordboard.storage import keys as stored
from cordboard.usecases import keys, previews
from cordboard.usecases.access import Access
from cordboard.usecases.keys import Keyholders
from cordboard.usecases.ports import Context


def _permissions(values: list[str]) -> list[str]:
    return list(check_permissions(values))


class NewKey(wire.Body):
    """An API key to create; no permissions (null) is unrestricted."""

    name: wire.Name | None = None
    permissions: Annotated[list[str], AfterValidator(_permissions)] | None = None


class KeyPath(BaseModel):
    """Path of one key."""

    key_id: UUID


class KeyShown(BaseModel):
    """An API key; `key` is there once, in the answer to its creation."""

    id: UUID
    tenant_id: UUID
    name: str | None
    permissions: list[str] | None
    last_four_digits: str
    created_at: datetime
    key: str | None = None


class Keys(BaseModel):
    """A tenant's keys, oldest first; `next` is the `after` of the following page, or null at the end."""

    data: list[KeyShown]
    next: UUID | None


class KeyViews:
    """Operations on a tenant's keys. No key makes or shows another one."""

    def __init__(self, context: Context, access: Access, keyholders: Keyholders) -> None:
        self._context = context
        self._store = context.store
        self._access = access
        self._keyholders = keyholders

    async def create(self, request: Request, who: Actor) -> Response:
        body = await parse_body(request, NewKey)
        tenant, secret = await self._access.of(who, wire.tenant_id(request)), new_key()
        made = await self._store.write(
            tenant,
            partial(
                keys.create,
                who=who,
                now=self._context.clock(),
                id=KeyId(self._context.new_id()),
                tenant=tenant,
                secret=secret,
                name=body.name,
                permissions=body.permissions,
            ),
        )
        return reply(key(made, secret), 201)

    async def page(self, request: Request, who: Actor) -> Response:
        query = parse_query(request, wire.ListQuery)
        tenant = await self._access.of(who, wire.tenant_id(request))
        after = None if query.after is None else KeyId(str(query.after))
        page = partial(stored.of_tenant, tenant=tenant, after=after, limit=query.limit + 1)
        return reply(wire.page_of(await self._store.read(page), query.limit, key, "id"))

    async def get(self, request: Request, who: Actor) -> Response:
        return reply(key(await self._key(request, who)))

    async def revoke(self, request: Request, who: Actor) -> Response:
        found = await self._key(request, who)
        revoke = partial(keys.revoke, who=who, now=self._context.clock(), id=found.id)
        if is_dry(request):
            return await preview(self._store, None, revoke, previews.of_key)
        self._keyholders.forget(await self._store.write(None, revoke))
        return Response(status_code=204)

    async def _key(self, request: Request, who: Actor) -> ApiKey:
        id = KeyId(str(parse_path(request, KeyPath).key_id))
        found = await self._store.read(partial(stored.get, id=id))
        await self._access.require(who, found.tenant, UnknownKey(id))
        return found


def key(shown: ApiKey, secret: str | None = None) -> dict[str, Any]:
    """`secret` is the key itself, in the answer to its creation alone."""
    made = {
        "id": shown.id,
        "tenant_id": shown.tenant,
        "name": shown.name,
        "permissions": shown.permissions,
        "last_four_digits": shown.last_four,
        "created_at": to_wire(shown.created_at),
    }
    return made if secret is None else {**made, "key": secret}


def operations(views: KeyViews) -> list[NativeOperation]:
    """Every operation on keys."""
    return [
        write(
            "POST /tenants/{tenant_id}/keys",
            "create_key",
            "Create an API key; it is shown this once",
            views.create,
            201,
            KeyShown,
            path_model=wire.TenantPath,
            body=NewKey,
            least=OPERATOR,
        ),
        read(
            "GET /tenants/{tenant_id}/keys",
            "list_keys",
            "List a tenant's API keys",
            views.page,
            Keys,
            path_model=wire.TenantPath,
            query=wire.ListQuery,
            also_said=(400,),
            least=OPERATOR,
        ),
        read(
            "GET /keys/{key_id}",
            "get_key",
            "Get one API key, by its last four digits",
            views.get,
            KeyShown,
            path_model=KeyPath,
            least=OPERATOR,
        ),
        write(
            "DELETE /keys/{key_id}",
            "revoke_key",
            "Revoke an API key",
            views.revoke,
            204,
            None,
            path_model=KeyPath,
            query=DryRun,
            also_done=PREVIEWED,
            least=OPERATOR,
        ),
    ]
