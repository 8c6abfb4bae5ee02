"""Many rows with one statement: as few round trips as PostgreSQL needs, as few texts as SQLite prepares."""

from collections.abc import Collection, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Final, TypeVar

from cordboard.storage.transaction import Row, Transaction, Value

T = TypeVar("T")

#: Rows of one INSERT or UPDATE: as few texts as possible, since each is prepared once.
_CHUNKS: Final = (64, 8, 1)
#: Keys of one list that is looked up.
_KEYS: Final = 512


async def add(tx: Transaction, table: str, columns: str, rows: Sequence[Sequence[Value]]) -> None:
    """The `add` of a store that has none of its own."""
    await _insert(tx, table, columns, rows, "")


async def insert(tx: Transaction, table: str, columns: str, rows: Sequence[Sequence[Value]]) -> None:
    """Rows that stand already, by their key, are left as they are."""
    await _insert(tx, table, columns, rows, " on conflict do nothing")


async def upsert(tx: Transaction, table: str, columns: str, rows: Sequence[Sequence[Value]], otherwise: str) -> None:
    """Of rows that stand already `otherwise` tells what becomes: `on conflict (…) do update set …`."""
    await _insert(tx, table, columns, rows, f" {otherwise}")


async def _insert(tx: Transaction, table: str, columns: str, rows: Sequence[Sequence[Value]], otherwise: str) -> None:
    width = columns.count(",") + 1
    for chunk in chunks(rows):
        cells = values(len(chunk), ["{}"] * width)
        sql = f"insert into {table} ({columns}) {cells}{otherwise}"
        await tx.run(sql, *(value for row in chunk for value in row))


async def find(tx: Transaction, sql: str, keys: Collection[str], *args: Value) -> list[Row]:
    """The rows that a SELECT with `in ({places})` finds, in pieces; the keys' places follow those of `args`."""
    found: list[Row] = []
    for piece in filled(list(keys)):
        found += await tx.all(sql.format(places=places(len(piece), len(args) + 1)), *args, *piece)
    return found


def filled(keys: list[T]) -> Iterator[list[T]]:
    """In pieces, each with its last key repeated up to a power of two: one statement, and few texts."""
    for at in range(0, len(keys), _KEYS):
        piece = keys[at : at + _KEYS]
        size = 1 << (len(piece) - 1).bit_length()
        yield piece + piece[-1:] * (size - len(piece))


async def update(tx: Transaction, sql: str, types: Sequence[str], rows: Sequence[Sequence[Value]]) -> list[Row]:
    """What the statement returns of those that it has changed."""
    changed: list[Row] = []
    for chunk in chunks(rows):
        cells = values(len(chunk), [f"cast({{}} as {type})" for type in types])
        changed += await tx.all(sql.format(values=cells), *(value for row in chunk for value in row))
    return changed


@cache
def _values_of(rows: int, row: str, width: int) -> str:
    places = (f"${n + 1}" for n in range(rows * width))
    return "values " + ", ".join(row.format(*islice(places, width)) for _ in range(rows))


@cache
def places(count: int, first: int = 1) -> str:
    """`$1, $2, …`, so many from the `first` on."""
    return ", ".join(f"${n}" for n in range(first, first + count))


def values(rows: int, cells: Sequence[str]) -> str:
    """`values ($1, …), …`."""
    return _values_of(rows, f"({', '.join(cells)})", len(cells))


def chunks(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """In pieces of the sizes of _CHUNKS."""
    at = 0
    while at < len(rows):
        size = next(size for size in _CHUNKS if size <= len(rows) - at)
        yield rows[at : at + size]
        at += size
