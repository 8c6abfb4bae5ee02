"""Verifications in the store. They name what may be gone, so nothing refers to anything."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from cordboard.domain.errors import UnknownVerification
from cordboard.domain.tenants import TenantId
from cordboard.domain.times import from_wire, opt_from_wire, opt_to_wire, to_wire
from cordboard.domain.verifications import State, Status, Step, Subject, Verification, VerificationId
from cordboard.storage.listing import Listed, Where, Window, window
from cordboard.storage.transaction import Row, Transaction

_COLUMNS = "id, tenant_id, kind, subject_id, subject_name, asked, state, status, steps, actor, started_at, finished_at"
_LISTED = Listed(table="verification", time="started_at", columns=_COLUMNS)
_INSERT = f"insert into verification ({_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
_BY_ID = f"select {_COLUMNS} from verification where id = $1"
_SAVE = "update verification set state = $2, status = $3, steps = $4, finished_at = $5 where id = $1"
#: The newest one of the same subject that is over and was before this one: not of another owner, as numbers have them.
_BEFORE = f"""
select {_COLUMNS} from verification
where kind = $1 and subject_id = $2 and (started_at, id) < ($3, $4) and state = 'finished'
  and tenant_id is not distinct from $5 {{same}}
order by started_at desc, id desc limit 1
"""
_INTERRUPT = """
update verification set state = 'interrupted', finished_at = $2 where state = 'running' and started_at < $1
"""
_INTERRUPT_ONE = "update verification set state = 'interrupted', finished_at = $2 where id = $1 and state = 'running'"
_BEYOND = """
delete from verification where id in (
  select id from verification where kind = $1 and subject_id = $2 order by started_at desc, id desc limit 1000 offset $3
)
"""
_OLD = """
delete from verification where id in (
  select id from verification where started_at < $1 order by started_at, id limit $2
)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class VerificationFilter:
    """Which are wanted."""

    tenant: str | None = None
    kind: str | None = None
    subject: str | None = None
    status: str | None = None


async def add(tx: Transaction, made: Verification) -> None:
    subject = made.subject
    await tx.run(
        _INSERT,
        *(made.id, subject.tenant, subject.kind, subject.id, subject.name, json.dumps(made.asked)),
        *(made.state, made.status, _steps_text(made), made.by, to_wire(made.started_at)),
        opt_to_wire(made.finished_at),
    )


async def save(tx: Transaction, after: Verification) -> None:
    """How far it is now."""
    await tx.run(_SAVE, after.id, after.state, after.status, _steps_text(after), opt_to_wire(after.finished_at))


async def get(tx: Transaction, id: VerificationId) -> Verification:
    """Raises UnknownVerification."""
    row = await tx.one(_BY_ID, id)
    if row is None:
        raise UnknownVerification(id)
    return verification_of(row)


async def before(tx: Transaction, one: Verification, *, asked: Sequence[str] | None = None) -> Verification | None:
    """The one of the same subject that was finished last when this one began; with `asked`, of those steps."""
    args = (one.subject.kind, one.subject.id, to_wire(one.started_at), one.id, one.subject.tenant)
    if asked is None:
        row = await tx.one(_BEFORE.format(same=""), *args)
    else:
        row = await tx.one(_BEFORE.format(same="and asked = $6"), *args, json.dumps(asked))
    return None if row is None else verification_of(row)


async def page(tx: Transaction, where: VerificationFilter, after: str | None, limit: int) -> Window:
    """Newest first. Raises UnknownCursor."""
    near = Where()
    if where.subject is not None and where.kind is not None:
        near.add("kind = {} and subject_id = {}", where.kind, where.subject)
    far = (("kind = {}", where.kind), ("status = {}", where.status))
    return await window(tx, _LISTED, near, far, after, limit, own=("tenant_id = {}", where.tenant))


async def interrupt(tx: Transaction, before: datetime, now: datetime) -> None:
    """Close those that began before and that nobody can be at any more."""
    await tx.run(_INTERRUPT, to_wire(before), to_wire(now))


async def interrupt_one(tx: Transaction, id: VerificationId, now: datetime) -> None:
    """Close one that nobody is at any more, if it is not over."""
    await tx.run(_INTERRUPT_ONE, id, to_wire(now))


async def keep_newest(tx: Transaction, subject: Subject, count: int) -> None:
    """Remove what is beyond the newest ones of a subject."""
    await tx.run(_BEYOND, subject.kind, subject.id, count)


async def remove_old(tx: Transaction, before: datetime, limit: int) -> None:
    """Remove at most `limit` that began before."""
    await tx.run(_OLD, to_wire(before), limit)


def verification_of(row: Row) -> Verification:
    tenant = row["tenant_id"]
    return Verification(
        id=VerificationId(row["id"]),
        subject=Subject(
            kind=row["kind"],
            id=row["subject_id"],
            name=row["subject_name"],
            tenant=None if tenant is None else TenantId(tenant),
        ),
        asked=tuple(json.loads(row["asked"])),
        state=State(row["state"]),
        status=None if row["status"] is None else Status(row["status"]),
        steps=tuple(map(_step, json.loads(row["steps"]))),
        by=row["actor"],
        started_at=from_wire(row["started_at"]),
        finished_at=opt_from_wire(row["finished_at"]),
    )


def _step(told: dict[str, Any]) -> Step:
    return Step(**{**told, "status": Status(told["status"]), "started_at": from_wire(told["started_at"])})


def _steps_text(one: Verification) -> str:
    told = [{**asdict(step), "started_at": to_wire(step.started_at)} for step in one.steps]
    return json.dumps(told, separators=(",", ":"))
