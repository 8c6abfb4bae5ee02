"""Load from another process: keep-alive connections, each of which sends when its last request is answered."""

import asyncio
import contextlib
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import cast

import uvloop

from bench import cpu

CONNECTIONS = 32
#: Seconds after which a round is given up.
PATIENCE = 60
_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length: "


class UnexpectedAnswer(Exception):
    """An answer other than 200; it holds the beginning of it."""


@dataclass(frozen=True, kw_only=True)
class Round:
    """Requests for a server, and the processes whose CPU time they cost."""

    port: int
    pids: tuple[int, ...]
    #: Sent before the clocks start, once by each connection.
    warm_up: bytes
    requests: Sequence[bytes]


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What a round took, in seconds a request."""

    cpu: float
    wall: float


@contextlib.contextmanager
def client() -> Iterator[ProcessPoolExecutor]:
    """A process that plays rounds: `client.submit(play, round)`."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


def play(wanted: Round) -> Spent:
    """Send every request once. Raises UnexpectedAnswer, TimeoutError."""
    return uvloop.run(_play(wanted))


async def _play(wanted: Round) -> Spent:
    load = _Load(wanted)
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(PATIENCE):
        for _ in range(CONNECTIONS):
            await loop.create_connection(lambda: _Connection(load), "127.0.0.1", wanted.port)
        await load.warm
        before, began = cpu.seconds(wanted.pids), time.perf_counter()
        load.begin()
        await load.over
        wall, used = time.perf_counter() - began, cpu.between(before, cpu.seconds(wanted.pids))
    for connection in load.connections:
        connection.transport.abort()
    return Spent(cpu=used / len(wanted.requests), wall=wall / len(wanted.requests))


class _Load:
    """What the connections of one round share."""

    def __init__(self, wanted: Round) -> None:
        loop = asyncio.get_running_loop()
        self.warm_up = wanted.warm_up
        self.requests = iter(wanted.requests)
        self.connections: list[_Connection] = []
        self.idle = 0
        self.warm: asyncio.Future[None] = loop.create_future()
        self.over: asyncio.Future[None] = loop.create_future()

    def begin(self) -> None:
        self.idle = 0
        for connection in self.connections:
            connection.next()

    def finished(self) -> None:
        """A connection has nothing left to do; the last one tells."""
        self.idle += 1
        if self.idle == CONNECTIONS:
            (self.over if self.warm.done() else self.warm).set_result(None)

    def failed(self, error: Exception) -> None:
        for future in (self.warm, self.over):
            if not future.done():
                future.set_exception(error)


class _Connection(asyncio.Protocol):
    def __init__(self, load: _Load) -> None:
        self._load = load
        self._received = b""
        self._missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own class is not registered as one
        self._load.connections.append(self)
        self.transport.write(self._load.warm_up)

    def connection_lost(self, error: Exception | None) -> None:
        self._load.failed(error or ConnectionError("the server closed the connection"))

    def next(self) -> None:
        request = next(self._load.requests, None)
        if request is None:
            self._load.finished()
        else:
            self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
        else:
            self._received += data
            head = self._received.find(_END_OF_HEAD)
            if head < 0:
                return
            self._missing = self._body_length(head) - (len(self._received) - head - 4)
            self._received = b""
        if self._missing == 0:
            if self._load.warm.done():
                self.next()
            else:
                self._load.finished()

    def _body_length(self, head: int) -> int:
        answer = self._received
        if not answer.startswith(b"HTTP/1.1 200"):
            self._load.failed(UnexpectedAnswer(answer[:600]))
        at = answer.find(_LENGTH, 0, head) + len(_LENGTH)
        return int(answer[at : answer.find(b"\r\n", at)])
