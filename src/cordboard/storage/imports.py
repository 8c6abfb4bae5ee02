"""Imports of numbers in the store: how far they are, and what became of each row."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from cordboard.domain.errors import UnknownCursor, UnknownImport
from cordboard.domain.imports import Choices, Format, ImportId, NumberImport, OnConflict, Outcome, Problem, Told
from cordboard.domain.tenants import TenantId
from cordboard.domain.times import from_wire, opt_from_wire, opt_to_wire, to_wire
from cordboard.storage.listing import Where
from cordboard.storage.many import find
from cordboard.storage.transaction import Row, Stale, Transaction

_CHOICES = "source, format, on_conflict, dry_run, trunk, inbound_agent, outbound_agent"
_COUNTS: Final = tuple(Outcome)
_COLUMNS = f"id, tenant_id, created_at, {_CHOICES}, position, {', '.join(_COUNTS)}, finished_at"
_INSERT = f"""
insert into number_import (id, tenant_id, created_at, {_CHOICES}, position, {", ".join(_COUNTS)})
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, 0, 0, 0, 0)
"""
_BY_ID = f"select {_COLUMNS} from number_import where id = $1"
#: The newest that is still open, of the same source and with the same choices.
_SAME = f"""
select {_COLUMNS} from number_import where tenant_id = $1 and source = $2 and finished_at is null
and format = $3 and on_conflict = $4 and dry_run = $5 and trunk is not distinct from $6
and inbound_agent is not distinct from $7 and outbound_agent is not distinct from $8
order by created_at desc, id desc limit 1
"""
#: Only from where the writer thought that it was.
_ADVANCE = f"""
update number_import set position = $3, {", ".join(f"{name} = ${at}" for at, name in enumerate(_COUNTS, 5))},
finished_at = $4 where id = $1 and position = $2 and finished_at is null
returning id
"""
_ROW = "import_id, place, number, outcome, number_id, problems"
#: By the numbers alone: SQLite takes an import for a few rows, and would read all of them.
_SEEN = """
select number, place from number_import_row
where number in ({places}) and import_id || '' = $1 and outcome <> 'failed'
"""
_REMOVE_FIRST = "delete from number_import_row where import_id = $1 and place < $2"
_REMOVE_ROWS = "delete from number_import_row where import_id = $1"
_REMOVE = "delete from number_import where id = $1"
_OF_TENANT = "select id from number_import where tenant_id = $1"
_OLD = "select id from number_import where created_at < $1 order by created_at limit $2"
_CURSOR = "select created_at from number_import where id = $1 and tenant_id = $2"


async def add(tx: Transaction, made: NumberImport) -> None:
    c = made.choices
    where = (c.source, c.format, c.on_conflict, int(c.dry_run), c.trunk, c.inbound_agent, c.outbound_agent)
    await tx.run(_INSERT, made.id, made.tenant, to_wire(made.created_at), *where)


async def get(tx: Transaction, tenant: TenantId | None, id: ImportId) -> NumberImport:
    """Of that tenant, or of any if None. Raises UnknownImport."""
    row = await tx.one(_BY_ID, id)
    if row is None or tenant not in (None, row["tenant_id"]):
        raise UnknownImport(id)
    return _import(row)


async def open_one(tx: Transaction, tenant: TenantId, choices: Choices) -> NumberImport | None:
    """The import of the same source that was begun with the same choices and is not finished."""
    c = choices
    if c.source is None:
        return None
    chosen = (c.format, c.on_conflict, int(c.dry_run), c.trunk, c.inbound_agent, c.outbound_agent)
    row = await tx.one(_SAME, tenant, c.source, *chosen)
    return None if row is None else _import(row)


async def of_tenant(tx: Transaction, tenant: TenantId, after: ImportId | None, limit: int) -> list[NumberImport]:
    """Newest first. Raises UnknownCursor."""
    where = Where()
    where.add("tenant_id = {}", tenant)
    if after is not None:
        cursor = await tx.one(_CURSOR, after, tenant)
        if cursor is None:
            raise UnknownCursor(after)
        where.add("(created_at, id) < ({}, {})", cursor[0], after)
    sql = f"select {_COLUMNS} from number_import {where} order by created_at desc, id desc limit {where.bind(limit)}"
    return [_import(row) for row in await tx.all(sql, *where.args)]


async def advance(tx: Transaction, before: NumberImport, after: NumberImport, told: Sequence[Told]) -> None:
    """Rows are done with. Raises Stale if another writer was there first."""
    counts = [after.counts.get(outcome, 0) for outcome in _COUNTS]
    finished = opt_to_wire(after.finished_at)
    if await tx.one(_ADVANCE, before.id, before.position, after.position, finished, *counts) is None:
        raise Stale
    rows = [
        (before.id, before.position + at, each.number, each.outcome, each.number_id, _problems_text(each.problems))
        for at, each in enumerate(told)
    ]
    await tx.add("number_import_row", _ROW, rows)


async def seen(tx: Transaction, id: ImportId, numbers: Collection[str]) -> dict[str, int]:
    """Which of the numbers stand in an earlier row that did not fail, and in which one."""
    return {row["number"]: row["place"] for row in await find(tx, _SEEN, sorted(numbers), id)}


async def rows(
    tx: Transaction, id: ImportId, after: int, limit: int, *, failed_only: bool = False
) -> list[tuple[int, Told]]:
    """The report from beyond the row `after`, counted from 0, in order."""
    failed = "and outcome = 'failed'" if failed_only else ""
    sql = f"select {_ROW} from number_import_row where import_id = $1 and place > $2 {failed} order by place limit $3"
    return [(row["place"], _told(row)) for row in await tx.all(sql, id, after, limit)]


async def remove_rows(tx: Transaction, id: ImportId, below: int) -> None:
    """The report's rows before that one."""
    await tx.run(_REMOVE_FIRST, id, below)


async def remove(tx: Transaction, id: ImportId) -> None:
    """The import and its report; the numbers stay."""
    await tx.run(_REMOVE_ROWS, id)
    await tx.run(_REMOVE, id)


async def remove_of_tenant(tx: Transaction, tenant: TenantId) -> None:
    for row in await tx.all(_OF_TENANT, tenant):
        await remove(tx, row["id"])


async def old(tx: Transaction, before: datetime, limit: int) -> list[ImportId]:
    """Imports that were begun before."""
    return [ImportId(row["id"]) for row in await tx.all(_OLD, to_wire(before), limit)]


def _import(row: Row) -> NumberImport:
    return NumberImport(
        id=ImportId(row["id"]),
        tenant=TenantId(row["tenant_id"]),
        choices=Choices(
            source=row["source"],
            format=Format(row["format"]),
            on_conflict=OnConflict(row["on_conflict"]),
            dry_run=bool(row["dry_run"]),
            trunk=row["trunk"],
            inbound_agent=row["inbound_agent"],
            outbound_agent=row["outbound_agent"],
        ),
        position=row["position"],
        counts={outcome: row[outcome] for outcome in _COUNTS},
        created_at=from_wire(row["created_at"]),
        finished_at=opt_from_wire(row["finished_at"]),
    )


def _problems_text(problems: Sequence[Problem]) -> str | None:
    return json.dumps([[p.column, p.detail, p.remedy] for p in problems]) if problems else None


def _told(row: Row) -> Told:
    return Told(
        number=row["number"],
        outcome=Outcome(row["outcome"]),
        number_id=row["number_id"],
        problems=tuple(Problem(*each) for each in json.loads(row["problems"] or "[]")),
    )
