"""CPU per request as the store grows, for one tenant with all numbers and for many tenants with a few each.

On PostgreSQL its own processes count too: what grows is there.
"""

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from bench import servers
from bench.fill import Layout
from bench.requests import OPERATIONS, TITLES, Operation
from bench.rounds import Effort, cpu_per_request, progress
from bench.rows import Budget, Row
from tests.postgres import running_server

BUDGETS: dict[Operation, Budget] = {
    "get": Budget(value=1.3),
    "rename": Budget(value=1.3),
    "assign": Budget(value=1.3),
    "list": Budget(value=1.5),
}
LAYOUTS: dict[str, Callable[[int], Layout]] = {
    "one tenant": lambda numbers: Layout(numbers=numbers),
    "many tenants": Layout.spread,
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The sizes that are compared with the first."""

    sqlite: tuple[int, ...] = (1000, 100_000, 1_000_000)
    postgres: tuple[int, ...] = (1000, 100_000)
    effort: Effort


FULL = Plan(effort=Effort(rounds=5, requests=2000))
QUICK = Plan(sqlite=(1000, 10_000), postgres=(1000, 10_000), effort=Effort(rounds=3, requests=600))


def measure(client: ProcessPoolExecutor, quick: bool) -> Iterator[Row]:
    """A row for each operation, store, layout and size but the smallest."""
    plan = QUICK if quick else FULL
    for title, layout in LAYOUTS.items():
        with contextlib.ExitStack() as stack:
            targets = {}
            for numbers in plan.sqlite:
                progress(f"growth: filling SQLite with {numbers:,} numbers of {title}")
                targets[numbers] = stack.enter_context(servers.sqlite(layout(numbers)))
            yield from _rows(client, f"SQLite, {title}", targets, plan.effort)
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(running_server())
        for title, layout in LAYOUTS.items():
            targets = {}
            for numbers in plan.postgres:
                progress(f"growth: filling PostgreSQL with {numbers:,} numbers of {title}")
                targets[numbers] = stack.enter_context(servers.on_postgres(cluster, layout(numbers)))
            yield from _rows(client, f"PostgreSQL, {title}", targets, plan.effort)


def _rows(client: ProcessPoolExecutor, place: str, targets: dict[int, servers.Target], effort: Effort) -> Iterator[Row]:
    smallest, *larger = targets
    for operation in OPERATIONS:
        progress(f"growth: {TITLES[operation]}, {place}")
        named = {str(numbers): target for numbers, target in targets.items()}
        used = cpu_per_request(client, operation, named, effort, with_backends=True)
        for numbers in larger:
            yield Row(
                name=f"{TITLES[operation]}, {place}, {numbers:,}",
                floor=used[str(smallest)],
                measured=used[str(numbers)],
                unit="µs CPU",
                budget=BUDGETS[operation],
            )
