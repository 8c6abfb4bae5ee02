"""An operator's lists: filtered, sorted by what an index has, and paged by number from the nearer end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cordboard.domain.operators import OperatorId
from cordboard.storage.listing import Where
from cordboard.storage.transaction import Row, Transaction, Value


@dataclass(frozen=True, kw_only=True, slots=True)
class Sort:
    """A column's name in the list's own words; null comes first, or last if it descends."""

    by: str
    descending: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Sorted:
    """A table with an `operator_id`, what it may be sorted by and filtered by (each word with its SQL), and its key."""

    table: str
    columns: str
    #: Ends every order, so that no two rows are equal.
    key: str
    sorts: Mapping[str, str]
    filters: Mapping[str, str]


#: Any of these values; an empty list is nothing.
Filters = Mapping[str, Sequence[Value]]


async def count(tx: Transaction, listed: Sorted, operator: OperatorId, filters: Filters) -> int:
    """How many rows fit all filters."""
    where = _where(listed, operator, filters)
    row = await tx.one(f"select count(*) as found from {listed.table} {where}", *where.args)
    return 0 if row is None else int(row["found"])


async def page(
    tx: Transaction,
    listed: Sorted,
    operator: OperatorId,
    filters: Filters,
    sort: Sequence[Sort],
    *,
    number: int,
    size: int,
    total: int,
) -> list[Row]:
    """The rows of page `number` (from 1) of `total` rows. Raises KeyError for a sort or filter that there is not."""
    offset = (number - 1) * size
    limit = min(size, total - offset)
    if limit <= 0:
        return []
    from_end = offset > total // 2
    if from_end:
        offset = total - offset - limit
    where = _where(listed, operator, filters)
    ids = (
        f"select id from {listed.table} {where} order by {_order(listed, sort, backwards=from_end)} "
        f"limit {where.bind(limit)} offset {where.bind(offset)}"
    )
    order = _order(listed, sort, backwards=False)
    return await tx.all(
        f"select {listed.columns} from {listed.table} where id in ({ids}) order by {order}", *where.args
    )


def _where(listed: Sorted, operator: OperatorId, filters: Filters) -> Where:
    where = Where()
    where.add("operator_id = {}", operator)
    for name, values in filters.items():
        column = listed.filters[name]
        if not values:
            where.add("1 = 0")
        elif len(values) == 1:
            where.add(f"{column} = {{}}", values[0])
        else:
            where.add(f"{column} in ({', '.join('{}' for _ in values)})", *values)
    return where


def _order(listed: Sorted, sort: Sequence[Sort], *, backwards: bool) -> str:
    """Each column once; the key last, in the direction of the column before, as the index has it."""
    parts: dict[str, bool] = {}
    for one in sort:
        parts.setdefault(listed.sorts[one.by], one.descending)
    if listed.key not in parts:
        parts[listed.key] = next(reversed(parts.values()), False)
    return ", ".join(
        _direction(column, descending != backwards, column == listed.key) for column, descending in parts.items()
    )


def _direction(column: str, descending: bool, key: bool) -> str:
    """As the indexes have it; a key is never null."""
    if key:
        return f"{column} desc" if descending else column
    return f"{column} desc nulls last" if descending else f"{column} nulls first"
