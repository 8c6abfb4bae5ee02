"""The native API's answer to who calls."""

from functools import partial
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from cordboard.dialects.http import reply
from cordboard.dialects.native.operation import NativeOperation, read
from cordboard.domain.tenants import Actor
from cordboard.storage import operators, tenants
from cordboard.usecases.ports import Store


class Me(BaseModel):
    """Who calls."""

    kind: Literal["administrator", "operator", "tenant"]
    name: str
    tenant_id: UUID | None = Field(description="Of a key, whose it is")
    operator_id: UUID | None
    permissions: list[str] | None = Field(description="What a key is restricted to; null: nothing")


class Callers:
    """The operation that tells callers who they are."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, request: Request, who: Actor) -> Response:
        return reply({**await self._named(who), "permissions": who.permissions})

    async def _named(self, who: Actor) -> dict[str, Any]:
        if who.tenant is not None:
            tenant = await self._store.read(partial(tenants.get, id=who.tenant))
            return {"kind": "tenant", "name": tenant.name, "tenant_id": tenant.id, "operator_id": None}
        if who.operator is not None:
            operator = await self._store.read(partial(operators.find, ref=who.operator))
            return {"kind": "operator", "name": operator.name, "tenant_id": None, "operator_id": operator.id}
        return {"kind": "administrator", "name": "Administrator", "tenant_id": None, "operator_id": None}


def operations(callers: Callers) -> list[NativeOperation]:
    """The one operation on who calls."""
    return [read("GET /me", "get_me", "Who calls: whose credentials these are", callers.get, Me, unrestricted=True)]
