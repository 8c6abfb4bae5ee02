"""The log of changes: the audit trail, and what the engines follow."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from cordboard.domain.tenants import Actor, TenantId
from cordboard.domain.times import to_wire
from cordboard.storage.following import Followed
from cordboard.storage.transaction import Transaction, Value

Kind = Literal["tenant", "operator", "key", "agent", "version", "trunk", "number", "account", "webhook"]
#: Field name to [from, to]. A secret appears as ["set"] or ["cleared"], never as itself.
Fields = dict[str, Any]

_COLUMNS = "tenant_id, kind, object_id, actor, action, fields, at"
_TABLE = "change"
_RECORD_ONE = f"insert into {_TABLE} ({_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7)"
#: The same of many objects at once.
_RECORD_EACH = f"""
insert into change ({_COLUMNS})
select tenant_id, $1, id, $2, $3, $4, $5 from {{rows}}
"""
#: In order of revision, so that an engine's mark never passes a change that it has not seen.
_AFTER = "select revision, kind, object_id from change where revision > $1 order by revision"
#: PostgreSQL alone. A transaction older than the horizon is over, so nothing below it can still appear.
_SINCE = """
select revision, kind, object_id, pg_snapshot_xmin(pg_current_snapshot())::text::bigint as horizon
from change where revision >= $1 order by revision
"""
#: What is told of changes as events.
FOLLOWED = Followed(table="change", columns=_COLUMNS)
_HORIZON = "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as horizon"
_NEWEST = "select coalesce(max(revision), 0) as newest from change"
_EPOCH = "select epoch from installation"
_HOLD = "update installation set epoch = epoch where id = 1"

_encoded = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """That something about an object is new as of a revision."""

    revision: int
    kind: Kind
    id: str


async def hold(tx: Transaction) -> None:
    """Until this transaction ends, no other one that holds goes on: what is read after this stays so."""
    await tx.run(_HOLD)


async def record(
    tx: Transaction,
    who: Actor,
    now: datetime,
    kind: Kind,
    id: str,
    action: str,
    *,
    tenant: TenantId | None,
    fields: Fields,
) -> None:
    """Write one entry, in the transaction that makes the change."""
    await tx.run(_RECORD_ONE, tenant, kind, id, who.name, action, _encoded(fields), to_wire(now))


async def record_many(
    tx: Transaction,
    who: Actor,
    now: datetime,
    kind: Kind,
    action: str,
    entries: Iterable[tuple[str, TenantId | None, Fields]],
) -> None:
    """Write an entry for each object: its id, its tenant, its fields."""
    at = to_wire(now)
    rows = [(tenant, kind, id, who.name, action, _encoded(fields), at) for id, tenant, fields in entries]
    await tx.add(_TABLE, _COLUMNS, rows)


def recorded(sql: str, args: Sequence[Value]) -> Iterator[tuple[Kind, str]]:
    """The objects of which a statement writes entries, by kind and id; none if it is another statement."""
    if sql == _RECORD_ONE:
        yield from added(_TABLE, [args])


def added(table: str, rows: Sequence[Sequence[Value]]) -> Iterator[tuple[Kind, str]]:
    """The same of rows that are added to a table."""
    if table == _TABLE:
        for _, kind, id, *_ in rows:
            yield kind, str(id)  # type: ignore[misc]  # a Kind, of which the store knows nothing


async def record_each(
    tx: Transaction, who: Actor, now: datetime, kind: Kind, action: str, *, fields: Fields, rows: str, arg: str
) -> None:
    """Write the same entry for each of `rows`, a table and its WHERE, in which $6 is `arg`."""
    await tx.run(_RECORD_EACH.format(rows=rows), kind, who.name, action, _encoded(fields), to_wire(now), arg)


async def after(tx: Transaction, revision: int) -> list[Change]:
    """What has changed since `revision`, in order."""
    rows = await tx.all(_AFTER, revision)
    return [Change(revision=r["revision"], kind=r["kind"], id=r["object_id"]) for r in rows]


async def since(tx: Transaction, mark: int) -> tuple[list[Change], int]:
    """On PostgreSQL: the changes from `mark` on, and the mark to go on from; some are then read again, harmlessly."""
    rows = await tx.all(_SINCE, mark)
    found = [Change(revision=r["revision"], kind=r["kind"], id=r["object_id"]) for r in rows]
    return found, rows[0]["horizon"] if rows else mark


async def horizon(tx: Transaction) -> int:
    """On PostgreSQL: the oldest transaction that may still be running."""
    row = await tx.one(_HORIZON)
    assert row is not None
    return int(row["horizon"])


async def newest(tx: Transaction) -> int:
    """The newest revision, 0 before the first change."""
    row = await tx.one(_NEWEST)
    assert row is not None
    return int(row["newest"])


async def epoch(tx: Transaction) -> str:
    """The id of this installation's history: another one after a restore."""
    row = await tx.one(_EPOCH)
    assert row is not None
    return str(row["epoch"])


def difference(before: Mapping[str, object], after: Mapping[str, object]) -> Fields:
    """[from, to] of each field that differs; a missing side is None."""
    names = dict.fromkeys((*before, *after))
    return {n: [before.get(n), after.get(n)] for n in names if before.get(n) != after.get(n)}
