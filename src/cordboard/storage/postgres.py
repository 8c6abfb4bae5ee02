"""The store for scale: PostgreSQL through asyncpg.

One tenant's writes are serial, as on SQLite: each takes its tenant's row first. What must be unique across tenants is
held by unique indexes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from cordboard.domain.errors import StoreUnavailable, TooBusy
from cordboard.domain.tenants import TenantId
from cordboard.storage.schema import APPLIED, HEAD
from cordboard.storage.transaction import Query, Row, Stale, UniqueViolation, Value

T = TypeVar("T")

#: Writes that may wait for a connection; one more is refused with TooBusy.
QUEUE_LIMIT = 1024
ATTEMPTS = 3
#: The server is gone, going, full, or takes no connections; or the connection is broken.
_GONE = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    # said of a connection that the server has ended and that does not know it yet
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ObjectNotInPrerequisiteStateError,
)
#: In one message with BEGIN, hence without a parameter: what stands in it is a UUID that was parsed as one.
_BEGIN_OF_TENANT = "begin; select 1 from tenant where id = '{}' for no key update"


class PostgresTransaction:
    """The four verbs on an asyncpg connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def one(self, sql: str, *args: Value) -> Row | None:
        try:
            row: Row | None = await self._connection.fetchrow(sql, *args)
        except asyncpg.UniqueViolationError as error:
            raise UniqueViolation(error.constraint_name or "") from error
        return row

    async def all(self, sql: str, *args: Value) -> list[Row]:
        rows: list[Row] = await self._connection.fetch(sql, *args)
        return rows

    async def run(self, sql: str, *args: Value) -> None:
        await self.one(sql, *args)

    async def add(self, table: str, columns: str, rows: Sequence[Sequence[Value]]) -> None:
        """By COPY: two round trips, and no statement to plan."""
        if not rows:
            return
        try:
            await self._connection.copy_records_to_table(table, columns=_names(columns), records=rows)
        except asyncpg.UniqueViolationError as error:
            raise UniqueViolation(error.constraint_name or "") from error


@cache
def _names(columns: str) -> list[str]:
    return [name.strip() for name in columns.split(",")]


class _Connection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg ships no types
    """A pooled connection that holds no session state, so that nothing needs a reset on release."""

    def get_reset_query(self) -> str:
        return ""


class PostgresStore:
    """A store on a server, shared by any number of processes."""

    def __init__(self, pool: Any, url: str) -> None:
        self.url = url
        self._pool = pool
        self._writes: set[asyncio.Task[Any]] = set()
        #: Awaited after each write's COMMIT, before its answer: a local engine's follower catches up here.
        self.after_commit: Callable[[], Awaitable[None]] | None = None

    @classmethod
    async def open(cls, url: str, *, connections: int) -> "PostgresStore":
        """Connect to a migrated database with a pool of at most `connections`."""
        pool = await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=connections,
            connection_class=_Connection,
            server_settings={
                "application_name": "cordboard",
                "lock_timeout": "2s",
                "statement_timeout": "5s",
                "synchronous_commit": "on",
                "jit": "off",
                # every statement has an index; one that was planned while its table was small, or before anybody
                # counted it, would go on reading the table
                "enable_seqscan": "off",
            },
        )
        return cls(pool, url)

    @staticmethod
    async def is_current(url: str) -> bool:
        """Whether the database has the schema of this version."""
        connection = await asyncpg.connect(url)
        try:
            return bool(await connection.fetchval(APPLIED) == HEAD)
        except asyncpg.UndefinedTableError:
            return False
        finally:
            await connection.close()

    async def read(self, query: Query[T]) -> T:
        """Run a query of reads, each in a transaction of its own. Raises StoreUnavailable."""
        try:
            async with self._pool.acquire() as connection:
                return await query(PostgresTransaction(connection))
        except _GONE as error:
            raise StoreUnavailable from error

    async def write(self, tenant: TenantId | None, usecase: Query[T]) -> T:
        """Run a use case in a transaction; returns after COMMIT. `usecase` may be run more than once.

        Raises what the use case raises (nothing is then changed), TooBusy, StoreUnavailable, or NotApplied from
        `after_commit`.
        """
        if self._pool.is_closing() or len(self._writes) >= QUEUE_LIMIT:
            raise TooBusy
        task = asyncio.create_task(self._attempt(tenant, usecase))
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)
        # A client that goes away must not leave half a transaction's answer behind.
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Finish the writes that wait, then let go of the connections; a write after this is TooBusy."""
        await asyncio.gather(*self._writes, return_exceptions=True)
        await self._pool.close()

    async def _attempt(self, tenant: TenantId | None, usecase: Query[T]) -> T:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                result = await self._once(tenant, usecase)
                break
            except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, Stale):
                if attempt == ATTEMPTS:
                    raise TooBusy from None
            except (asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError) as error:
                raise TooBusy from error
            except _GONE as error:
                raise StoreUnavailable from error
        if self.after_commit is not None:
            await self.after_commit()
        return result

    async def _once(self, tenant: TenantId | None, usecase: Query[T]) -> T:
        """One transaction, by hand: a round trip less than by asyncpg's own."""
        begin = "begin" if tenant is None else _BEGIN_OF_TENANT.format(UUID(tenant))
        async with self._pool.acquire() as connection:
            try:
                await connection.execute(begin)
                result = await usecase(PostgresTransaction(connection))
            except BaseException:
                await connection.execute("rollback")
                raise
            await connection.execute("commit")
            return result
