"""What a use case may do to a store: four verbs, the same on SQLite and on PostgreSQL.

SQL is written once with `$1`, `$2`… placeholders and in the words that both stores share: every column is text or
integer, booleans are 0 and 1, instants and ids are text in their wire form.
"""

from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from typing import Any, Protocol, TypeVar, overload

Value = str | int | None
T = TypeVar("T")


class Row(Protocol):
    """A row of a result, by column name or position."""

    @overload
    def __getitem__(self, key: str, /) -> Any: ...
    @overload
    def __getitem__(self, key: int, /) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...
    def keys(self) -> Any: ...


class Transaction(Protocol):
    """One transaction of a store. A use case awaits nothing else while it writes."""

    async def one(self, sql: str, *args: Value) -> Row | None:
        """The first row, or None."""
        ...

    async def all(self, sql: str, *args: Value) -> list[Row]:
        """Every row."""
        ...

    async def run(self, sql: str, *args: Value) -> None:
        """Run a statement for its effect. Raises UniqueViolation on a duplicate key."""
        ...

    async def add(self, table: str, columns: str, rows: Sequence[Sequence[Value]]) -> None:
        """Rows that are all new, by the store's quickest way. Raises UniqueViolation on a duplicate key."""
        ...


Query = Callable[[Transaction], Coroutine[Any, Any, T]]
#: Awaited on the loop after a write's COMMIT, before its answer; bounded, raises nothing.
Aftermath = Callable[[], Awaitable[None]]


class UniqueViolation(Exception):
    """A unique index holds that value already; `index` is its name where the store tells, else its columns."""

    def __init__(self, index: str) -> None:
        super().__init__(index)
        self.index = index


class Stale(Exception):
    """What the use case read is no longer so: it must be run again. Only where several processes write."""


class EngineFile(Protocol):
    """A local engine's own database, which the store's writer keeps abreast of it.

    The order of one batch: `project` in each use case's savepoint, the store's COMMIT, then `commit`. A `project`
    that raises EdgeRefused undoes its use case alone; a `commit` that raises NotApplied leaves the change stored.
    """

    async def start(self, tx: Transaction) -> int:
        """Bring the engine to the store's present state; the revision it then has."""
        ...

    async def project(self, tx: Transaction, after: int) -> int:
        """Stage what the changes with a revision over `after` made; the newest revision seen, or `after`."""
        ...

    def aftermath(self) -> Aftermath | None:
        """What the last `project` wants awaited before its use case is answered."""
        ...

    def commit(self, revision: int) -> None:
        """Make all that was staged visible to the engine, as of `revision`."""
        ...

    def rollback(self) -> None:
        """Forget all that was staged since the last commit."""
        ...
