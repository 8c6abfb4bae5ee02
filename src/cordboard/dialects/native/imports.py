"""The native API's imports of many numbers."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from cordboard.dialects.http import parse_body, parse_path, parse_query, read_body, reply
from cordboard.dialects.native import wire
from cordboard.dialects.native.import_rows import rows_of
from cordboard.dialects.native.operation import NativeOperation, read, write
from cordboard.domain.errors import InvalidRows, UnknownImport
from cordboard.domain.imports import (
    MAX_SLOW_ROWS,
    Choices,
    Format,
    ImportId,
    NumberImport,
    OnConflict,
    Outcome,
    Row,
    Told,
)
from cordboard.domain.tenants import Actor
from cordboard.domain.times import opt_to_wire, to_wire
from cordboard.storage import imports as stored
from cordboard.usecases import imports
from cordboard.usecases.access import Access
from cordboard.usecases.imports import Rows
from cordboard.usecases.ports import Context, new_ordered_uuid


class NewImport(wire.Body):
    """An import to begin; trunk and agents, by id or name, are those of rows that name none."""

    tenant_id: UUID | None = None
    format: Format = Format.CSV
    on_conflict: OnConflict = Field(
        default=OnConflict.FAIL,
        description="What becomes of a row whose number the tenant has already: told as failed, left out, or changed",
    )
    dry_run: bool = Field(default=False, description="Everything is checked and told, and nothing imported")
    trunk: wire.Name | None = None
    inbound_agent: wire.Name | None = None
    outbound_agent: wire.Name | None = None
    source: wire.Name | None = Field(
        default=None,
        description="What the rows are of, such as a file's digest: an open import of the same source with the same "
        "choices is answered instead of a new one, and goes on at its position",
    )

    def choices(self) -> Choices:
        return Choices(**{name: getattr(self, name) for name in Choices.__dataclass_fields__})


class ImportPath(BaseModel):
    """Path of one import."""

    import_id: UUID


class ImportQuery(BaseModel):
    """The imports of one tenant, newest first; a key's own if it names none."""

    tenant_id: UUID | None = None
    after: UUID | None = None
    limit: int = Field(default=100, ge=1, le=1000)


class RowsQuery(BaseModel):
    """Where the rows stand that are sent."""

    from_: Annotated[int, Field(ge=0, le=2**31 - 1)] = Field(
        alias="from", description="How many rows are done with: the import's position"
    )
    last: bool = Field(default=False, description="Whether the import is finished with them")


class ReportQuery(BaseModel):
    """Which part of a report is wanted."""

    after: int = Field(default=0, ge=0, le=2**31 - 1, description="The `next` of the page before")
    limit: int = Field(default=100, ge=1, le=1000)
    failed: bool = Field(default=False, description="Only rows that failed")


class ImportShown(BaseModel):
    """An import, how far it is, and how many rows had each outcome."""

    id: UUID
    tenant_id: UUID
    format: Format
    on_conflict: OnConflict
    dry_run: bool
    trunk: str | None
    inbound_agent: str | None
    outbound_agent: str | None
    source: str | None
    position: int
    imported: int
    updated: int
    unchanged: int
    skipped: int
    failed: int
    max_rows: int
    #: Those of a piece's rows that have SIP settings of their own.
    max_own_trunks: int
    created_at: datetime
    finished_at: datetime | None


class ProblemShown(BaseModel):
    """Why a row failed, and what to do."""

    column: str | None
    detail: str
    remedy: str


class RowShown(BaseModel):
    """What became of a row; `row` counts from 1, a CSV's header included."""

    row: int
    number: str | None
    outcome: Outcome
    number_id: UUID | None
    problems: list[ProblemShown]


class Imports(BaseModel):
    """Some imports; `next` is the `after` of the following page, or null at the end."""

    data: list[ImportShown]
    next: UUID | None


class Report(BaseModel):
    """Some rows; `next` is the `after` of the following page, or null at the end."""

    data: list[RowShown]
    next: int | None


class ImportViews:
    """Operations on imports."""

    def __init__(self, context: Context, access: Access) -> None:
        self._context = context
        self._store = context.store
        self._access = access

    async def begin(self, request: Request, who: Actor) -> Response:
        body = await parse_body(request, NewImport)
        tenant, id = await self._access.of(who, body.tenant_id), ImportId(self._context.new_id())
        begin = partial(imports.begin, now=self._context.clock(), id=id, tenant=tenant, choices=body.choices())
        found, new = await self._store.write(tenant, begin)
        return reply(self._shown(found), 201 if new else 200)

    async def feed(self, request: Request, who: Actor) -> Response:
        query, found = parse_query(request, RowsQuery), await self._import(request, who)
        body = await read_body(request)
        # in a thread of its own: other requests are not held up while a thousand rows are read
        rows = await asyncio.to_thread(rows_of, body, found.choices.format, self._context.hosts, new_ordered_uuid)
        self._check_count(rows, found)
        given = Rows(position=query.from_, rows=rows, last=query.last)
        return reply(self._shown(await imports.feed(self._context, who, found.tenant, found.id, given)))

    def _check_count(self, rows: Sequence[Row | Told], found: NumberImport) -> None:
        """Raises InvalidRows."""
        most = found.choices.max_rows(self._context.import_rows)
        if len(rows) > most:
            raise InvalidRows(f"{len(rows)} rows at once; at most {most} are possible")
        own = sum(isinstance(row, Row) and row.own is not None for row in rows)
        if own > MAX_SLOW_ROWS:
            raise InvalidRows(f"{own} rows with a trunk of their own at once; at most {MAX_SLOW_ROWS} are possible")

    async def page(self, request: Request, who: Actor) -> Response:
        query = parse_query(request, ImportQuery)
        tenant = await self._access.of(who, query.tenant_id)
        after = None if query.after is None else ImportId(str(query.after))
        found = await self._store.read(partial(stored.of_tenant, tenant=tenant, after=after, limit=query.limit + 1))
        data = [self._shown(each) for each in found[: query.limit]]
        return reply({"data": data, "next": data[-1]["id"] if len(found) > query.limit else None})

    async def get(self, request: Request, who: Actor) -> Response:
        return reply(self._shown(await self._import(request, who)))

    async def report(self, request: Request, who: Actor) -> Response:
        query, found = parse_query(request, ReportQuery), await self._import(request, who)
        first = found.choices.format.first_row
        page = partial(
            stored.rows, id=found.id, after=query.after - first, limit=query.limit + 1, failed_only=query.failed
        )
        rows = await self._store.read(page)
        data = [_row(place + first, told) for place, told in rows[: query.limit]]
        return reply({"data": data, "next": data[-1]["row"] if len(rows) > query.limit else None})

    async def delete(self, request: Request, who: Actor) -> Response:
        found = await self._import(request, who)
        await imports.remove(self._context, found.tenant, found.id)
        return Response(status_code=204)

    async def _import(self, request: Request, who: Actor) -> NumberImport:
        id = ImportId(str(parse_path(request, ImportPath).import_id))
        found = await self._store.read(partial(stored.get, tenant=None, id=id))
        await self._access.require(who, found.tenant, UnknownImport(id))
        return found

    def _shown(self, shown: NumberImport) -> dict[str, Any]:
        choices = {name: getattr(shown.choices, name) for name in Choices.__dataclass_fields__}
        return {
            "id": shown.id,
            "tenant_id": shown.tenant,
            **choices,
            "position": shown.position,
            **{outcome: shown.counts.get(outcome, 0) for outcome in Outcome},
            "max_rows": shown.choices.max_rows(self._context.import_rows),
            "max_own_trunks": min(MAX_SLOW_ROWS, self._context.import_rows),
            "created_at": to_wire(shown.created_at),
            "finished_at": opt_to_wire(shown.finished_at),
        }


def _row(row: int, told: Told) -> dict[str, Any]:
    return {
        "row": row,
        "number": told.number,
        "outcome": told.outcome,
        "number_id": told.number_id,
        "problems": [{"column": p.column, "detail": p.detail, "remedy": p.remedy} for p in told.problems],
    }


def operations(views: ImportViews) -> list[NativeOperation]:
    """Every operation on imports."""
    path, permission = ImportPath, "phones.import"
    return [
        write(
            "POST /imports",
            "begin_import",
            "Begin an import of numbers, or find the one to go on with",
            views.begin,
            201,
            ImportShown,
            body=NewImport,
            permission=permission,
            also_done={200: ("Begun before, and not finished", ImportShown)},
        ),
        read(
            "GET /imports",
            "list_imports",
            "List a tenant's imports",
            views.page,
            Imports,
            query=ImportQuery,
            also_said=(400,),
            permission=permission,
        ),
        read(
            "GET /imports/{import_id}",
            "get_import",
            "Get one import",
            views.get,
            ImportShown,
            path_model=path,
            permission=permission,
        ),
        write(
            "PUT /imports/{import_id}/rows",
            "import_rows",
            "Take in rows, all of them or none: CSV with its header, or a JSON object a line",
            views.feed,
            200,
            ImportShown,
            path_model=path,
            query=RowsQuery,
            text=("text/csv", "application/x-ndjson"),
            permission=permission,
        ),
        read(
            "GET /imports/{import_id}/rows",
            "import_report",
            "What became of each row",
            views.report,
            Report,
            path_model=path,
            query=ReportQuery,
            permission=permission,
        ),
        write(
            "DELETE /imports/{import_id}",
            "delete_import",
            "Forget an import and its report; the numbers stay",
            views.delete,
            204,
            None,
            path_model=path,
            permission=permission,
        ),
    ]
