"""CPU per request of the API on both stores, against a constant body on the same server."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

from bench import servers
from bench.fill import Layout
from bench.requests import CALLERS, OPERATIONS, TITLES, Operation
from bench.rounds import Effort, cpu_per_request, progress
from bench.rows import Budget, Row
from tests.postgres import running_server

NUMBERS = 10_000
SQLITE: dict[Operation, Budget] = {
    "get": Budget(value=5, aim=3),
    "rename": Budget(value=8, aim=5),
    "assign": Budget(value=8, aim=5),
    "list": Budget(value=10, aim=7),
}
POSTGRES: dict[Operation, Budget] = {
    "get": Budget(value=8),
    "rename": Budget(value=20),
    "assign": Budget(value=20),
    "list": Budget(value=12),
}


def measure(client: ProcessPoolExecutor, quick: bool) -> Iterator[Row]:
    """A row for each operation and store."""
    effort = Effort(rounds=3, requests=600) if quick else Effort()
    layout = Layout(numbers=1000 if quick else NUMBERS, tenants=CALLERS)
    with contextlib.ExitStack() as stack:
        progress("api: filling both stores")
        targets = {
            "constant": stack.enter_context(servers.constant()),
            "SQLite": stack.enter_context(servers.sqlite(layout)),
            "PostgreSQL": stack.enter_context(servers.on_postgres(stack.enter_context(running_server()), layout)),
        }
        for operation in OPERATIONS:
            progress(f"api: {TITLES[operation]}")
            used = cpu_per_request(client, operation, targets, effort)
            for store, budgets in (("SQLite", SQLITE), ("PostgreSQL", POSTGRES)):
                yield Row(
                    name=f"{TITLES[operation]}, {store}",
                    floor=used["constant"],
                    measured=used[store],
                    unit="µs CPU",
                    budget=budgets[operation],
                )
