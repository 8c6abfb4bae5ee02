"""From the command to the first answer with a migrated database, and the memory that the server then takes."""

import statistics
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

from bench import servers
from bench.fill import Layout
from bench.load import Round, play
from bench.requests import OPERATIONS, Requests
from bench.rounds import progress
from bench.rows import Budget, Row
from cordboard.storage.migrations.run import migrate

SECONDS = Budget(value=0.8, of="measured")
MEGABYTES = Budget(value=90, of="measured")
NUMBERS = 10_000


def measure(client: ProcessPoolExecutor, quick: bool) -> Iterator[Row]:
    """A row of time and a row of memory; the floor is the constant body's server."""
    progress("start-up")
    with servers.folder() as data:
        migrate(f"sqlite:///{data / 'store.sqlite'}")
        floor, product = [], []
        for _ in range(3 if quick else 9):
            floor.append(_seconds(servers.constant))
            product.append(_seconds(lambda: servers.product(data)))
    yield Row(
        name="start-up to /livez",
        floor=statistics.median(floor),
        measured=statistics.median(product),
        unit="s",
        budget=SECONDS,
    )
    progress("memory")
    layout = Layout(numbers=NUMBERS)
    with servers.constant() as constant, servers.sqlite(layout) as served:
        for target in (constant, served):
            for operation in OPERATIONS:
                _exercise(client, target, Requests(operation, layout, 1).take(600 if quick else 5000))
        yield Row(
            name=f"private memory after {4 * (600 if quick else 5000):,} requests",
            floor=_private_megabytes(constant.pid),
            measured=_private_megabytes(served.pid),
            unit="MB",
            budget=MEGABYTES,
        )


def _seconds(start: Callable[[], AbstractContextManager[servers.Target]]) -> float:
    """Until the server, started anew, has answered."""
    began = time.perf_counter()
    with start() as target:
        with urllib.request.urlopen(f"http://127.0.0.1:{target.port}/livez", timeout=10) as answer:
            assert answer.status == 200
        return time.perf_counter() - began


def _exercise(client: ProcessPoolExecutor, target: servers.Target, requests: list[bytes]) -> None:
    wanted = Round(port=target.port, pids=(target.pid,), warm_up=requests.pop(), requests=requests)
    client.submit(play, wanted).result()


def _private_megabytes(pid: int) -> float:
    """What no file backs: the mapped database is the kernel's to keep or drop."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))
    return kilobytes * 1024 / 1e6
