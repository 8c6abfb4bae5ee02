"""The edges of an installation: what each says of itself, and whether a change has reached them all."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final

import structlog

from cordboard.domain.edge import EdgeReport
from cordboard.domain.errors import CordboardError
from cordboard.storage import changes, edges
from cordboard.storage.transaction import Transaction
from cordboard.usecases.figures import note_registered
from cordboard.usecases.ports import Clock, Store

log = structlog.get_logger()

#: An edge that has said nothing for so long is not waited for, and later forgotten.
SILENT: Final = timedelta(seconds=60)
FORGOTTEN: Final = timedelta(days=1)
#: Seconds between two looks at whether there is something new to say, and after which it is said anyway.
LOOK: Final = 0.25
REPEAT: Final = 20.0

#: What this process's edge says now.
Local = Callable[[], EdgeReport]


class Edges:
    """All edges: this process's own as it is now, those of other processes as they last said."""

    def __init__(self, store: Store, local: Local | None = None) -> None:
        self._store = store
        self._local = local

    async def every(self) -> list[EdgeReport]:
        """In order of name."""
        told = {report.name: report for report in await self._store.read(edges.every)}
        if self._local is not None:
            own = self._local()
            told[own.name] = own
        return [told[name] for name in sorted(told)]

    async def newest(self) -> int:
        """The newest revision of the store."""
        return await self._store.read(changes.newest)

    async def applied(self, revision: int, clock: Clock, patience: float) -> bool:
        """Whether the calls of every edge are decided by that revision, or are within `patience` seconds.

        Of no edge that is heard of they are not.
        """
        until = asyncio.get_running_loop().time() + patience
        while True:
            heard = [report for report in await self.every() if report.seen_at > clock() - SILENT]
            if heard and all(report.applied >= revision for report in heard):
                return True
            if not heard or asyncio.get_running_loop().time() > until:
                return False
            await asyncio.sleep(LOOK / 2)


async def keep_reporting(store: Store, local: Local) -> None:
    """Write what this process's edge says, for the others to read, until cancelled; then take it back."""
    said: EdgeReport | None = None
    said_at = 0.0
    try:
        while True:
            report, now = local(), asyncio.get_running_loop().time()
            if said is None or replace(report, seen_at=said.seen_at) != said or now - said_at > REPEAT:
                try:
                    await store.write(None, partial(_say, report=report))
                    said, said_at = report, now
                except Exception:  # a loop that must outlive any one failure: logged, and said again at the next look
                    log.exception("what the edge says cannot be written")
            await asyncio.sleep(LOOK)
    finally:
        with contextlib.suppress(CordboardError):
            await store.write(None, partial(_take_back, last=local()))


async def _say(tx: Transaction, report: EdgeReport) -> None:
    """Forgets one silent edge at most: counts of several in one transaction could wait for others in a ring."""
    await edges.put(tx, report)
    gone = await edges.forget_one(tx, report.seen_at - FORGOTTEN)
    if gone is not None:
        await note_registered(tx, gone, {}, report.seen_at)


async def _take_back(tx: Transaction, last: EdgeReport) -> None:
    await edges.remove(tx, last.name)
    await note_registered(tx, last.name, {}, last.seen_at)
