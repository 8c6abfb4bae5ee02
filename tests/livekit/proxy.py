"""A proxy before the real LiveKit that can stop a request on its way there, or its answer on the way back."""

import contextlib
import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import urlsplit

Place = Literal["before", "after"]


class Proxy:
    """At `url`. What goes by is noted in `methods`; one request can be stopped, by its number or its method."""

    def __init__(self, upstream: str) -> None:
        self._upstream = urlsplit(upstream)
        self._lock = threading.Lock()
        self._stop: tuple[int, Place] | None = None
        self.methods: list[str] = []
        #: A request stands where it was to be stopped.
        self.stopped = threading.Event()
        self._go = threading.Event()
        #: Answered at once with this status instead.
        self.refusing: dict[str, int] = {}
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                proxy._handle(self)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop_at(self, number: int, place: Place) -> None:
        """Stop one request, counted from now on and from 0: before it gets there, or before it is answered."""
        with self._lock:
            self.methods.clear()
            self.stopped.clear()
            self._go.clear()
            self._stop = (number, place)

    def let_go(self) -> None:
        """What was stopped goes nowhere any more; from now on everything passes."""
        with self._lock:
            self._stop = None
        self._go.set()

    def close(self) -> None:
        self.let_go()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handle(self, request: BaseHTTPRequestHandler) -> None:
        method = request.path.rpartition("/")[2]
        body = request.rfile.read(int(request.headers["Content-Length"]))
        with self._lock:
            number = len(self.methods)
            self.methods.append(method)
            stop = self._stop
        if stop == (number, "before"):
            return self._hold(request)
        if method in self.refusing:
            return self._answer(request, self.refusing[method], b'{"code":"internal","msg":"refused by the test"}')
        status, answer = self._forward(request, body)
        if stop == (number, "after"):
            return self._hold(request)
        return self._answer(request, status, answer)

    def _hold(self, request: BaseHTTPRequestHandler) -> None:
        self.stopped.set()
        self._go.wait(60)
        request.close_connection = True

    def _forward(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self._upstream.hostname or "", self._upstream.port, timeout=10)
        headers = {name: request.headers[name] for name in ("Authorization", "Content-Type")}
        with contextlib.closing(connection):
            connection.request("POST", request.path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def _answer(self, request: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
        with contextlib.suppress(OSError):  # whoever asked may be dead
            request.send_response(status)
            request.send_header("Content-Type", "application/protobuf" if status == 200 else "application/json")
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)


@contextlib.contextmanager
def proxied(upstream: str) -> Iterator[Proxy]:
    proxy = Proxy(upstream)
    try:
        yield proxy
    finally:
        proxy.close()
