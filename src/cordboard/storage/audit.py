"""Reading the log of changes, newest first: who changed what."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from cordboard.domain.times import from_wire, to_wire
from cordboard.storage.listing import WINDOW, Where
from cordboard.storage.transaction import Row, Transaction

_COLUMNS = "seq, tenant_id, kind, object_id, actor, action, fields, at"
_NEWEST = "select coalesce(max(seq), 0) as newest from audit"
_FROM = "select seq, at from audit where seq >= $1 order by seq limit 1"
#: By how much the clocks of processes may differ, and so entries stand out of the order of their instants.
SLACK: Final = timedelta(minutes=2)


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditFilter:
    """Which entries are wanted; None is all. The later instant is not included."""

    tenant: str | None = None
    object: str | None = None
    kind: str | None = None
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One change of one object."""

    id: int
    at: datetime
    actor: str
    action: str
    kind: str
    object: str
    tenant: str | None
    #: Field to [from, to]; a secret is ["set"] or ["cleared"].
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Entries:
    """Some entries; `next` is the cursor at which the list goes on, None at its end."""

    entries: list[Entry]
    next: int | None


async def page(tx: Transaction, where: AuditFilter, after: int | None, limit: int) -> Entries:
    """At most `limit` of the next WINDOW entries of that object or tenant, or of all, beyond the entry `after`."""
    near = Where()
    if where.object is not None:
        near.add("object_id = {}", where.object)
    elif where.tenant is not None:
        near.add("tenant_id = {}", where.tenant)
    if after is not None:
        near.add("seq < {}", after)
    if where.until is not None:
        near.add("seq < {}", await _first_at(tx, where.until + SLACK))
    if where.since is not None:
        near.add("seq >= {}", await _first_at(tx, where.since - SLACK))
    inner = f"select {_COLUMNS} from audit {near} order by seq desc"
    within = tuple(near.args)
    far = Where(args=near.args)
    for column, value in (("tenant_id", where.tenant), ("kind", where.kind), ("actor", where.actor)):
        if value is not None:
            far.add(f"{column} = {{}}", value)
    if where.since is not None:
        far.add("at >= {}", to_wire(where.since))
    if where.until is not None:
        far.add("at < {}", to_wire(where.until))
    sql = f"select {_COLUMNS} from ({inner} limit {WINDOW}) as near {far} order by seq desc limit {far.bind(limit + 1)}"
    rows = await tx.all(sql, *far.args)
    found = [_entry(row) for row in rows[:limit]]
    if len(rows) > limit:
        return Entries(found, found[-1].id)
    last = await tx.one(f"select seq from ({inner} limit 1 offset {WINDOW - 1}) as last", *within)
    return Entries(found, None if last is None else last["seq"])


async def _first_at(tx: Transaction, instant: datetime) -> int:
    """Where the entries from that instant on begin. Entries stand in the order of their instants, or nearly so: it is
    found by halves, without an index that each write would pay for."""
    newest = await tx.one(_NEWEST)
    assert newest is not None
    before, here, wanted = 0, newest["newest"] + 1, to_wire(instant)
    while here - before > 1:
        middle = (before + here) // 2
        row = await tx.one(_FROM, middle)
        if row is None or row["at"] >= wanted:
            here = middle
        else:
            before = row["seq"]
    return int(here)


def _entry(row: Row) -> Entry:
    return Entry(
        id=row["seq"],
        at=from_wire(row["at"]),
        actor=row["actor"],
        action=row["action"],
        kind=row["kind"],
        object=row["object_id"],
        tenant=row["tenant_id"],
        fields=json.loads(row["fields"]),
    )
