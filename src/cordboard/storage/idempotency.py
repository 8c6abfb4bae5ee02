"""What requests with an Idempotency-Key have been answered, so that one sent again is not carried out again."""

from dataclasses import dataclass
from datetime import datetime

from cordboard.domain.times import from_wire, to_wire
from cordboard.domain.trunks import SealedSecret
from cordboard.storage.transaction import Transaction

#: One that is kept no longer makes room.
_CLAIM = """
insert into idempotency (actor, name, fingerprint, claimed_at) values ($1, $2, $3, $4)
on conflict (actor, name) do update
    set fingerprint = excluded.fingerprint, claimed_at = excluded.claimed_at, status = null, headers = '{}', body = null
    where idempotency.claimed_at < $5
returning name
"""
_ANSWER = "update idempotency set status = $3, headers = $4, body = $5 where actor = $1 and name = $2"
_FIND = "select fingerprint, status, headers, body, claimed_at from idempotency where actor = $1 and name = $2"
_OLD = """
delete from idempotency where (actor, name) in
    (select actor, name from idempotency where claimed_at < $1 order by claimed_at limit $2)
"""
_ANY_OLD = "select 1 from idempotency where claimed_at < $1 limit 1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """A request that was carried out; without a status its answer is not known, or not yet."""

    #: SHA-256 of what was asked, in hex.
    fingerprint: str
    claimed_at: datetime
    status: int | None
    #: JSON object.
    headers: str
    #: It may hold a new secret.
    body: SealedSecret | None


def answer_row(actor: str, name: str) -> str:
    """What the answer is sealed for."""
    return f"idempotency:{actor}:{name}"


async def claim(tx: Transaction, actor: str, name: str, fingerprint: str, now: datetime, kept_since: datetime) -> bool:
    """In the transaction that carries the request out: False if one of that name was carried out already."""
    return await tx.one(_CLAIM, actor, name, fingerprint, to_wire(now), to_wire(kept_since)) is not None


async def answer(tx: Transaction, actor: str, name: str, status: int, headers: str, body: SealedSecret | None) -> None:
    """A status of 0 without a body is an answer that was lost."""
    await tx.run(_ANSWER, actor, name, status, headers, None if body is None else body.text)


async def find(tx: Transaction, actor: str, name: str) -> Kept | None:
    row = await tx.one(_FIND, actor, name)
    if row is None:
        return None
    return Kept(
        fingerprint=row["fingerprint"],
        claimed_at=from_wire(row["claimed_at"]),
        status=row["status"],
        headers=row["headers"],
        body=None if row["body"] is None else SealedSecret(text=row["body"]),
    )


async def remove_old(tx: Transaction, before: datetime, limit: int) -> bool:
    """Remove at most `limit` from before; whether there are more."""
    await tx.run(_OLD, to_wire(before), limit)
    return await tx.one(_ANY_OLD, to_wire(before)) is not None
