"""One engine, rtpengine or Kamailio: adopted or started, watched, ended."""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from cordboard.engines.edge.config import EdgeFailed
from cordboard.engines.edge.process import Place, Process, reap

#: Seconds between two looks at an engine that lives.
TICK = 0.5
#: Seconds without an answer after which an engine counts as hung.
HUNG = 2.0
#: Seconds that a starting engine has until its first answer.
STARTING = 10.0
#: Bytes of an engine's log that are kept, once more as its old part.
LOG_LIMIT = 16 << 20


class Log(Protocol):
    """As much of a structlog logger as is used here."""

    def info(self, event: str, **values: Any) -> Any: ...
    def warning(self, event: str, **values: Any) -> Any: ...


class Engine:
    """One of the two: its process, whether it answers, and how it is brought back."""

    def __init__(self, name: str, place: Place, log: Log, ping: Callable[[], Coroutine[Any, Any, bool]]) -> None:
        self.name = name
        self.place = place
        self.command: list[str] = []
        self.fingerprint = ""
        self.process: Process | None = None
        self.answers = False
        self.adopted = False
        #: Held by whoever ends or starts it.
        self.changing = asyncio.Lock()
        self._log = log
        self._ping = ping

    @property
    def outdated(self) -> bool:
        """It runs with another configuration than it would be started with."""
        return self.process is not None and self.process.fingerprint != self.fingerprint

    async def adopt(self, recorded: Process | None) -> bool:
        """Take over the recorded process if it is alive and answers; else see to it that nothing is left."""
        if not self.place.held():
            return False
        if recorded is not None and recorded.alive():
            deadline = time.monotonic() + HUNG
            while time.monotonic() < deadline:
                if await self._ping():
                    self.process, self.answers, self.adopted = recorded, True, True
                    self._log.info("adopted a running engine", engine=self.name, pid=recorded.pid)
                    return True
                await asyncio.sleep(0.05)
        self._log.warning("an engine is left that does not answer; ending it", engine=self.name)
        await self.end(grace=0)
        return False

    async def start(self) -> None:
        """Start it and wait for its first answer. Raises EdgeFailed."""
        self.place.bound_log(LOG_LIMIT)
        (self.place.folder / f"{self.name}.pid").unlink(missing_ok=True)
        try:
            self.process, self.adopted = self.place.spawn(self.command, self.fingerprint), False
        except OSError as error:
            raise EdgeFailed(f"{self.name} cannot be started: {error}") from error
        deadline = time.monotonic() + STARTING
        while not (answers := await self._ping()) and self.process.alive() and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        if not answers:
            await self.end(grace=0)
            raise EdgeFailed(f"{self.name} did not start; {self.place.log} ends with:\n{self.place.tail()}")
        self.answers = True
        self._log.info("started an engine", engine=self.name, pid=self.process.pid)

    async def lost(self) -> str:
        """Wait until it is dead or hung, and say which."""
        process = self.process
        assert process is not None
        gone = asyncio.Event()
        loop = asyncio.get_running_loop()
        try:
            watched = os.pidfd_open(process.pid)
        except ProcessLookupError:
            return "it died"
        try:
            loop.add_reader(watched, gone.set)
            unanswered = 0
            # counted, not timed: if it was we who stood still, the engine is not to blame
            while unanswered * TICK < HUNG:
                began = time.monotonic()
                unanswered = 0 if await self._ping() else unanswered + 1
                # not wait_for, which in Python 3.11 can lose a cancellation
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(max(0.0, began + TICK - time.monotonic())):
                        await gone.wait()
                if gone.is_set() or not process.alive():
                    return "it died"
                self.place.bound_log(LOG_LIMIT)
            return f"it gave no answer for {HUNG:g} s"
        finally:
            loop.remove_reader(watched)
            os.close(watched)

    async def end(self, grace: float) -> None:
        """End all its processes."""
        self.answers = False
        await asyncio.to_thread(self.place.end, grace)
        if self.process is not None:
            reap(self.process.pid)
            self.process = None
