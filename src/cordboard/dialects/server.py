"""The whole HTTP server: each dialect at its base path, and what operators' machines ask for."""

import time
from collections.abc import Callable, Collection, Mapping
from functools import cache
from importlib.resources import files

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger()

#: Why the service does not take calls; None when it does.
Unready = Callable[[], str | None]


class Observed:
    """Pure ASGI: each dialect at its base path, what machines ask for where they ask, the console elsewhere; one log
    line and two metrics a request.

    Neither holds a header or a body.
    """

    def __init__(
        self,
        dialects: Mapping[str, tuple[str, ASGIApp]],
        rest: ASGIApp,
        machines: Collection[str],
        console: ASGIApp | None,
        registry: CollectorRegistry,
    ) -> None:
        self._console = console
        self._mounts = tuple((prefix, f"{prefix}/", *dialect) for prefix, dialect in dialects.items())
        self._rest = rest
        #: Paths that machines ask `rest` for.
        self._machines = frozenset(machines)
        self._counter = Counter(
            "cordboard_http_requests", "HTTP requests", ["dialect", "method", "status"], registry=registry
        )
        self._seconds = Histogram(
            "cordboard_http_request_seconds", "Time to answer", ["dialect", "method"], registry=registry
        )
        self._counters: dict[tuple[str, str, int], Counter] = {}
        self._histograms: dict[tuple[str, str], Histogram] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._rest(scope, receive, send)
            return
        dialect, app = self._mounted(scope)
        status = 500
        began = time.perf_counter()

        async def observe(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await app(scope, receive, observe)
        finally:
            self._record(dialect, scope["method"], scope["path"], status, time.perf_counter() - began)

    def _mounted(self, scope: Scope) -> tuple[str, ASGIApp]:
        """Name and app of the path's dialect, which the scope then says that it is mounted at its base path."""
        path = scope["path"]
        for prefix, below, name, app in self._mounts:
            if path.startswith(below):
                scope["app_root_path"] = scope.get("root_path", "")
                scope["root_path"] = scope["app_root_path"] + prefix
                return name, app
        if self._console is None or path in self._machines:
            return "other", self._rest
        return "console", self._console

    def _record(self, dialect: str, method: str, path: str, status: int, seconds: float) -> None:
        if method not in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"):
            method = "other"  # a label that a stranger chooses would grow without bound
        counter = self._counters.get((dialect, method, status))
        if counter is None:
            counter = self._counters[dialect, method, status] = self._counter.labels(dialect, method, str(status))
        histogram = self._histograms.get((dialect, method))
        if histogram is None:
            histogram = self._histograms[dialect, method] = self._seconds.labels(dialect, method)
        counter.inc()
        histogram.observe(seconds)
        log.info("request", method=method, path=path, status=status, ms=round(seconds * 1000, 2))


def server(
    dialects: Mapping[str, tuple[str, ASGIApp]],
    registry: CollectorRegistry,
    unready: Unready,
    console: ASGIApp | None = None,
) -> ASGIApp:
    """The app: `dialects` gives the name and the app of each base path; the console has what is left."""

    Gauge("cordboard_ready", "1 when calls can be taken", registry=registry).set_function(lambda: unready() is None)

    async def alive(request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def ready(request: Request) -> Response:
        reason = unready()
        if reason is None:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "not ready", "reason": reason}, 503)

    async def metrics(request: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    async def llms(request: Request) -> Response:
        return PlainTextResponse(_index())

    answers = {"/livez": alive, "/readyz": ready, "/metrics": metrics, "/llms.txt": llms}
    rest = Starlette(routes=[Route(path, answer) for path, answer in answers.items()])
    return Observed(dialects, rest, answers, console, registry)


@cache
def _index() -> str:
    """Of the documentation, for language models."""
    return (files("cordboard.dialects") / "llms.txt").read_text()
