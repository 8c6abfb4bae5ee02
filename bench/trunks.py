"""Latency of creating a trunk and of finding one by its id, as trunks grow: one client, one request at a time.

Another server that keeps trunks is measured beside ours by a `Side` of its own.
"""

import contextlib
import http.client
import json
import statistics
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from typing import Any, Protocol

from bench import fill, servers
from bench.fill import Layout
from bench.rounds import progress
from bench.rows import Budget, Row

SIZES = (100, 1_000, 10_000)
OPERATIONS = ("create", "find")
#: As long as it takes the median to settle; each is a request on its own connection's turn.
REQUESTS = 300
_BODY = {
    "name": "Main office",
    "gateways": [{"ipOrDomain": "127.0.1.1", "port": 5080}],
    "authentication": {"username": "carrier-user", "password": "carrier-secret"},
    "advanced": {"allowedAddresses": ["127.0.1.0/24"]},
}


class Side(Protocol):
    """A server that holds so many trunks; each operation gives the seconds that it took."""

    def create(self) -> float:
        """The trunk is gone again afterwards, so that the size stays."""
        ...

    def find(self) -> float: ...


class Ours:
    """Our server, by Nebrija's API."""

    def __init__(self, port: int, trunks: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        self._trunks = trunks
        self._turn = 0

    def create(self) -> float:
        took, made = self._timed("POST", "", json.dumps(_BODY))
        self._timed("DELETE", f"/{made['id']}")
        return took

    def find(self) -> float:
        self._turn += 1
        took, _ = self._timed("GET", f"/{fill.trunk_id(self._turn * 7919 % self._trunks)}")
        return took

    def _timed(self, method: str, path: str, body: str | None = None) -> tuple[float, Any]:
        began = time.perf_counter()
        self._connection.request(method, f"/api/v1/sip-trunks{path}", body, {"Authorization": f"Bearer {fill.key(0)}"})
        answer = self._connection.getresponse()
        told = answer.read()
        took = time.perf_counter() - began
        assert answer.status in (200, 201, 204), told
        return took, json.loads(told) if told else None


@contextlib.contextmanager
def ours(trunks: int) -> Iterator[Ours]:
    """Our server with so many trunks of one tenant, on SQLite and without the edge."""
    with servers.sqlite(Layout(numbers=trunks)) as target:
        yield Ours(target.port, trunks)


def latencies(sides: Mapping[str, Side], requests: int) -> dict[str, dict[str, float]]:
    """Of each side and operation the median in microseconds; the sides take turns, request by request."""
    taken: dict[str, dict[str, list[float]]] = {name: {each: [] for each in OPERATIONS} for name in sides}
    for operation in OPERATIONS:
        for turn in range(requests + requests // 10):
            for name, side in sides.items():
                took = getattr(side, operation)()
                if turn >= requests // 10:  # the first tenth warms up
                    taken[name][operation].append(took * 1e6)
    return {name: {each: statistics.median(took) for each, took in by.items()} for name, by in taken.items()}


def measure(client: ProcessPoolExecutor, quick: bool) -> Iterator[Row]:
    """A row for each operation and size but the smallest, against the smallest."""
    smallest, *larger = SIZES[:2] if quick else SIZES
    with contextlib.ExitStack() as stack:
        progress("trunks: filling the stores")
        sides = {str(size): stack.enter_context(ours(size)) for size in (smallest, *larger)}
        progress("trunks: creating and finding")
        found = latencies(sides, REQUESTS // 10 if quick else REQUESTS)
    for operation in OPERATIONS:
        for size in larger:
            yield Row(
                name=f"{operation} a trunk, {size:,}",
                floor=found[str(smallest)][operation],
                measured=found[str(size)][operation],
                unit="µs",
                budget=Budget(value=1.3),
            )
