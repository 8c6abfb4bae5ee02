"""Recorded calls: what rtpengine has finished becomes sound, which is kept for as long as it is to be kept.

It lies where the engines cannot reach it: DATA/recordings/CALL/START.wav, a file for each time that recording began.
"""

import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from cordboard.engines.edge.config import EdgeOptions
from cordboard.engines.edge.folder import prepare
from cordboard.engines.edge.sound import NO_SOUND, WAV_HEADER, header
from cordboard.engines.edge.spool import Spool, Told, Unusable

#: Seconds between two looks for finished recordings, after a failure, and between two looks for old ones.
PERIOD: Final = 0.5
AGAIN: Final = 10.0
FORGETTING: Final = 3600.0
#: Names of finished recordings that are looked up at once.
NAMES: Final = 100
#: Seconds that one may take: a day of a call takes one or two minutes.
PATIENCE: Final = 900.0
_CALL: Final = re.compile(r"[0-9A-Za-z-]{1,80}")


class Log(Protocol):
    """As much of a structlog logger as is used here."""

    def info(self, event: str, **values: Any) -> Any: ...
    def warning(self, event: str, **values: Any) -> Any: ...
    def exception(self, event: str, **values: Any) -> Any: ...


class Kept:
    """The sound that there is. Blocks."""

    def __init__(self, data: Path) -> None:
        #: The edge's host alone has it.
        self.folder = data.absolute() / "recordings"

    def has(self, call: str) -> bool:
        """Whether anything is kept of the call."""
        return self._of(call) is not None

    def open(self, call: str) -> tuple[int, Iterator[bytes]] | None:
        """Length and bytes of one WAV of all that is kept of the call, one after the other; None if nothing is."""
        folder = self._of(call)
        parts: list[tuple[BinaryIO, int]] = []
        for path in [] if folder is None else sorted(folder.glob("*.wav")):
            with contextlib.suppress(FileNotFoundError):
                file = path.open("rb")
                parts.append((file, os.fstat(file.fileno()).st_size - WAV_HEADER))
        if not parts:
            return None
        size = sum(size for _, size in parts)
        return WAV_HEADER + size, _joined(header(size), [file for file, _ in parts])

    def put(self, new: Path, call: str, start: int) -> None:
        """Take in one more part. It has its place by its start: a second time it is the same."""
        (self.folder / call).mkdir(mode=0o700, exist_ok=True)
        new.rename(self.folder / call / f"{start:017d}.wav")

    def new(self) -> Path:
        """A path for a part that is being made; what a killed server left there is gone."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / ".new"
        path.unlink(missing_ok=True)
        return path

    def forget(self, before: float) -> None:
        """Delete what was made before."""
        for path in self.folder.glob("*/*.wav"):
            if path.stat().st_mtime < before:
                path.unlink()
                with contextlib.suppress(OSError):
                    path.parent.rmdir()

    def _of(self, call: str) -> Path | None:
        path = self.folder / call
        return path if _CALL.fullmatch(call) and path.is_dir() else None


def _joined(head: bytes, parts: list[BinaryIO]) -> Iterator[bytes]:
    with contextlib.ExitStack() as stack:
        for part in parts:
            stack.enter_context(part)
        yield head
        for part in parts:
            part.seek(WAV_HEADER)
            while bite := part.read(1 << 18):
                yield bite


class Recordings:
    """Makes sound of what one edge has recorded."""

    def __init__(self, spool: Spool, kept: Kept, *, days: int, log: Log) -> None:
        """Sound is kept for `days`."""
        self._spool = spool
        self._kept = kept
        self._keep = days * 86400
        self._log = log
        self._names: list[str] = []
        self._forgot = -FORGETTING
        #: Sounds that were made, and recordings of which none could be.
        self.made = self.set_aside = 0

    @classmethod
    def of(cls, options: EdgeOptions, days: int, log: Log) -> "Recordings":
        """Raises EdgeFailed."""
        return cls(Spool(prepare(options) / "recordings"), Kept(options.data), days=days, log=log)

    async def run(self) -> None:
        """Never ends of itself; what fails is tried again."""
        while True:
            pause = AGAIN
            try:
                pause = 0.0 if await self.step() else PERIOD
                if time.monotonic() - self._forgot >= FORGETTING:
                    self._forgot = time.monotonic()
                    await asyncio.to_thread(self._forget)
            except OSError as error:
                self._log.warning("recordings cannot be made now", error=str(error))
            except Exception:  # a loop that must outlive any one failure: logged, and tried again
                self._log.exception("recordings cannot be made")
            await asyncio.sleep(pause)

    async def step(self) -> bool:
        """Make sound of one recording; False if there is none. Raises OSError."""
        if not self._names:
            self._names = await asyncio.to_thread(self._spool.finished, NAMES)
        if not self._names:
            return False
        name = self._names.pop(0)
        try:
            pcap, told = await asyncio.to_thread(self._spool.open, name)
            with contextlib.closing(os.fdopen(pcap, "rb")):
                await self._make(pcap, told)
            await asyncio.to_thread(self._spool.remove, name)
        except Unusable as error:
            await asyncio.to_thread(self._put_aside, name, str(error))
        return True

    async def _make(self, pcap: int, told: Told) -> None:
        """Raises Unusable and OSError."""
        new = self._kept.new()
        with new.open("xb") as wav:
            os.fchmod(wav.fileno(), 0o600)
            found = await self._run(pcap, wav.fileno(), told.port)
        if found["packets"] > 0:
            self._kept.put(new, told.call, found["start"])
            self.made += 1
            return
        new.unlink()
        if found["others"]:
            raise Unusable(f"it has no G.711, but RTP of the payload types {', '.join(found['others'])}")
        self._log.info("nothing was said while a call was recorded", call=told.call)

    async def _run(self, pcap: int, wav: int, port: int) -> dict[str, Any]:
        """What sound.py has found. Ends with whoever waits for it."""
        program = subprocess.Popen(
            [sys.executable, "-I", "-m", "cordboard.engines.edge.sound", str(wav), str(port)],
            stdin=pcap,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(wav,),
            cwd=self._kept.folder,
            text=True,
        )
        try:
            out, error = await asyncio.to_thread(program.communicate, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise Unusable(f"it was not done in {PATIENCE:g} s") from None
        finally:
            if program.returncode is None:
                program.kill()
        if program.returncode == NO_SOUND:
            raise Unusable(error)
        if program.returncode != 0:
            raise OSError((error.strip().splitlines() or [f"sound.py ended with {program.returncode}"])[-1])
        found: dict[str, Any] = json.loads(out)
        return found

    def _put_aside(self, name: str, reason: str) -> None:
        self.set_aside += 1
        self._log.warning("a recording is set aside", name=name, reason=reason)
        self._spool.put_aside(name)

    def _forget(self) -> None:
        before = time.time() - self._keep
        self._kept.forget(before)
        self._spool.forget(before)


class RecordingsCollector(Collector):
    """What Prometheus is told of recordings."""

    def __init__(self, recordings: Recordings) -> None:
        self._recordings = recordings

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily("cordboard_recordings_made", "Recordings made into sound", self._recordings.made)
        yield CounterMetricFamily(
            "cordboard_recordings_set_aside", "Recordings of which no sound could be made", self._recordings.set_aside
        )
