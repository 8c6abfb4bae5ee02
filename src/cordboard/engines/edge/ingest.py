"""What Kamailio has written down of events, into the store: again and again, for as long as the service runs."""

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from cordboard.domain.calls import Booted, Event, Lost
from cordboard.domain.errors import CordboardError
from cordboard.engines.edge import dialogs
from cordboard.engines.edge.config import EdgeOptions
from cordboard.engines.edge.events import Batch, EventFile, Ingested
from cordboard.engines.edge.folder import named
from cordboard.engines.edge.lines import parse
from cordboard.storage import calls
from cordboard.storage.transaction import Stale
from cordboard.usecases.calls import Told, ingest
from cordboard.usecases.ports import Store

#: Seconds between two looks when there was nothing more, and after a failure.
PERIOD: Final = 0.25
AGAIN: Final = 1.0
#: Seconds after which Kamailio is told once more how far we are: edge.sqlite may have been made anew.
REPEAT: Final = 10.0
#: Rows of the file in one transaction, of at most 100 lines each: the API's writes wait for no more than these.
ROWS: Final = 3


class Log(Protocol):
    """As much of a structlog logger as is used here."""

    def warning(self, event: str, **values: Any) -> Any: ...
    def exception(self, event: str, **values: Any) -> Any: ...


class Ingest:
    """One edge's events. `folder` is the edge's, `edge` its name in the store."""

    def __init__(self, folder: Path, edge: str, store: Store, log: Log) -> None:
        self._edge = edge
        self._store = store
        self._log = log
        self._file = EventFile(folder / "events.sqlite")
        self._dialogs = folder / "dialog.sqlite"
        self._ingested = Ingested(folder / "edge.sqlite")
        self._at: tuple[str, int] | None = None
        self._told: tuple[str, int] | None = None
        self._told_at = 0.0
        self._failing = False
        #: Lines that were taken, and lines that no rule could read.
        self.taken = 0
        self.unreadable = 0
        #: The file's counters when it was read last.
        self.lost = Lost()

    @classmethod
    def of(cls, options: EdgeOptions, store: Store, log: Log) -> "Ingest":
        """Raises EdgeFailed."""
        return cls(*named(options), store, log)

    async def run(self) -> None:
        """Never ends of itself; what fails is tried again."""
        while True:
            try:
                more = await self.step()
                self._failing = False
            except (sqlite3.Error, OSError, CordboardError, Stale) as error:
                if not self._failing:
                    self._log.warning("events cannot be taken now", error=str(error))
                await self._pause()
                continue
            except Exception:  # a loop that must outlive any one failure: logged, and tried again
                self._log.exception("events cannot be taken")
                await self._pause()
                continue
            if not more:
                await asyncio.sleep(PERIOD)

    async def _pause(self) -> None:
        self._failing = True
        self._at = None
        await asyncio.sleep(AGAIN)

    async def step(self) -> bool:
        """Take some rows; whether there may be more. Raises sqlite3.Error, CordboardError and Stale."""
        if not self._file.exists():
            return False  # no Kamailio was ever started
        file, position = await self._position()
        batch = await asyncio.to_thread(self._file.after, file, position, ROWS)
        if batch.file != file:
            self._at = None
            return True
        if batch.rows or batch.lost != self.lost:
            await self._take(batch, position)
        more = len(batch.rows) == ROWS
        await self._publish(soon=not more)
        return more

    async def _publish(self, *, soon: bool) -> None:
        """Tell Kamailio how far we are; once a second will do while there is more."""
        age = time.monotonic() - self._told_at
        if self._at is not None and (age > REPEAT or (self._told != self._at and (soon or age > 1))):
            await asyncio.to_thread(self._ingested.publish, *self._at)
            self._told, self._told_at = self._at, time.monotonic()

    async def _position(self) -> tuple[str, int]:
        if self._at is None:
            file = await asyncio.to_thread(self._file.name)
            self._at = (file, await self._store.read(partial(calls.position, file=file)))
            self._told = None
        return self._at

    async def _take(self, batch: Batch, position: int) -> None:
        events = await asyncio.to_thread(self._parse, batch)
        standing: frozenset[str] = frozenset()
        if any(isinstance(event, Booted) for _, _, event in events):
            standing = await asyncio.to_thread(dialogs.calls, self._dialogs)
        after = batch.rows[-1][0] if batch.rows else position
        told = Told(
            edge=self._edge,
            file=batch.file,
            before=position,
            after=after,
            events=events,
            lost=batch.lost,
            standing=standing,
        )
        self._at = None  # unknown until it is done
        await self._store.write(None, partial(ingest, told=told))
        self._at = (batch.file, after)
        self.taken += len(events)
        self.lost = batch.lost

    def _parse(self, batch: Batch) -> list[tuple[int, int, Event]]:
        events: list[tuple[int, int, Event]] = []
        for id, body in batch.rows:
            for number, line in enumerate(body.rstrip("\n").split("\n")):
                try:
                    event = parse(line, f"{batch.file}-{id:x}-{number:x}")
                    events += [] if event is None else [(id, number, event)]
                except (ValueError, TypeError, KeyError) as error:
                    self.unreadable += 1
                    self._log.warning("an event cannot be read", line=line[:200], error=str(error))
        return events


class EventsCollector(Collector):
    """What Prometheus is told of events."""

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest

    def collect(self) -> Iterator[Metric]:
        ingest = self._ingest
        yield CounterMetricFamily("cordboard_events_taken", "Events of the edge that are in the store", ingest.taken)
        lost = CounterMetricFamily(
            "cordboard_events_lost", "Events that were dropped, or could not be read", labels=["kind"]
        )
        for kind in ("calls", "messages", "refusals"):
            lost.add_metric([kind], getattr(ingest.lost, kind))
        lost.add_metric(["unreadable"], ingest.unreadable)
        yield lost
        yield CounterMetricFamily("cordboard_banned_messages", "SIP messages of banned sources", ingest.lost.banned)
