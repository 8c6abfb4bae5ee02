"""The embedded store: SQLite in WAL mode, `synchronous=FULL`, one writer thread that commits in groups.

Nothing is acknowledged before its COMMIT has reached the disk. While one fsync runs the next batch gathers, so the
cost of durability is shared without any timer. Reads run on the event loop: each is bounded by an index.
"""

import asyncio
import contextlib
import queue
import re
import sqlite3
import threading
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from cordboard.domain.errors import StoreUnavailable, TooBusy
from cordboard.domain.tenants import TenantId
from cordboard.storage import changes, many
from cordboard.storage.schema import APPLIED, HEAD
from cordboard.storage.transaction import Aftermath, EngineFile, Query, Row, UniqueViolation, Value

T = TypeVar("T")

#: Writes that may wait; one more is refused with TooBusy.
QUEUE_LIMIT = 1024
#: Writes that share one COMMIT at most.
BATCH_LIMIT = 256
#: Seconds between two tries to bring an engine abreast that did not take a change.
CATCH_UP = 0.25
#: WAL size at which the writer itself checkpoints: a passive helper alone let it grow without bound.
WAL_PAGES = 4000

_CANNOT_WRITE = frozenset(
    (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
    )
)


@lru_cache(maxsize=1024)
def _translated(sql: str) -> str:
    return re.sub(r"\$(\d+)", r"?\1", sql)


class SqliteTransaction:
    """The four verbs on a sqlite3 connection; its coroutines never suspend."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    async def one(self, sql: str, *args: Value) -> Row | None:
        try:
            row: Row | None = self._execute(_translated(sql), args).fetchone()
            return row
        except sqlite3.IntegrityError as error:
            _refuse(error)

    async def all(self, sql: str, *args: Value) -> list[Row]:
        try:
            return self._execute(_translated(sql), args).fetchall()
        except sqlite3.IntegrityError as error:
            _refuse(error)

    async def run(self, sql: str, *args: Value) -> None:
        try:
            self._execute(_translated(sql), args)
        except sqlite3.IntegrityError as error:
            _refuse(error)

    async def add(self, table: str, columns: str, rows: Sequence[Sequence[Value]]) -> None:
        await many.add(self, table, columns, rows)


def _refuse(error: sqlite3.IntegrityError) -> NoReturn:
    """Raise UniqueViolation for a duplicate key, and any other broken constraint as it is."""
    message = str(error)
    if message.startswith("UNIQUE constraint failed: "):
        raise UniqueViolation(message.partition(": ")[2]) from error
    raise error


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that awaits nothing but its transaction; anything else is a programming error."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    coroutine.close()
    raise RuntimeError(f"{coroutine!r} awaited something other than its transaction")


@dataclass(slots=True)
class _Job:
    query: Query[Any]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None
    aftermath: Aftermath | None = None


@dataclass(slots=True)
class _Batch:
    jobs: list[_Job]
    #: The newest revision staged for the engine in this batch.
    staged: int


class SqliteStore:
    """A store in one file. One process writes it; others may read."""

    def __init__(self, path: Path, engine: EngineFile | None = None) -> None:
        self.path = path
        self._engine = engine
        self._reader = _connect(path)
        self._reader.execute("pragma query_only = on")
        self._reads = SqliteTransaction(self._reader)
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closed = False
        #: Something is stored that the engine has not taken.
        self._behind = False
        self._writer = threading.Thread(target=self._write_loop, name="store-writer", daemon=True)
        self._opened: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
        self._writer.start()
        if (error := self._opened.get()) is not None:
            raise error

    @staticmethod
    async def is_current(path: Path) -> bool:
        """Whether the file has the schema of this version; false if there is no file."""
        if not path.exists():
            return False
        with contextlib.closing(sqlite3.connect(path)) as connection:
            try:
                return bool(connection.execute(APPLIED).fetchone() == (HEAD,))
            except sqlite3.OperationalError:
                return False

    async def read(self, query: Query[T]) -> T:
        """Run a query of index-bounded reads, at once and on the loop."""
        return drive(query(self._reads))

    async def write(self, tenant: TenantId | None, usecase: Query[T]) -> T:
        """Run a use case in a transaction; returns after COMMIT. `usecase` may be run more than once.

        Raises what the use case raises (nothing is then changed), TooBusy, EdgeRefused or NotApplied. A caller that
        goes away does not undo a write that was queued.
        """
        if self._closed or self._queue.qsize() >= QUEUE_LIMIT:
            raise TooBusy
        loop = asyncio.get_running_loop()
        job = _Job(query=usecase, loop=loop, done=loop.create_future())
        self._queue.put(job)
        result: T = await job.done
        if job.aftermath is not None:
            await job.aftermath()
        return result

    async def close(self) -> None:
        """Finish the queued writes, then let go of the file; a write after this is TooBusy."""
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        await asyncio.to_thread(self._writer.join)
        self._reader.close()

    def _write_loop(self) -> None:
        try:
            connection = _connect(self.path)
            connection.execute(f"pragma wal_autocheckpoint = {WAL_PAGES}")
            tx = SqliteTransaction(connection)
            staged = drive(changes.newest(tx) if self._engine is None else self._engine.start(tx))
        except BaseException as error:
            self._opened.put(error)
            return
        self._opened.put(None)
        closing = False
        while not closing:
            jobs, closing = self._gather()
            if jobs or self._behind:
                staged = self._run_batch(connection, _Batch(jobs=jobs, staged=staged))
        connection.close()

    def _gather(self) -> tuple[list[_Job], bool]:
        """Wait for a job, then take all that have gathered; the flag tells that the store closes.

        While the engine is behind the wait is short, and may end with none: nobody else would bring it abreast.
        """
        jobs: list[_Job] = []
        try:
            item = self._queue.get(timeout=CATCH_UP if self._behind else None)
        except queue.Empty:
            return jobs, False
        while item is not None:
            jobs.append(item)
            if len(jobs) == BATCH_LIMIT:
                return jobs, False
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return jobs, False
        return jobs, True

    def _run_batch(self, connection: sqlite3.Connection, batch: _Batch) -> int:
        """One COMMIT for the batch; if the batch as a whole cannot be, each job by itself. The newest revision."""
        try:
            staged = self._attempt(connection, batch)
        except BaseException as error:
            _abandon(connection)
            if self._engine is not None:
                self._engine.rollback()
            if len(batch.jobs) <= 1:
                for job in batch.jobs:
                    job.error = error
                _answer(batch.jobs)
                return batch.staged
            staged = batch.staged
            for job in batch.jobs:
                job.error = job.result = None
                staged = self._run_batch(connection, _Batch(jobs=[job], staged=staged))
            return staged
        _answer(batch.jobs)
        return staged

    def _attempt(self, connection: sqlite3.Connection, batch: _Batch) -> int:
        """Run and commit the batch on the store, then on the engine's file."""
        tx = SqliteTransaction(connection)
        staged = batch.staged
        connection.execute("begin immediate")
        if self._engine is not None and self._behind:
            staged = drive(self._engine.project(tx, staged))
        for job in batch.jobs:
            connection.execute("savepoint job")
            try:
                job.result = drive(job.query(tx))
                if self._engine is not None:
                    staged = drive(self._engine.project(tx, staged))
                    job.aftermath = self._engine.aftermath()
            except BaseException as error:
                if not connection.in_transaction:
                    raise
                job.error = error
                connection.execute("rollback to job")
            connection.execute("release job")
        connection.execute("commit")
        if self._engine is not None and staged > batch.staged:
            try:
                self._engine.commit(staged)
            except BaseException as error:
                for job in batch.jobs:
                    job.error = job.error or error
                self._behind = True  # the next batch stages these again
                return batch.staged
        self._behind = False
        return staged


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)
    connection.row_factory = sqlite3.Row
    for pragma in (
        "busy_timeout = 5000",
        "foreign_keys = on",
        "synchronous = full",
        "mmap_size = 2147418112",  # as much as SQLite maps: the kernel's cache, not our memory
        "cache_size = -32768",
        "temp_store = memory",
    ):
        connection.execute(f"pragma {pragma}")
    return connection


def _abandon(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("rollback")


def _answer(jobs: list[_Job]) -> None:
    """Wake the waiters of each loop with one call."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in jobs:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, waiting in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, waiting)


def _settle(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.done.cancelled():
            continue
        if job.error is not None:
            job.done.set_exception(_told(job.error))
        else:
            job.done.set_result(job.result)


def _told(error: BaseException) -> BaseException:
    """The error as a caller is told it: a disk that is full or a file that is locked is no fault of the request."""
    if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF in _CANNOT_WRITE:
        told = StoreUnavailable(f"the database cannot write now: {error}")
        told.__cause__ = error
        return told
    return error
