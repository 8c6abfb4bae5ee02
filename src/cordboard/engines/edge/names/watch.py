"""When each name is looked up, and what becomes of the answer."""

import asyncio
import contextlib
import sqlite3
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from random import Random, SystemRandom
from typing import Any, Protocol

from cordboard.engines.edge.names.lanes import Lane
from cordboard.engines.edge.names.lookup import Answer, Dns, Target, look_up
from cordboard.engines.edge.names.reach import Reach
from cordboard.engines.edge.names.state import NameState, Pace, Uris, Watched
from cordboard.engines.edge.names.table import ResolvedTable
from cordboard.usecases.ports import Clock, utc_now

#: Look-ups in a row that nobody answered after which writes do not wait for their names.
SILENT = 8
#: Seconds until the table is tried again.
REWRITE = 0.5
#: Names seen on one survey that are taken in before others on the loop have their turn.
CHUNK = 500


class Log(Protocol):
    """As much of a structlog logger as is used here."""

    def info(self, event: str, **values: Any) -> Any: ...
    def warning(self, event: str, **values: Any) -> Any: ...
    def exception(self, event: str, **values: Any) -> Any: ...


class Names:
    """The names of one edge's gateways and agents: looked up ahead of calls, the answers in the edge's file.

    Lives on one event loop; `noticed` alone may be called from any thread.
    """

    def __init__(
        self,
        path: Path,
        dns: Dns,
        reach: Reach,
        log: Log,
        *,
        pace: Pace | None = None,
        draw: Random | None = None,
        clock: Clock = utc_now,
    ) -> None:
        """`path` is the edge's file, which must have its tables."""
        self._loop = asyncio.get_running_loop()
        self._table = ResolvedTable(path)
        self._dns = dns
        self._reach = reach
        self._log = log
        self._pace = pace or Pace()
        self._draw = draw or SystemRandom()
        self._clock = clock
        self._watched: dict[str, Watched] = {}
        self._sure = Lane(self._pace.at_once - self._pace.doubtful_at_once)
        self._doubtful = Lane(self._pace.doubtful_at_once)
        self._wake = asyncio.Event()
        self._not_before = 0.0
        self._unwritten: dict[str, Uris] = {}
        self._to_write = asyncio.Event()
        self._silence = 0
        #: Look-ups by what they came to: resolved, nothing, unanswered.
        self.lookups: Counter[str] = Counter()

    async def start(self) -> None:
        """Take in the names that are wanted now, with what they resolved to before this start."""
        await self._survey(await asyncio.to_thread(self._table.all))

    async def run(self) -> None:
        """Look names up until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._survey_again_and_again())
                tasks.create_task(self._write_again_and_again())
                while True:
                    pause = self._begin_what_is_due(tasks)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(pause):
                            await self._wake.wait()
                    self._wake.clear()
        finally:
            self._table.close()

    def noticed(self, names: Iterable[str]) -> None:
        """Some gateway or agent was written that has these names. From any thread; returns at once."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: the next start will see them
            self._loop.call_soon_threadsafe(self._notice, frozenset(names))

    async def settled(self, names: Iterable[str]) -> None:
        """Wait a moment for the first answer of those of these names that have none.

        Not at all while no name server answers: then each write would be slow for nothing.
        """
        names = frozenset(names)
        self._notice(names)
        waiting = {self._watched[name].ready for name in names if name in self._watched}
        waiting = {ready for ready in waiting if not ready.done()}
        if waiting and self._silence < SILENT:
            await asyncio.wait(waiting, timeout=self._pace.wait)

    def about(self, name: str) -> NameState | None:
        """What is known of a name (`host;port;transport`); None if no gateway and no agent has it."""
        known = self._watched.get(name)
        if known is None:
            return None
        return NameState(
            name=known.name,
            uris=known.uris,
            resolved_at=known.resolved_at,
            looked_at=known.looked_at,
            next_look_at=self._clock() + timedelta(seconds=max(0.0, known.due - self._loop.time())),
            error=known.error,
        )

    def counts(self) -> tuple[int, int]:
        """How many names have an address, and how many have none."""
        resolved = sum(1 for known in self._watched.values() if known.uris)
        return resolved, len(self._watched) - resolved

    # Which names there are

    def _notice(self, names: frozenset[str]) -> None:
        now = self._loop.time()
        for name in names:
            known = self._watched.get(name)
            if known is None:
                self._add(name, now)
            else:
                known.noticed = now
                # whoever writes a gateway anew has perhaps mended its name
                if not known.uris and known.ticket and now - (known.looked or now) > self._pace.shortest:
                    known.ready = self._loop.create_future()
                    self._put(known, now)
        self._wake.set()

    def _add(self, name: str, due: float, uris: Uris = ()) -> None:
        try:
            target = Target.of(name)
        except ValueError:
            self._log.warning("not a name that could be looked up", name=name)
            return
        known = Watched(name=name, target=target, noticed=self._loop.time(), uris=uris)
        self._watched[name] = known
        if uris:
            known.ready.set_result(None)
        self._put(known, due)

    def _put(self, known: Watched, due: float) -> None:
        (self._doubtful if known.doubtful else self._sure).put(known, due)

    async def _survey_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(self._pace.survey)
            try:
                await self._survey(await asyncio.to_thread(self._table.all))
            except Exception:  # a loop that must outlive any one failure: logged, and tried again
                self._log.exception("the edge's file could not be asked for names")

    async def _survey(self, stored: dict[str, Uris]) -> None:
        """Know exactly the names that are wanted, and leave nothing of others in the table.

        A name noticed since the look began may be newer than what was seen: it stays.
        """
        began = self._loop.time()
        wanted = await asyncio.to_thread(self._table.wanted)
        for count, name in enumerate(wanted - self._watched.keys()):
            uris = stored.get(name, ())
            self._add(name, began + self._draw.uniform(0, self._pace.spread) if uris else began, uris)
            if count % CHUNK == CHUNK - 1:
                await asyncio.sleep(0)
        for name in [name for name, known in self._watched.items() if name not in wanted and known.noticed < began]:
            known = self._watched.pop(name)
            known.ticket = 0
            if not known.ready.done():
                known.ready.set_result(None)
        self._set_right(stored)
        self._wake.set()

    def _set_right(self, stored: dict[str, Uris]) -> None:
        """Have what stands in the table written again where it is not what is known."""
        right = {name: known.uris for name, known in self._watched.items() if stored.get(name, ()) != known.uris}
        right |= dict.fromkeys(stored.keys() - self._watched.keys(), ())
        if right:
            self._unwritten |= right
            self._to_write.set()

    # Looking up

    def _begin_what_is_due(self, tasks: asyncio.TaskGroup) -> float | None:
        """Begin as many look-ups as there is room for; the seconds until the next may begin, None if none waits."""
        now = self._loop.time()
        pauses = []
        for lane in (self._sure, self._doubtful):
            while lane.has_room and (due := lane.next_due()) is not None:
                pause = max(due, self._not_before) - now
                if pause > 0:
                    pauses.append(pause)
                    break
                burst = self._pace.at_once / self._pace.per_second
                self._not_before = max(self._not_before, now - burst) + 1 / self._pace.per_second
                tasks.create_task(self._look(lane.take(), lane))
        return min(pauses, default=None)

    async def _look(self, known: Watched, lane: Lane) -> None:
        try:
            async with asyncio.timeout(self._pace.look):
                answer = await look_up(known.target, self._dns, self._reach, self._draw)
        except TimeoutError:
            answer = _unanswered(f"no answer within {self._pace.look:g} s")
        except Exception as error:  # whatever a name server made it stumble over concerns this name alone
            self._log.exception("looking a name up failed", name=known.name)
            answer = _unanswered(f"{type(error).__name__}: {error}"[:200])
        finally:
            lane.give_back()
            self._wake.set()
        if self._watched.get(known.name) is known:
            self._take(known, answer)

    def _take(self, known: Watched, answer: Answer) -> None:
        """Act on an answer: what calls meet, what is told, when to look again."""
        now = self._loop.time()
        before = (known.uris, known.error, known.refused)
        pause = known.take(answer, now, self._clock(), self._pace)
        self._put(known, now + pause * self._draw.uniform(1, 1.1))
        self._silence = self._silence + 1 if answer.unanswered and not answer.hops else 0
        self.lookups["unanswered" if answer.unanswered else "resolved" if answer.hops else "nothing"] += 1
        self._tell(known, *before)
        if known.uris != before[0]:
            self._unwritten[known.name] = known.uris
            self._to_write.set()
        elif not known.ready.done():
            known.ready.set_result(None)

    def _tell(self, known: Watched, uris: Uris, error: str | None, refused: frozenset[str]) -> None:
        """Log what has changed; that addresses of one weight come in another order has not."""
        if set(known.uris) != set(uris):
            self._log.info("a name leads elsewhere", name=known.name, uris=known.uris)
        if known.refused - refused:
            self._log.warning("addresses of a name are refused", name=known.name, refused=sorted(known.refused))
        if known.error != error and known.error is not None:
            self._log.warning("a name is not resolved", name=known.name, error=known.error, kept=known.uris)

    # Writing down

    async def _write_again_and_again(self) -> None:
        while True:
            await self._to_write.wait()
            self._to_write.clear()
            batch, self._unwritten = self._unwritten, {}
            try:
                await asyncio.to_thread(self._table.write, batch)
            except sqlite3.Error as error:
                self._log.warning("the edge's file did not take addresses", error=str(error), names=len(batch))
                self._unwritten = batch | self._unwritten
                self._to_write.set()
                await asyncio.sleep(REWRITE)
                continue
            for name in batch:
                known = self._watched.get(name)
                if known is not None and name not in self._unwritten and not known.ready.done():
                    known.ready.set_result(None)


def _unanswered(why: str) -> Answer:
    return Answer(hops=(), ttl=0, unanswered=(why,))
