"""The composition root: the one place that knows concrete classes, and the order in which they start and stop."""

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import structlog
import uvicorn
import uvloop
from prometheus_client import CollectorRegistry

from cordboard.console import app as console
from cordboard.dialects import server as http_server
from cordboard.dialects.diga import routes as diga
from cordboard.dialects.native import routes as native
from cordboard.dialects.native.callers import Callers
from cordboard.dialects.nebrija import routes as nebrija
from cordboard.dialects.telecom_center import routes as telecom_center
from cordboard.domain.addresses import HostPolicy, HostPort, as_address, parse_host_port
from cordboard.domain.errors import CordboardError, InvalidHost
from cordboard.domain.livekit import LiveKitSip
from cordboard.engines.edge import supervisor
from cordboard.engines.edge.config import EdgeOptions
from cordboard.engines.edge.deciding import FromFile, FromStore
from cordboard.engines.edge.file import EdgeFile
from cordboard.engines.edge.follower import Follower
from cordboard.engines.edge.health import Health
from cordboard.engines.edge.ingest import EventsCollector, Ingest
from cordboard.engines.edge.live import Live
from cordboard.engines.edge.names.metrics import NamesCollector
from cordboard.engines.edge.names.reach import Reach, reach_of
from cordboard.engines.edge.names.servers import NameServers
from cordboard.engines.edge.names.watch import Names
from cordboard.engines.edge.online import Online
from cordboard.engines.edge.projection import Projection
from cordboard.engines.edge.recordings import Kept, Recordings, RecordingsCollector
from cordboard.engines.edge.registrar import Registrar
from cordboard.engines.edge.report import Reporter
from cordboard.engines.edge.rows import Rows
from cordboard.engines.edge.state import State
from cordboard.engines.edge.supervisor import Edge, EdgeFailed
from cordboard.engines.edge.verify.prober import EdgeProber
from cordboard.engines.webhooks.dispatch import Dispatch, WebhooksCollector
from cordboard.engines.webhooks.post import Post
from cordboard.logs import configure
from cordboard.place import CannotServe as CannotServe
from cordboard.place import admin_token, bind, make_private, only_server_of, publish
from cordboard.settings import Settings
from cordboard.storage import following
from cordboard.storage.postgres import PostgresStore
from cordboard.storage.ring_file import RingUnusable
from cordboard.storage.secrets import KeyRing
from cordboard.storage.sqlite import SqliteStore
from cordboard.usecases import clockwork, imports, verifications
from cordboard.usecases.attempts import Attempts
from cordboard.usecases.calls import forget_old as forget_old_calls
from cordboard.usecases.change_events import tell_changes
from cordboard.usecases.deliveries import forget_old as forget_old_deliveries
from cordboard.usecases.edges import keep_reporting
from cordboard.usecases.events import forget_old as forget_old_events
from cordboard.usecases.figures import forget_old as forget_old_figures
from cordboard.usecases.idempotency import OnceStore
from cordboard.usecases.idempotency import forget_old as forget_old_answers
from cordboard.usecases.keys import Keyholders
from cordboard.usecases.operators import Logins
from cordboard.usecases.ports import Clock, Context, Deciding, Reconciliation, Store, utc_now
from cordboard.usecases.registrations import forget_old as forget_old_registrations
from cordboard.usecases.sessions import Sessions
from cordboard.usecases.sessions import forget_old as forget_old_sessions
from cordboard.usecases.verification_schedules import Scheduler
from cordboard.usecases.verifications import Verifier

log = structlog.get_logger()

#: Seconds between two looks at what has changed.
CHANGES_SECONDS = 0.5


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
    #: By what calls are explained.
    deciding: Deciding
    #: What the edge says of itself; None without one.
    reporter: Reporter | None
    #: What takes in the edge's events; None without an edge.
    events: Ingest | None
    #: Objects on a page of the operator API, at most.
    largest_page: int
    #: What keeps LiveKit in step; None without one.
    livekit: Reconciliation | None
    #: The sound of recorded calls, and what makes it; None without an edge.
    recordings: Kept
    recorder: Recordings | None
    verifier: Verifier
    scheduler: Scheduler
    #: What sends events to webhooks.
    webhooks: Dispatch
    #: Who is logged in to the console; None: it is not served.
    sessions: Sessions | None

    def unready(self) -> str | None:
        """Why calls cannot be taken now; None if they can."""
        return None if self.edge is None or self.edge.ready else "the edge is not ready"

    def app(self) -> Any:
        """The ASGI app with every dialect at its base path."""
        release = version("cordboard")
        logins = Logins(self.context.store, Attempts(self.context.clock))
        installation = self._native(logins)
        operations = native.operations(installation)
        native_app = native.app(operations, installation.callers, release)
        dialects = {
            native.PREFIX: ("native", native_app),
            diga.PREFIX: ("diga", diga.app(self.context, self.keyholders, release)),
            nebrija.PREFIX: ("nebrija", nebrija.app(self.context, self.keyholders, release)),
            telecom_center.PREFIX: ("telecom.center", telecom_center.app(self._operators(logins), release)),
        }
        registry = CollectorRegistry()
        if self.names is not None:
            registry.register(NamesCollector(self.names))
        if self.events is not None:
            registry.register(EventsCollector(self.events))
        if self.recorder is not None:
            registry.register(RecordingsCollector(self.recorder))
        registry.register(WebhooksCollector(self.webhooks, self.context))
        pages = None
        if self.sessions is not None:
            pages = console.app(native_app, native.PREFIX, operations, self.sessions)
        return http_server.server(dialects, registry, self.unready, pages)

    def _native(self, logins: Logins) -> native.Installation:
        return native.Installation(
            context=self.context,
            callers=Callers(admin_token=self.admin_token, keyholders=self.keyholders, logins=logins),
            edge=None if self.edge is None else State(self.edge),
            registrar=self.registrar,
            deciding=self.deciding,
            recordings=self.recordings,
            live=None if self.edge is None else Live(self.edge),
            reconciliation=self.livekit,
            own_edge=self.reporter,
            verifier=self.verifier,
            scheduler=self.scheduler,
        )

    def _operators(self, logins: Logins) -> telecom_center.Installation:
        return telecom_center.Installation(
            context=self.context,
            logins=logins,
            registrar=self.registrar,
            largest_page=self.largest_page,
        )


def migrate(settings: Settings, data: Path) -> None:
    """Bring the database's schema to this version. Blocks."""
    from cordboard.storage.migrations.run import migrate as bring  # SQLAlchemy costs half a second: only when needed

    make_private(data)
    bring(_database_url(settings, data))


def ring_path(settings: Settings, data: Path) -> Path:
    """Where the key ring is."""
    return settings.secrets_file or data / "secrets.json"


@contextlib.asynccontextmanager
async def stored(settings: Settings, data: Path) -> AsyncIterator[Store]:
    """The store alone, also while servers run on it. Raises CannotServe if it is not of this version."""
    url = _database_url(settings, data)
    try:
        if not await _is_current(url):
            raise CannotServe(
                "there is no database of this version; name its directory with --data, or run `cordboard migrate` first"
            )
        store = (
            SqliteStore(_sqlite_path(url))
            if url.startswith("sqlite:")
            else await PostgresStore.open(url, connections=1)
        )
    except OSError as error:
        raise CannotServe(f"the database cannot be reached: {error}") from error
    try:
        yield store
    finally:
        await store.close()


def serve(settings: Settings, run: Run) -> None:
    """Serve until SIGINT or SIGTERM. Raises CannotServe."""
    configure(settings.log_level)
    make_private(run.data)
    with only_server_of(run.data), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, run))


def down(data: Path) -> tuple[str, ...]:
    """End the engines that a killed server left; which ones there were. Raises CannotServe while one serves."""
    with only_server_of(data):
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
        ring = _key_ring(settings, run.data)
        rows = Rows(ring, settings.sip_realm, settings.sip_digest, _livekit_sip(settings))
        store, projector = await _open_store(stack, settings, run.data, file, rows)
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
        edge_start = events = recorder = reporter = None
        if edge is not None and options is not None:
            events = Ingest.of(options, store, log)
            # ends after the edge, whose last words it takes
            _background(stack, events.run())
            stack.push_async_callback(edge.stop)
            edge_start = _background(stack, edge.start())
            _background(stack, Health.of(options, alone, log).run())
            _background(stack, Online.of(options, alone, log).run())
            recorder = Recordings.of(options, settings.keep_recordings_days, log)
            _background(stack, recorder.run())
            if projector is not None:
                reporter = Reporter.of(edge, options, partial(getattr, projector, "applied"), clock)
                if isinstance(projector, Follower):
                    _background(stack, keep_reporting(store, reporter))
        # what is found out is no configuration that LiveKit would have to know
        once = replace(alone, store=OnceStore(alone.store))
        verifier = Verifier(once, None if options is None else _prober(settings, options, context, edge, registrar))
        stack.push_async_callback(verifier.close)
        scheduler = Scheduler.of(alone, verifier)
        webhooks = await _send_webhooks(stack, settings, alone)
        _background(stack, _tell_changes(alone))
        # what is due is not put off because LiveKit is away: it follows
        _background(stack, _turn_the_clock(alone, settings, scheduler))
        yield Service(
            context=context,
            keyholders=Keyholders(store),
            admin_token=admin_token(run.data),
            edge=edge,
            edge_start=edge_start,
            names=names,
            registrar=registrar,
            deciding=FromStore(store, rows) if file is None else FromFile(file.path),
            reporter=reporter,
            events=events,
            livekit=livekit,
            largest_page=settings.operator_max_page,
            recordings=Kept(run.data),
            recorder=recorder,
            verifier=verifier,
            scheduler=scheduler,
            webhooks=webhooks,
            sessions=Sessions(alone, timedelta(hours=settings.console_session_hours)) if settings.console else None,
        )


class _HttpServer(uvicorn.Server):
    """uvicorn without its own handling of signals, which ends the process before the edge is stopped."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve(settings: Settings, run: Run) -> None:
    listener = bind(run.listen)
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
        publish(run.data / "server.url", url)
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


async def _turn_the_clock(context: Context, settings: Settings, scheduler: Scheduler) -> None:
    """Let time do its work for as long as the service runs."""
    keep_calls = timedelta(days=settings.keep_calls_days)
    keep_refusals = timedelta(days=settings.keep_refusals_days)
    keep_events = timedelta(days=settings.keep_events_days)
    keep_verifications = timedelta(days=settings.keep_verifications_days)
    chores: tuple[Callable[[], Awaitable[object]], ...] = (
        partial(clockwork.tick, context),
        partial(forget_old_calls, context, keep_calls, keep_refusals),
        partial(forget_old_events, context, keep_events),
        partial(forget_old_answers, context),
        partial(forget_old_sessions, context),
        partial(verifications.forget_old, context, keep_verifications),
        scheduler.run_due,
        partial(imports.forget_old, context),
        partial(forget_old_deliveries, context, keep_events),
        partial(forget_old_registrations, context, keep_refusals),
        partial(forget_old_figures, context),
    )
    while True:
        for chore in chores:
            try:
                await chore()
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
    await server.write(None, following.join)
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
    from cordboard.engines.livekit.options import IMPORT_ROWS, LiveKitOptions

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
    return replace(context, store=running.store, import_rows=IMPORT_ROWS), running


async def _watch_names(
    stack: contextlib.AsyncExitStack, settings: Settings, options: EdgeOptions, file: EdgeFile, hosts: HostPolicy
) -> Names:
    """Host names looked up for as long as the service runs. Raises CannotServe."""
    names = Names(file.path, NameServers(_name_servers(settings)), _reach(options, hosts), log)
    await names.start()
    _background(stack, names.run())
    return names


def _prober(
    settings: Settings, options: EdgeOptions, context: Context, edge: Edge | None, registrar: Registrar | None
) -> EdgeProber:
    """Raises CannotServe."""
    return EdgeProber.of(
        options,
        NameServers(_name_servers(settings)),
        _reach(options, context.hosts),
        context.clock,
        state=None if edge is None else State(edge),
        registrar=registrar,
    )


def _reach(options: EdgeOptions, hosts: HostPolicy) -> Reach:
    """Raises CannotServe."""
    try:
        return reach_of(options, hosts)
    except EdgeFailed as error:
        raise CannotServe(str(error)) from error


async def _send_webhooks(stack: contextlib.AsyncExitStack, settings: Settings, context: Context) -> Dispatch:
    """Events on their way to webhooks for as long as the service runs. Raises CannotServe."""
    agent = f"Cordboard/{version('cordboard')}"
    try:
        post = Post(NameServers(_name_servers(settings)), context.hosts, agent, settings.webhooks_ca_file)
    except OSError as error:
        raise CannotServe(f"CORDBOARD_WEBHOOKS_CA_FILE: {error}") from error
    stack.push_async_callback(post.close)
    dispatch = Dispatch(context, post, _follow(context.store), log)
    _background(stack, dispatch.run())
    return dispatch


def _follow(store: Store) -> following.Follow:
    """Only one process writes SQLite, so what is committed there comes in order."""
    return following.after if isinstance(store, SqliteStore) else following.since


async def _tell_changes(context: Context) -> None:
    """Configuration as events for as long as the service runs."""
    follow = _follow(context.store)
    while True:
        took = 0.0
        try:
            began = time.monotonic()
            if await tell_changes(context, follow):
                took = time.monotonic() - began
        except CordboardError as error:
            log.warning("changes cannot be told of now", error=str(error))
        except Exception:  # a loop that must outlive any one failure: logged, and tried again
            log.exception("changes cannot be told of")
        # a large import is told of beside other work, and takes a tenth of the time
        await asyncio.sleep(took * 9 or CHANGES_SECONDS)


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
    if not await _is_current(_database_url(settings, data)):
        await asyncio.to_thread(migrate, settings, data)


async def _is_current(url: str) -> bool:
    if url.startswith("sqlite:"):
        return await SqliteStore.is_current(_sqlite_path(url))
    return await PostgresStore.is_current(url)


def _key_ring(settings: Settings, data: Path) -> KeyRing:
    """Raises CannotServe."""
    try:
        return KeyRing.open(ring_path(settings, data))
    except RingUnusable as error:
        raise CannotServe(str(error)) from error


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
