"""How long pages of the console take as numbers grow: one person, one page at a time.

One tenant has all numbers. As nearly as can be the page is as long at every size, so what grows is what is looked up.
"""

import contextlib
import http.client
import statistics
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from urllib.parse import urlencode

from bench import fill, servers
from bench.fill import Layout
from bench.rounds import progress
from bench.rows import Budget, Row

SIZES = (1_000, 100_000)
PAGES = {
    "overview": "/",
    "numbers, newest first": "/numbers",
    "numbers that begin so": "/numbers?prefix=%2B346000003",
    "numbers that an agent answers": "/numbers?agent={agent}",
    "search": "/search?q=%2B346000003",
    "a number": "/numbers/{number}",
    "trunks": "/trunks",
    "a trunk": "/trunks/{trunk}",
}
BUDGET = Budget(value=1.5)
REQUESTS = 200


class Person:
    """Somebody who is logged in by a tenant's key; a page gives the seconds that it took."""

    def __init__(self, port: int, numbers: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        self._numbers = numbers
        self._turn = 0
        body = urlencode({"secret": fill.key(0), "next": "/"})
        self._connection.request("POST", "/login", body, {"Content-Type": "application/x-www-form-urlencoded"})
        answer = self._connection.getresponse()
        answer.read()
        assert answer.status == 303, answer.status
        self._cookie = answer.headers["set-cookie"].partition(";")[0]
        self._connection.close()  # it is opened again once the other stores are filled

    def open(self, path: str) -> float:
        self._turn += 1
        some = self._turn * 7919 % self._numbers
        asked = path.format(number=fill.number_id(some), trunk=fill.trunk_id(some), agent=fill.agent_id(0, 0))
        began = time.perf_counter()
        self._connection.request("GET", asked, headers={"Cookie": self._cookie})
        answer = self._connection.getresponse()
        told = answer.read()
        took = time.perf_counter() - began
        assert answer.status == 200, f"{asked}: {answer.status} {told[-2000:].decode()}"
        return took


@contextlib.contextmanager
def person(numbers: int) -> Iterator[Person]:
    """Before so many numbers of one tenant, on SQLite and without the edge."""
    with servers.sqlite(Layout(numbers=numbers)) as target:
        yield Person(target.port, numbers)


def medians(people: Mapping[int, Person], path: str, requests: int) -> dict[int, float]:
    """Of each size in milliseconds; the sizes take turns, request by request."""
    taken: dict[int, list[float]] = {size: [] for size in people}
    for turn in range(requests + requests // 10):
        for size, each in people.items():
            took = each.open(path)
            if turn >= requests // 10:  # the first tenth warms up
                taken[size].append(took * 1e3)
    return {size: statistics.median(took) for size, took in taken.items()}


def measure(client: ProcessPoolExecutor, quick: bool) -> Iterator[Row]:
    """A row for each page and size but the smallest, against the smallest."""
    smallest, *larger = SIZES
    with contextlib.ExitStack() as stack:
        progress("console: filling the stores")
        people = {size: stack.enter_context(person(size)) for size in SIZES}
        for name, path in PAGES.items():
            progress(f"console: {name}")
            found = medians(people, path, REQUESTS // 10 if quick else REQUESTS)
            for size in larger:
                yield Row(
                    name=f"{name}, {size:,}", floor=found[smallest], measured=found[size], unit="ms", budget=BUDGET
                )
