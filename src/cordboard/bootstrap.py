"""The composition root: the one place that knows concrete classes, and the order in which they start and stop."""

import asyncio
import contextlib
import fcntl
import os
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import structlog
import uvicorn
import uvloop
from prometheus_client import CollectorRegistry

from cordboard.dialects import server as http_server
from cordboard.dialects.diga import routes as diga
from cordboard.dialects.native import routes as native
from cordboard.dialects.nebrija import routes as nebrija
from cordboard.dialects.telecom_center import routes as telecom_center
from cordboard.domain.addresses import HostPolicy, HostPort, as_address, parse_host_port
from cordboard.domain.errors import InvalidHost
from cordboard.domain.livekit import LiveKitSip
from cordboard.engines.edge import supervisor
from cordboard.engines.edge.config import EdgeOptions
from cordboard.engines.edge.file import EdgeFile
from cordboard.engines.edge.follower import Follower
from cordboard.engines.edge.ingest import EventsCollector, Ingest
from cordboard.engines.edge.names.metrics import NamesCollector
from cordboard.engines.edge.names.reach import reach_of
from cordboard.engines.edge.names.servers import NameServers
from cordboard.engines.edge.names.watch import Names
from cordboard.engines.edge.projection import Projection
from cordboard.engines.edge.recordings import Kept, Recordings, RecordingsCollector
from cordboard.engines.edge.registrar import Registrar
from cordboard.engines.edge.rows import Rows
from cordboard.engines.edge.state import State
from cordboard.engines.edge.supervisor import Edge, EdgeFailed
from cordboard.logs import configure
from cordboard.settings import Settings
from cordboard.storage.postgres import PostgresStore
from cordboard.storage.secrets import KeyRing
from cordboard.storage.sqlite import SqliteStore
from cordboard.usecases import clockwork
from cordboard.usecases.calls import forget_old
from cordboard.usecases.keys import Keyholders
from cordboard.usecases.operators import Logins
from cordboard.usecases.ports import Clock, Context, Reconciliation, utc_now

log = structlog.get_logger()


class CannotServe(Exception):
    """The server cannot start; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one run of the server is told on its command line."""

    data: Path
    #: HTTP address; port 0 takes a free one.
    listen: str
    with_edge: bool = True
    replace_edge: bool = False


@dataclass(kw_only=True)
class Service:
    """A running installation, without its HTTP server."""

    context: Context
    keyholders: Keyholders
    admin_token: str = field(repr=False)
    edge: Edge | None
    #: Ends with EdgeFailed if the edge cannot start; None without an edge.
    edge_start: asyncio.Task[None] | None
    #: What host names resolve to; None without an edge.
    names: Names | None
    #: Who is registered; None without an edge.
    registrar: Registrar | None
    #: What takes in the edge's events; None without an edge.
    events: Ingest | None
    #: Objects on a page of the operator API, at most.
    largest_page: int
    #: What keeps LiveKit in step; None without one.
    livekit: Reconciliation | None
    #: The sound of recorded calls, and what makes it; None without an edge.
    recordings: Kept
    recorder: Recordings | None

    def unready(self) -> str | None:
        """Why calls cannot be taken now; None if they can."""
        return None if self.edge is None or self.edge.ready else "the edge is not ready"

    def app(self) -> Any:
        """The ASGI app with every dialect at its base path."""
        release = version("cordboard")
        state = None if self.edge is None else State(self.edge)
        dialects = {
            native.PREFIX: (
                "native",
                native.app(
                    *(self.context, self.keyholders, self.admin_token, release),
                    *(state, self.registrar, self.recordings, self.livekit),
                ),
            ),
            diga.PREFIX: ("diga", diga.app(self.context, self.keyholders, release)),
            nebrija.PREFIX: ("nebrija", nebrija.app(self.context, self.keyholders, release)),
            telecom_center.PREFIX: ("telecom.center", telecom_center.app(self._operators(), release)),
        }
        registry = CollectorRegistry()
        if self.names is not None:
            registry.register(NamesCollector(self.names))
        if self.events is not None:
            registry.register(EventsCollector(self.events))
        if self.recorder is not None:
            registry.register(RecordingsCollector(self.recorder))
        return http_server.server(dialects, registry, self.unready)

    def _operators(self) -> telecom_center.Installation:
        return telecom_center.Installation(
            context=self.context,
            logins=Logins(self.context.store),
            registrar=self.registrar,
            largest_page=self.largest_page,
        )


def migrate(settings: Settings, data: Path) -> None:
    """Bring the database's schema to this version. Blocks."""
    from cordboard.storage.migrations.run import migrate as bring  # SQLAlchemy costs half a second: only when needed

    _make_private(data)
    bring(_database_url(settings, data))


def serve(settings: Settings, run: Run) -> None:
    """Serve until SIGINT or SIGTERM. Raises CannotServe."""
    configure(settings.log_level)
    _make_private(run.data)
    with _only_server_of(run.data), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, run))


def down(data: Path) -> tuple[str, ...]:
    """End the engines that a killed server left; which ones there were. Raises CannotServe while one serves."""
    with _only_server_of(data):
        return tuple(supervisor.down(data))


@contextlib.asynccontextmanager
async def service(settings: Settings, run: Run, clock: Clock = utc_now) -> AsyncIterator[Service]:
    """An installation in `run.data`: migrated, its store open, its edge starting, its clock turning."""
    await _bring_up_to_date(settings, run.data)
    options = _edge_options(settings, run) if run.with_edge else None
    async with contextlib.AsyncExitStack() as stack:
        file = (
            None if options is None else EdgeFile(supervisor.prepare(options) / "edge.sqlite", options.uid, options.gid)
        )
        if file is not None:
            stack.callback(file.close)
        ring = KeyRing.open(settings.secrets_file or run.data / "secrets.json")
        store, projector = await _open_store(
            stack, settings, run.data, file, Rows(ring, settings.sip_realm, settings.sip_digest, _livekit_sip(settings))
        )
        context = Context(
            store=store,
            sealer=ring,
            hosts=HostPolicy(allow_private=settings.allow_private_hosts),
            clock=clock,
        )
        alone, livekit = context, None
        if settings.livekit_url is not None:
            context, livekit = await _provision(stack, settings, context)
        names = None
        if options is not None and file is not None and projector is not None:
            names = projector.watchers.names = await _watch_names(stack, settings, options, file, context.hosts)
        edge = None if options is None else Edge(options, log)
        registrar = None if edge is None else Registrar(edge)
        if projector is not None:
            projector.watchers.registrar = registrar
        edge_start = events = recorder = None
        if edge is not None and options is not None:
            events = Ingest.of(options, store, log)
            # ends after the edge, whose last words it takes
            _background(stack, events.run())
            stack.push_async_callback(edge.stop)
            edge_start = _background(stack, edge.start())
            recorder = Recordings.of(options, settings.keep_recordings_days, log)
            _background(stack, recorder.run())
        # what is due is not put off because LiveKit is away: it follows
        _background(stack, _turn_the_clock(alone, settings))
        yield Service(
            context=context,
            keyholders=Keyholders(store),
            admin_token=_admin_token(run.data),
            edge=edge,
            edge_start=edge_start,
            names=names,
            registrar=registrar,
            events=events,
            livekit=livekit,
            largest_page=settings.operator_max_page,
            recordings=Kept(run.data),
            recorder=recorder,
        )


class _HttpServer(uvicorn.Server):
    """uvicorn without its own handling of signals, which ends the process before the edge is stopped."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve(settings: Settings, run: Run) -> None:
    listener = _bind(run.listen)
    async with service(settings, run) as running:
        config = uvicorn.Config(
            running.app(),
            http="httptools",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
        server = _HttpServer(config)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, setattr, server, "should_exit", True)
        host, port = listener.getsockname()[:2]
        url = f"http://{HostPort(host=host, port=port)}"
        _publish(run.data / "server.url", url)
        log.info("serving", url=url, edge=run.with_edge)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        failed = await _until_over(serving, running.edge_start)
        server.should_exit = True
        await serving
        (run.data / "server.url").unlink(missing_ok=True)
        if failed is not None:
            raise CannotServe(str(failed)) from failed


async def _until_over(serving: asyncio.Task[None], edge_start: asyncio.Task[None] | None) -> EdgeFailed | None:
    """Wait for the server's end, or for the failure of the edge to start."""
    tasks = {serving} if edge_start is None else {serving, edge_start}
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    if edge_start is not None and edge_start.done() and not edge_start.cancelled():
        error = edge_start.exception()
        if isinstance(error, EdgeFailed):
            return error
        if error is not None:
            raise error
    await asyncio.wait({serving})
    return None


def _background(stack: contextlib.AsyncExitStack, work: Any) -> asyncio.Task[None]:
    """A task that ends with the service."""
    task = asyncio.create_task(work)

    async def end() -> None:
        task.cancel()
        await asyncio.wait({task})

    stack.push_async_callback(end)
    return task


async def _turn_the_clock(context: Context, settings: Settings) -> None:
    """Let time do its work for as long as the service runs."""
    keep_calls = timedelta(days=settings.keep_calls_days)
    keep_refusals = timedelta(days=settings.keep_refusals_days)
    while True:
        try:
            await clockwork.tick(context)
            await forget_old(context, keep_calls, keep_refusals)
        except Exception:  # a loop that must outlive any one failure: logged, and tried again
            log.exception("the clockwork failed")
        await asyncio.sleep(settings.clockwork_seconds)


async def _open_store(
    stack: contextlib.AsyncExitStack, settings: Settings, data: Path, file: EdgeFile | None, rows: Rows
) -> tuple[SqliteStore | PostgresStore, Projection | Follower | None]:
    """The store, and who keeps the edge's file abreast of it."""
    url = _database_url(settings, data)
    if url.startswith("sqlite:"):
        projection = None if file is None else Projection(file, rows)
        store = SqliteStore(_sqlite_path(url), projection)
        stack.push_async_callback(store.close)
        return store, projection
    server = await PostgresStore.open(url, connections=settings.database_connections)
    stack.push_async_callback(server.close)
    if file is None:
        return server, None
    follower = Follower(server, file, rows)
    await follower.start()
    _background(stack, follower.run())
    server.after_commit = follower.caught_up
    return server, follower


def _livekit_sip(settings: Settings) -> LiveKitSip | None:
    """In `edge` mode. Raises CannotServe."""
    if settings.livekit_url is None or settings.livekit_mode != "edge":
        return None
    if settings.livekit_sip is None:
        raise CannotServe("CORDBOARD_LIVEKIT_MODE=edge needs CORDBOARD_LIVEKIT_SIP, where LiveKit's SIP side is")
    return LiveKitSip.of(settings.livekit_sip, settings.livekit_api_secret)


async def _provision(
    stack: contextlib.AsyncExitStack, settings: Settings, context: Context
) -> tuple[Context, Reconciliation]:
    """The context whose writes LiveKit is told of first, and what compares all of it. Raises CannotServe."""
    from cordboard.engines.livekit import engine  # LiveKit's client costs time and memory: only where it is used
    from cordboard.engines.livekit.options import LiveKitOptions

    options = LiveKitOptions(
        url=settings.livekit_url or "",
        key=settings.livekit_api_key,
        secret=settings.livekit_api_secret,
        sip=_livekit_sip(settings),
        edges=settings.livekit_edges,
        edge_at=settings.sip_advertise or settings.sip_listen[0],
        room_prefix=settings.livekit_room_prefix,
        timeout=settings.livekit_timeout_seconds,
        interval=settings.livekit_interval_seconds,
    )
    try:
        running = await engine.start(options, context, log, sole=isinstance(context.store, SqliteStore))
    except engine.CannotStart as error:
        raise CannotServe(str(error)) from error
    stack.push_async_callback(running.close)
    _background(stack, running.run())
    return replace(context, store=running.store), running


async def _watch_names(
    stack: contextlib.AsyncExitStack, settings: Settings, options: EdgeOptions, file: EdgeFile, hosts: HostPolicy
) -> Names:
    """Host names looked up for as long as the service runs. Raises CannotServe."""
    try:
        reach = reach_of(options, hosts)
    except EdgeFailed as error:
        raise CannotServe(str(error)) from error
    names = Names(file.path, NameServers(_name_servers(settings)), reach, log)
    await names.start()
    _background(stack, names.run())
    return names


def _name_servers(settings: Settings) -> tuple[HostPort, ...]:
    """Raises CannotServe."""
    try:
        servers = tuple(map(parse_host_port, settings.dns_servers))
    except InvalidHost as error:
        raise CannotServe(f"CORDBOARD_DNS_SERVERS: {error}") from error
    for server in servers:
        if as_address(server.host) is None:
            raise CannotServe(f"CORDBOARD_DNS_SERVERS: {server.host!r} is not an IP address")
    return servers


async def _bring_up_to_date(settings: Settings, data: Path) -> None:
    """Migrate unless the schema is this version's already, which is asked without loading the migrations."""
    url = _database_url(settings, data)
    if url.startswith("sqlite:"):
        current = await SqliteStore.is_current(_sqlite_path(url))
    else:
        current = await PostgresStore.is_current(url)
    if not current:
        await asyncio.to_thread(migrate, settings, data)


def _database_url(settings: Settings, data: Path) -> str:
    return settings.database_url or f"sqlite:///{(data / 'store.sqlite').resolve()}"


def _sqlite_path(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def _edge_options(settings: Settings, run: Run) -> EdgeOptions:
    return EdgeOptions(
        data=run.data,
        sip_listen=settings.sip_listen,
        sip_advertise=settings.sip_advertise,
        tls_listen=settings.tls_listen,
        tls_certificate=settings.tls_certificate,
        tls_key=settings.tls_key,
        tls_ca_file=settings.tls_ca_file,
        media_address=settings.media_address,
        media_advertise=settings.media_advertise,
        rtp_min=settings.rtp_min,
        rtp_max=settings.rtp_max,
        uid=settings.edge_uid,
        gid=settings.edge_gid,
        realm=settings.sip_realm,
        digest=settings.sip_digest,
        register_min=settings.register_min_seconds,
        register_max=settings.register_max_seconds,
        max_duration=settings.max_call_seconds,
        probe_seconds=settings.probe_seconds,
        flood_messages=settings.flood_messages,
        ban_seconds=settings.ban_seconds,
        trunk_max_calls=settings.trunk_max_calls,
        trunk_calls_per_second=settings.trunk_calls_per_second,
        tenant_max_calls=settings.tenant_max_calls,
        tenant_calls_per_second=settings.tenant_calls_per_second,
        trunk_max_inbound_calls=settings.trunk_max_inbound_calls,
        events_megabytes=settings.events_megabytes,
        replace_edge=run.replace_edge,
    )


def _bind(listen: str) -> socket.socket:
    """Raises CannotServe."""
    try:
        where = parse_host_port(listen if not listen.endswith(":0") else listen[:-2])
    except InvalidHost as error:
        raise CannotServe(f"--listen {listen}: {error}") from error
    port = 0 if listen.endswith(":0") else where.port or 8080
    try:
        return socket.create_server(
            (where.host, port), family=socket.AF_INET6 if ":" in where.host else socket.AF_INET, backlog=2048
        )
    except OSError as error:
        raise CannotServe(f"cannot listen on {listen}: {error.strerror}; choose another --listen") from error


def _make_private(data: Path) -> None:
    """The data directory. Others may pass through it, since the edge's folder lies inside; they list nothing."""
    data.mkdir(parents=True, exist_ok=True)
    data.chmod(0o711)
    os.umask(0o077)


@contextlib.contextmanager
def _only_server_of(data: Path) -> Iterator[None]:
    """Hold the directory's lock, which dies with the process and which no engine inherits. Raises CannotServe."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / "serve.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotServe(f"another `cordboard serve` uses {data}") from None
        yield


def _publish(path: Path, text: str) -> None:
    """Write a file that others wait for: it is there as a whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text + "\n")
    fresh.replace(path)


def _admin_token(data: Path) -> str:
    """The token that opens the administration: made once, kept in the data directory with mode 0600."""
    path = data / "admin.token"
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
    return path.read_text().strip()
