"""Schedules of verifications in the store."""

import json
from datetime import datetime

from cordboard.domain.errors import UnknownSchedule
from cordboard.domain.tenants import TenantId
from cordboard.domain.times import from_wire, to_wire
from cordboard.domain.verifications import Schedule, ScheduleId, Subject
from cordboard.storage.listing import Listed, Where, Window, window
from cordboard.storage.transaction import Row, Transaction

_COLUMNS = "id, tenant_id, kind, subject_id, subject_name, steps, minutes, next_at, actor, created_at"
_LISTED = Listed(table="verification_schedule", time="created_at", columns=_COLUMNS)
_PUT = f"""
insert into verification_schedule ({_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (kind, subject_id) do update set id = excluded.id, tenant_id = excluded.tenant_id,
    subject_name = excluded.subject_name, steps = excluded.steps, minutes = excluded.minutes,
    next_at = excluded.next_at, actor = excluded.actor, created_at = excluded.created_at
"""
_BY_ID = f"select {_COLUMNS} from verification_schedule where id = $1"
#: Of each tenant the first, then of each the second: however many one has, the others have their turns.
_DUE = f"""
select {_COLUMNS} from (
    select {_COLUMNS}, row_number() over (partition by tenant_id order by next_at, id) as turn
    from verification_schedule where next_at <= $1
) as waiting
order by turn, next_at, id limit $2
"""
#: By one alone of those who have seen the same.
_CLAIM = "update verification_schedule set next_at = $3 where id = $1 and next_at = $2 returning id"
_DELETE = "delete from verification_schedule where id = $1"


async def put(tx: Transaction, made: Schedule) -> None:
    """In place of the one that the subject had."""
    subject = made.subject
    await tx.run(
        _PUT,
        *(made.id, subject.tenant, subject.kind, subject.id, subject.name),
        *(None if made.steps is None else json.dumps(made.steps), made.minutes, to_wire(made.next_at)),
        *(made.by, to_wire(made.created_at)),
    )


async def get(tx: Transaction, id: ScheduleId) -> Schedule:
    """Raises UnknownSchedule."""
    row = await tx.one(_BY_ID, id)
    if row is None:
        raise UnknownSchedule(id)
    return schedule_of(row)


async def page(tx: Transaction, tenant: TenantId | None, after: str | None, limit: int) -> Window:
    """A tenant's, or everybody's, newest first. Raises UnknownCursor."""
    return await window(tx, _LISTED, Where(), (), after, limit, own=("tenant_id = {}", tenant))


async def due(tx: Transaction, now: datetime, limit: int) -> list[Schedule]:
    """Those whose time has come, one of each tenant after the other, the longest due first."""
    return [schedule_of(row) for row in await tx.all(_DUE, to_wire(now), limit)]


async def claim(tx: Transaction, one: Schedule, next_at: datetime) -> bool:
    """Take a turn of it; False if another process has."""
    return await tx.one(_CLAIM, one.id, to_wire(one.next_at), to_wire(next_at)) is not None


async def remove(tx: Transaction, id: ScheduleId) -> None:
    await tx.run(_DELETE, id)


def schedule_of(row: Row) -> Schedule:
    tenant = row["tenant_id"]
    return Schedule(
        id=ScheduleId(row["id"]),
        subject=Subject(
            kind=row["kind"],
            id=row["subject_id"],
            name=row["subject_name"],
            tenant=None if tenant is None else TenantId(tenant),
        ),
        steps=None if row["steps"] is None else tuple(json.loads(row["steps"])),
        minutes=row["minutes"],
        next_at=from_wire(row["next_at"]),
        by=row["actor"],
        created_at=from_wire(row["created_at"]),
    )
