"""Lists that page by key: the one place where a WHERE clause is put together.

Conditions come from a whitelist of SQL texts; values are always bound.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from cordboard.domain.errors import UnknownCursor
from cordboard.storage.transaction import Row, Transaction, Value

#: Rows that one page of a list looks at; past them it is shorter than asked, and goes on at its cursor.
WINDOW: Final = 2000


@dataclass(slots=True)
class Where:
    """A WHERE clause in the making. `add("n.status = {}", value)` binds the value in place of the braces."""

    conditions: list[str] = field(default_factory=list)
    args: list[Value] = field(default_factory=list)

    def add(self, condition: str, *values: Value) -> None:
        self.conditions.append(condition.format(*(self.bind(v) for v in values)))

    def bind(self, value: Value) -> str:
        """The placeholder of a value that the statement needs elsewhere."""
        self.args.append(value)
        return f"${len(self.args)}"

    def __str__(self) -> str:
        return "where " + " and ".join(self.conditions) if self.conditions else ""


@dataclass(frozen=True, slots=True)
class Window:
    """Rows of a list, newest first; `next` is the cursor at which the list goes on, None at its end."""

    rows: list[Row]
    next: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """What is listed newest first: a table with an `id`, the column of its time, the columns that are shown.

    Where ids sort as time does, `id` is that column.
    """

    table: str
    time: str
    columns: str

    def between(self, where: Where, since: str | None, until: str | None) -> None:
        """From one instant to another, which is not included; None is no bound."""
        if since is not None:
            where.add(f"{self.time} >= {{}}", since)
        if until is not None:
            where.add(f"{self.time} < {{}}", until)


async def window(
    tx: Transaction,
    listed: Listed,
    near: Where,
    far: Sequence[tuple[str, Value]],
    after: str | None,
    limit: int,
    *,
    own: tuple[str, Value],
) -> Window:
    """A page out of the next WINDOW rows that `near` finds by an index; the conditions `far` are for those alone.

    A condition with None does not count. `own` says whose rows they are: those of others are not even stepped over, or
    a cursor would tell of them. Raises UnknownCursor.
    """
    table, time = listed.table, listed.time
    order = "order by id desc" if time == "id" else f"order by {time} desc, id desc"
    if after is not None:
        found = Where()
        found.add("id = {}", after)
        if own[1] is not None:
            found.add(*own)
        cursor = await tx.one(f"select {time} from {table} {found}", *found.args)
        if cursor is None:
            raise UnknownCursor(after)
        if time == "id":
            near.add("id < {}", after)
        else:
            near.add(f"({time}, id) < ({{}}, {{}})", cursor[0], after)
    if own[1] is not None:
        near.add(*own)
    inner = f"select * from {table} {near} {order}"
    within = tuple(near.args)
    rest = Where(args=near.args)
    for condition, value in far:
        if value is not None:
            rest.add(condition, value)
    sql = f"select {listed.columns} from ({inner} limit {WINDOW}) x {rest} {order} limit {rest.bind(limit + 1)}"
    rows = await tx.all(sql, *rest.args)
    if len(rows) > limit:
        return Window(rows[:limit], rows[limit - 1]["id"])
    last = await tx.one(f"select id from ({inner} limit 1 offset {WINDOW - 1}) x", *within)
    return Window(rows, None if last is None else last["id"])


async def oldest_first(
    tx: Transaction, select: str, table: str, tenant: str, after: str | None, limit: int
) -> list[Row]:
    """A page of what a tenant has, in order of making, beyond `after`. Raises UnknownCursor."""
    where = Where()
    where.add("tenant_id = {}", tenant)
    if after is not None:
        cursor = await tx.one(f"select created_at from {table} where id = $1 and tenant_id = $2", after, tenant)
        if cursor is None:
            raise UnknownCursor(after)
        where.add("(created_at, id) > ({}, {})", cursor[0], after)
    return await tx.all(f"{select} {where} order by created_at, id limit {where.bind(limit)}", *where.args)
