"""`?dry_run=true`: what a change would touch, with nothing changed."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from cordboard.dialects.http import parse_query, reply
from cordboard.domain.tenants import TenantId
from cordboard.storage.transaction import Query
from cordboard.usecases.ports import Store
from cordboard.usecases.previews import Touched
from cordboard.usecases.rehearsal import rehearse


class DryRun(BaseModel):
    """Whether it is meant."""

    dry_run: bool = Field(
        default=False, description="Only say what would be touched, or why it would be refused; nothing is changed"
    )


class Preview(BaseModel):
    """What would be touched; `first_numbers` are twenty of the numbers at most."""

    dry_run: bool
    numbers: int
    first_numbers: list[str]
    trunks: int
    agents: int
    accounts: int
    keys: int
    live_calls: int


#: How an operation with a DryRun in its query says that it may answer so.
PREVIEWED: Final[Mapping[int, tuple[str, type[BaseModel]]]] = {200: ("With `dry_run`: what it would touch", Preview)}


def is_dry(request: Request) -> bool:
    return parse_query(request, DryRun).dry_run


async def preview(store: Store, tenant: TenantId | None, usecase: Query[Any], touched: Query[Touched]) -> Response:
    """The use case is run and taken back, so what it would raise is raised; then what it would touch is told."""
    await rehearse(store, tenant, usecase)
    found = await store.read(touched)
    return reply({"dry_run": True, **asdict(found)})
