"""Following a PostgreSQL store: the edge's file is brought abreast after each commit, and by polling."""

import asyncio
import contextlib

import structlog

from cordboard.domain.errors import NotApplied
from cordboard.engines.edge import projection
from cordboard.engines.edge.file import EdgeFile
from cordboard.engines.edge.rows import Rows
from cordboard.storage import changes
from cordboard.storage.transaction import Transaction
from cordboard.usecases.ports import Store

log = structlog.get_logger()

#: Seconds between two looks at the log of changes when nobody asks: other processes write too.
POLL = 0.25
#: Seconds that a write waits for its change to be effective.
PATIENCE = 2.0


class Follower:
    """Keeps one edge file abreast of a store that other processes write as well."""

    def __init__(self, store: Store, file: EdgeFile, rows: Rows) -> None:
        self._store = store
        self._file = file
        self._rows = rows
        self._mark = 0
        self._asked = asyncio.Event()
        self.watchers = projection.Watchers()
        #: With the newest pass: a poll may have been faster than the write that then asks for its change.
        self._brought = projection.Brought()
        self._waiting: list[asyncio.Future[projection.Brought]] = []

    @property
    def applied(self) -> int:
        """The newest revision in the file: what is below the mark."""
        return self._mark - 1

    async def start(self) -> None:
        """Bring the file to the store's present state."""
        self._mark = await self._store.read(self._open)

    async def run(self) -> None:
        """Follow until cancelled. A failure is logged and tried again: polling is the truth."""
        while True:
            # not wait_for, which on Python 3.11 can lose a cancellation
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL):
                    await self._asked.wait()
            self._asked.clear()
            waiting, self._waiting = self._waiting, []
            try:
                before = self._brought
                self._brought = await self._store.read(self._pass)
            except Exception:  # a loop that must outlive any one failure: logged, and tried again
                self._file.rollback()
                log.exception("the edge could not follow")
                self._waiting = waiting + self._waiting
                continue
            for waiter in waiting:
                if not waiter.done():
                    waiter.set_result(before | self._brought)

    async def caught_up(self) -> None:
        """Return once all that was committed before this call is effective. Raises NotApplied after PATIENCE.

        What came with it, and with the changes of others that were followed at once, is seen to.
        """
        waiter: asyncio.Future[projection.Brought] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        self._asked.set()
        try:
            async with asyncio.timeout(PATIENCE):
                brought = await waiter
        except TimeoutError:
            raise NotApplied(self._mark) from None
        await self.watchers.settled(brought)

    async def _open(self, tx: Transaction) -> int:
        epoch, horizon = self._rows.history(await changes.epoch(tx)), await changes.horizon(tx)
        applied = projection.current(self._file, epoch, horizon)
        if applied is not None:
            self._mark = applied
            await self._pass(tx)
            return self._mark
        # the horizon was read first: what is committed meanwhile is followed again from there
        await projection.rebuild(self._file, self._rows, tx, epoch, horizon)
        return horizon

    async def _pass(self, tx: Transaction) -> projection.Brought:
        """Make the newest changes effective; what came with them."""
        seen, mark = await changes.since(tx, self._mark)
        if not seen:
            return projection.Brought()
        brought = await projection.stage(self._file, self._rows, tx, seen)
        self._file.commit(mark)
        self._mark = mark
        self.watchers.noticed(brought)
        return brought
