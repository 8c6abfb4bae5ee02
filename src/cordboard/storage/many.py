"""Many rows with one statement: as few round trips as PostgreSQL needs, as few texts as SQLite prepares."""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Final, TypeVar

from cordboard.storage.transaction import Transaction, Value

T = TypeVar("T")

#: Rows of one INSERT or UPDATE: as few texts as possible, since each is prepared once.
_CHUNKS: Final = (64, 8, 1)


async def insert(tx: Transaction, table: str, columns: str, rows: Sequence[Sequence[Value]]) -> None:
    """Rows that stand already, by their key, are left as they are."""
    width = columns.count(",") + 1
    for chunk in chunks(rows):
        values = _values(len(chunk), ["{}"] * width)
        sql = f"insert into {table} ({columns}) {values} on conflict do nothing"
        await tx.run(sql, *(value for row in chunk for value in row))


async def update(tx: Transaction, sql: str, types: Sequence[str], rows: Sequence[Sequence[Value]]) -> None:
    for chunk in chunks(rows):
        values = _values(len(chunk), [f"cast({{}} as {type})" for type in types])
        await tx.run(sql.format(values=values), *(value for row in chunk for value in row))


@cache
def _values_of(rows: int, row: str, width: int) -> str:
    places = (f"${n + 1}" for n in range(rows * width))
    return "values " + ", ".join(row.format(*islice(places, width)) for _ in range(rows))


def _values(rows: int, cells: Sequence[str]) -> str:
    """`values ($1, …), …`."""
    return _values_of(rows, f"({', '.join(cells)})", len(cells))


def chunks(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """In pieces of the sizes of _CHUNKS."""
    at = 0
    while at < len(rows):
        size = next(size for size in _CHUNKS if size <= len(rows) - at)
        yield rows[at : at + size]
        at += size
