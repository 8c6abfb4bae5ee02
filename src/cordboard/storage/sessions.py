"""Sessions of the console that have not been ended."""

from datetime import datetime

from cordboard.domain.times import to_wire
from cordboard.storage.transaction import Transaction

_BEGIN = "insert into session (id, expires_at) values ($1, $2)"
_STANDS = "select 1 from session where id = $1 and expires_at > $2"
_END = "delete from session where id = $1"
_OLD = "delete from session where id in (select id from session where expires_at <= $1 order by expires_at limit $2)"
_ANY_OLD = "select 1 from session where expires_at <= $1 limit 1"


async def begin(tx: Transaction, id: str, expires: datetime) -> None:
    await tx.run(_BEGIN, id, to_wire(expires))


async def stands(tx: Transaction, id: str, at: datetime) -> bool:
    return await tx.one(_STANDS, id, to_wire(at)) is not None


async def end(tx: Transaction, id: str) -> None:
    """Harmless if it is over."""
    await tx.run(_END, id)


async def remove_old(tx: Transaction, before: datetime, limit: int) -> bool:
    """Remove at most `limit` that are over; whether there are more."""
    await tx.run(_OLD, to_wire(before), limit)
    return await tx.one(_ANY_OLD, to_wire(before)) is not None
