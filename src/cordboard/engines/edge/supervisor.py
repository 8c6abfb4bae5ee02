"""Keeps rtpengine and Kamailio running: adopts what runs, starts what does not, restarts what dies or hangs.

Whoever supervises may be killed; the engines go on, and the next one adopts them without a refused call.
"""

import asyncio
import contextlib
import errno
import random
import socket
import sqlite3
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from cordboard.engines.edge import config, dialogs, events, locations, orphans, registrations
from cordboard.engines.edge.config import EdgeFailed, EdgeOptions, Ports, split_listen
from cordboard.engines.edge.engine import TICK, Engine, Log
from cordboard.engines.edge.folder import Record, identity, installation_key, prepare, put
from cordboard.engines.edge.process import Place
from cordboard.engines.edge.rpc import Rpc, RpcFailed, ping_rtpengine
from cordboard.engines.edge.spool import Spool, Unusable

__all__ = ["Edge", "EdgeFailed", "EdgeOptions", "down", "prepare"]

#: Seconds before an engine is started again that died at once; doubled each time.
BACKOFF = (0.1, 5.0)


class Edge:
    """One edge on this machine."""

    def __init__(self, options: EdgeOptions, log: Log, on_state: Callable[[bool], None] = lambda ready: None) -> None:
        """`on_state` hears each change of `ready`."""
        self._options = options
        self._log = log
        self._on_state = on_state
        self._data = options.data.absolute()
        self._watchers: list[asyncio.Task[None]] = []
        self._was_ready = False
        #: Set when an engine has been started: calls may have lost their media.
        self._started = asyncio.Event()

    @property
    def options(self) -> EdgeOptions:
        return self._options

    @property
    def relays_media(self) -> bool:
        """rtpengine answers."""
        return bool(self._watchers) and self.rtpengine.answers

    @property
    def ready(self) -> bool:
        """Kamailio and rtpengine answer: calls are taken."""
        return bool(self._watchers) and self.kamailio.answers and self.rtpengine.answers

    async def start(self) -> None:
        """Adopt or start both, and keep them. Raises EdgeFailed if they cannot be started."""
        self.folder = prepare(self._options)
        self._record = Record.read(self._data)
        self.rpc = Rpc(self.folder, self._options.uid, self._options.gid).open()
        self.rtpengine = Engine("rtpengine", self._place("rtpengine"), self._log, self._ping_rtpengine)
        self.kamailio = Engine("kamailio", self._place("kamailio"), self._log, self._ping_kamailio)
        try:
            self._choose_ports()
            self._configure()
            await self._adopt()
            if self.kamailio.process is None:
                self._check_listens()
            if self.rtpengine.process is None:
                await self._start_rtpengine()
            if self.kamailio.process is None:
                await self._start_kamailio()
        except BaseException:
            for engine in (self.kamailio, self.rtpengine):
                if engine.process is not None and not engine.adopted:
                    await engine.end(grace=0)
            self.rpc.close()
            raise
        self._watchers = [
            asyncio.create_task(self._watch(self.rtpengine, self._start_rtpengine)),
            asyncio.create_task(self._watch(self.kamailio, self._start_kamailio)),
            asyncio.create_task(self._renew_when_idle()),
            asyncio.create_task(self._end_orphans()),
            asyncio.create_task(registrations.keep_forgetting(self.folder / "edge.sqlite")),
        ]
        self._tell()

    async def stop(self) -> None:
        """End both engines."""
        if await self.detach():
            await self.kamailio.end(grace=3.0)
            await self.rtpengine.end(grace=3.0)
            self._save()
        self._tell()

    async def detach(self) -> bool:
        """Leave the engines running on their own. False: there were none of ours."""
        if not self._watchers:
            return False
        watchers, self._watchers = self._watchers, []
        for watcher in watchers:
            watcher.cancel()
        await asyncio.wait(watchers)
        self.rpc.close()
        return True

    async def calls(self) -> int:
        """How many calls stand or are being set up. Raises RpcFailed."""
        return int((await self.rpc.call("dlg.stats_active"))["all"])

    async def hang_up(self, call: dialogs.Dialog) -> bool:
        """End a call that stands; False: Kamailio does not know it. Raises OSError and TimeoutError."""
        return await orphans.end(self.ports.decide, config.end_path(self._key), call, by_hand=True)

    # Starting

    def _choose_ports(self) -> None:
        """Those of before, as long as an engine has them or they are free."""
        before = self._record.ports
        taken = {split_listen(listen)[1] for listen in self._options.sip_listen}
        taken |= set(range(self._options.rtp_min, self._options.rtp_max + 1))
        ng = before.ng if before else 0
        if not (ng and self.rtpengine.place.held()):
            ng = _free_port(socket.SOCK_DGRAM, ng, taken)
        decide = before.decide if before else 0
        if not (decide and self.kamailio.place.held()):
            decide = _free_port(socket.SOCK_STREAM, decide, taken | {ng})
        self.ports = self._record.ports = Ports(ng=ng, decide=decide)

    def _configure(self) -> None:
        """Write what Kamailio reads, and work out what the engines should be running."""
        options = self._options
        self._key = installation_key(self.folder, options)
        texts = config.kamailio_cfg() | {"local.cfg": config.local_cfg(options, self.folder, self.ports, self._key)}
        self._files = {name: text.encode() for name, text in texts.items()}
        if options.tls_listen is not None:
            if options.tls_certificate is None or options.tls_key is None:
                raise EdgeFailed("a TLS address needs a certificate and its key")
            try:
                self._files["tls.crt"] = options.tls_certificate.read_bytes()
                self._files["tls.key"] = options.tls_key.read_bytes()
                if options.tls_ca_file is not None:
                    self._files["ca.crt"] = options.tls_ca_file.read_bytes()
            except OSError as error:
                raise EdgeFailed(f"cannot read {error.filename}: {error.strerror}") from error
            self._files["tls.cfg"] = config.tls_cfg(options, self.folder).encode()
        contents = [content.decode(errors="replace") for content in self._files.values()]
        self.kamailio.command = config.kamailio_command(self.folder)
        self.kamailio.fingerprint = config.fingerprint(self.kamailio.command, *contents)
        self._media_conf = config.rtpengine_conf(self.ports, self._key)
        self.rtpengine.command = config.rtpengine_command(options, self.folder, self.ports)
        self.rtpengine.fingerprint = config.fingerprint(self.rtpengine.command, self._media_conf)

    async def _adopt(self) -> None:
        for engine in (self.rtpengine, self.kamailio):
            await engine.adopt(self._record.processes.get(engine.name))
        # a Kamailio that reads a file which is no longer there decides by the past
        stale = self._record.file is not None and self._record.file != identity(self.folder / "edge.sqlite")
        if self.kamailio.process is not None and stale:
            self._log.warning("the edge's file is another one; replacing kamailio")
            await self.kamailio.end(grace=1.0)
        await self._renew(self._options.replace_edge)

    async def _renew(self, now: bool) -> bool:
        """Replace engines of another configuration: `now`, or if there is no call. True: nothing is outdated."""
        outdated = [engine for engine in (self.kamailio, self.rtpengine) if engine.outdated]
        if not outdated:
            return True
        with contextlib.suppress(RpcFailed):
            if not now and self.kamailio.process is not None and await self.calls() > 0:
                return False
        for engine in outdated:
            self._log.info("replacing an engine of another configuration", engine=engine.name)
            async with engine.changing:
                await engine.end(grace=1.0)
        return False

    async def _start_rtpengine(self) -> None:
        options = self._options
        if not 1024 <= options.rtp_min < options.rtp_max <= 65535:
            raise EdgeFailed(f"{options.rtp_min} to {options.rtp_max} is no range of RTP ports")
        for address in options.media:
            _check_free(socket.SOCK_DGRAM, address, 0, "media")
        put(self.folder / "rtpengine.conf", self._media_conf.encode(), options)
        await asyncio.to_thread(self._settle_recordings)
        await self.rtpengine.start()
        self._started.set()
        self._save()
        # Kamailio has put it out of use if it missed a command; it would try again by itself after a second
        with contextlib.suppress(RpcFailed):
            if self.kamailio.process is not None:
                await self.rpc.call("rtpengine.enable", "all", 1)

    def _settle_recordings(self) -> None:
        """What the rtpengine before was writing down when it ended."""
        standing = {}
        with contextlib.suppress(sqlite3.Error):
            standing = dialogs.recorded(self.folder / "dialog.sqlite")
        try:
            lost = Spool(self.folder / "recordings").settle(standing)
        except (Unusable, OSError) as error:
            self._log.warning("recordings cannot be settled", error=str(error))
            return
        for name in lost:
            self._log.warning("a recording is set aside", name=name, reason="nobody knows of which call it is")

    def _check_listens(self) -> None:
        for listen in (*self._options.sip_listen, *filter(None, (self._options.tls_listen,))):
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                _check_free(kind, *split_listen(listen), "SIP")

    async def _start_kamailio(self) -> None:
        self._check_listens()
        for name, content in self._files.items():
            put(self.folder / name, content, self._options)
        self._record.file = identity(self.folder / "edge.sqlite")
        await self._prepare_dialogs()
        for file, module in (("events.sqlite", events), ("location.sqlite", locations)):
            try:
                module.prepare(self.folder / file, self._options.uid, self._options.gid)
            except (sqlite3.Error, OSError) as error:
                raise EdgeFailed(f"{self.folder / file} cannot be made: {error}") from error
        await self.kamailio.start()
        self._started.set()
        self._save()

    async def _prepare_dialogs(self) -> None:
        file = self.folder / "dialog.sqlite"
        try:
            dialogs.prepare(file, self._options.uid, self._options.gid)
        except sqlite3.Error as error:
            raise EdgeFailed(f"{file} cannot be made: {error}") from error
        if self.rtpengine.process is not None:
            with contextlib.suppress(OSError, TimeoutError, sqlite3.Error):
                await orphans.forget_ended(file, self.ports.ng, self.rtpengine.process.since())

    # Watching

    async def _watch(self, engine: Engine, start: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Bring it back for as long as we run."""
        pause = BACKOFF[0]
        while True:
            since = time.monotonic()
            if engine.process is not None:
                reason = await engine.lost()
                engine.answers = False
                self._tell()
                if not engine.outdated:
                    self._log.warning("an engine is lost; starting it again", engine=engine.name, reason=reason)
            pause = BACKOFF[0] if time.monotonic() - since > 10 * BACKOFF[1] else min(pause * 2, BACKOFF[1])
            try:
                async with engine.changing:
                    await engine.end(grace=0)
                    await start()
            except (EdgeFailed, OSError) as error:
                self._log.warning("an engine does not start", engine=engine.name, error=str(error), again_in=pause)
                await asyncio.sleep(pause)
            self._tell()

    async def _renew_when_idle(self) -> None:
        if self.kamailio.outdated or self.rtpengine.outdated:
            self._log.warning("calls are up on engines of another configuration; they are replaced when idle")
        while not await self._renew(now=False):
            await asyncio.sleep(TICK)

    async def _end_orphans(self) -> None:
        file, path = self.folder / "dialog.sqlite", config.end_path(self._key)
        await orphans.watch(file, self.ports.ng, self.ports.decide, path, self._started)

    def _tell(self) -> None:
        if self.ready != self._was_ready:
            self._was_ready = self.ready
            self._on_state(self.ready)

    def _save(self) -> None:
        engines = (self.rtpengine, self.kamailio)
        self._record.processes = {engine.name: engine.process for engine in engines if engine.process is not None}
        self._record.write(self._data)

    async def _ping_rtpengine(self) -> bool:
        return await ping_rtpengine(self.ports.ng)

    async def _ping_kamailio(self) -> bool:
        try:
            await self.rpc.call("core.version", timeout=0.5)
        except RpcFailed:
            return False
        return True

    def _place(self, name: str) -> Place:
        return _place(name, self._data, self.folder, self._options.uid, self._options.gid)


def down(data: Path) -> list[str]:
    """End what a killed server left in that data directory; the names of what was ended. Blocks."""
    data = data.absolute()
    return [
        name
        for name in ("kamailio", "rtpengine")
        if (data / f"{name}.lock").exists() and _place(name, data, data / "edge", 0, 0).end(grace=3.0)
    ]


def _place(name: str, data: Path, folder: Path, uid: int, gid: int) -> Place:
    return Place(folder=folder, log=data / f"{name}.log", lock=data / f"{name}.lock", uid=uid, gid=gid)


def _free_port(kind: int, wanted: int, taken: set[int]) -> int:
    """A free port of 127.0.0.1, `wanted` if possible; above those that the kernel gives to anybody's connections."""
    above = range(61000, 65536)
    for port in (wanted, *random.sample(above, len(above))):
        if port and port not in taken:
            with socket.socket(socket.AF_INET, kind) as probe, contextlib.suppress(OSError):
                probe.bind((config.LOOPBACK, port))
                return port
    raise EdgeFailed("there is no free port on 127.0.0.1")


def _check_free(kind: int, address: str, port: int, what: str) -> None:
    """Raise EdgeFailed if the address is not ours or somebody listens there: Kamailio would share a UDP port."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            where = f"{address}:{port}" if port else address
            if error.errno == errno.EADDRINUSE:
                raise EdgeFailed(f"{what} address {where} is taken by another program") from error
            raise EdgeFailed(f"{what} address {where} cannot be used: {error.strerror}") from error
