"""The native API's search."""

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from cordboard.dialects.http import parse_query, reply
from cordboard.dialects.native.call_wire import Text
from cordboard.dialects.native.operation import NativeOperation, read
from cordboard.domain.search import Kind
from cordboard.domain.tenants import Actor
from cordboard.usecases.access import Access
from cordboard.usecases.ports import Context
from cordboard.usecases.search import search


def _trimmed(text: str) -> str:
    if not text.strip():
        raise ValueError("write at least one character that is no space")
    return text.strip()


class SearchQuery(BaseModel):
    """The beginning of a number, name, username or reference, or an id; of a tenant, or of all that the caller may
    see."""

    q: Annotated[Text, AfterValidator(_trimmed)]
    tenant_id: UUID | None = None


class HitShown(BaseModel):
    """Something that is called so, or begins so. `detail` is one thing more that tells it from others."""

    kind: Kind
    id: str
    name: str
    tenant_id: str | None
    detail: str | None


class Hits(BaseModel):
    """At most 20, by kind."""

    data: list[HitShown]
    more: bool = Field(description="Whether a longer text finds others")
    cut: bool = Field(
        description="Whether more of everybody's begins so than the 1,000 of a kind that are looked at: name a tenant; "
        "write a call's whole Call-ID"
    )


class SearchViews:
    """Looking for things."""

    def __init__(self, context: Context, access: Access) -> None:
        self._store = context.store
        self._access = access

    async def search(self, request: Request, who: Actor) -> Response:
        query = parse_query(request, SearchQuery)
        tenant = None
        if query.tenant_id is not None or who.operator is None:
            tenant = await self._access.tenant(who, query.tenant_id)
        found = await search(self._store, who, tenant, query.q)
        data = [
            {"kind": hit.kind, "id": hit.id, "name": hit.name, "tenant_id": hit.tenant, "detail": hit.detail}
            for hit in found.hits
        ]
        return reply({"data": data, "more": found.more, "cut": found.cut})


def operations(views: SearchViews) -> list[NativeOperation]:
    """The one operation."""
    return [
        read(
            "GET /search",
            "search",
            "Find numbers, trunks, accounts, agents, tenants and calls by how they begin",
            views.search,
            Hits,
            query=SearchQuery,
            unrestricted=True,
        )
    ]
