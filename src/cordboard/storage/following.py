"""Following a table whose rows have revisions, so that each is seen once, whoever is killed when.

A follower keeps its mark in the store and moves it in the transaction that does what follows from the rows.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cordboard.storage.transaction import Row, Transaction

#: The oldest transaction that may still be running, and the one that will begin next.
_OLDEST = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_NEXT = "pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
_JOIN = f"update follower set mark = {_OLDEST} where mark > {_OLDEST}"
_MARK = "select mark from follower where name = $1"
#: On PostgreSQL whoever does that first is the one that follows.
_HOLD = "update follower set mark = mark where name = $1 returning mark"
_MOVE = "update follower set mark = $2 where name = $1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Followed:
    """A table, and the columns that a follower is told of."""

    table: str
    columns: str


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """Rows that a follower has not seen, in order, and the mark to go on from: some may be read again from there."""

    rows: list[Row]
    mark: int


#: `after` or `since`, as the store is.
Follow = Callable[[Transaction, Followed, int, int], Awaitable[News]]


async def after(tx: Transaction, followed: Followed, mark: int, limit: int) -> News:
    """On SQLite, where revisions are committed in their order: none is read again."""
    sql = f"select revision, {followed.columns} from {followed.table} where revision >= $1 order by revision limit $2"
    rows = await tx.all(sql, mark, limit)
    return News(rows=rows, mark=rows[-1]["revision"] + 1 if rows else mark)


async def since(tx: Transaction, followed: Followed, mark: int, limit: int) -> News:
    """On PostgreSQL, where a transaction may commit late: the mark stays before what may still come."""
    sql = f"""
    select revision, {_OLDEST} as horizon, {followed.columns} from {followed.table}
    where revision >= $1 and revision < {_NEXT} order by revision, seq limit $2
    """
    rows = await tx.all(sql, mark, limit)
    if not rows:
        return News(rows=[], mark=mark)
    horizon = rows[0]["horizon"]
    safe = min(horizon, rows[-1]["revision"]) if len(rows) == limit else horizon
    return News(rows=rows, mark=max(mark, safe))


async def join(tx: Transaction) -> None:
    """On PostgreSQL, before anything is followed: a database that was restored on another server goes on there.

    Its rows and marks are of the transactions of the server that it came from, which may be far ahead.
    """
    await tx.run(_JOIN)


async def mark(tx: Transaction, follower: str) -> int:
    """Before what that one has not seen."""
    return await _mark(tx, _MARK, follower)


async def hold(tx: Transaction, follower: str) -> int:
    """The mark, which no other process moves before this transaction is over."""
    return await _mark(tx, _HOLD, follower)


async def move(tx: Transaction, follower: str, mark: int) -> None:
    await tx.run(_MOVE, follower, mark)


async def _mark(tx: Transaction, sql: str, follower: str) -> int:
    row = await tx.one(sql, follower)
    assert row is not None
    return int(row["mark"])
