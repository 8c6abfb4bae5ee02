"""What a running installation says of its calls, and many calls while its server is away."""

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from tests.calls.sipp import Result, answering, place_calls
from tests.processes import cordboard
from tests.serve.installations import Installation


def listed(installed: Installation, *arguments: str) -> list[dict[str, Any]]:
    """`cordboard call list`, newest first."""
    answer = json.loads(
        cordboard(installed.server.data, "call", "list", "--json", "--limit", "1000000", *arguments).stdout
    )
    found: list[dict[str, Any]] = answer["data"]
    return found


def until(look: Callable[[], Any], wanted: Callable[[Any], object], seconds: float = 10) -> Any:
    """What is seen, as soon as it is what is wanted."""
    deadline = time.monotonic() + seconds
    while not wanted(seen := look()):
        assert time.monotonic() < deadline, seen
        time.sleep(0.1)
    return seen


@contextmanager
def many_calls(installed: Installation, calls: int, rate: int) -> Iterator[list[Result]]:
    """Calls to an agent of the installation while the block runs; its result is there when the block is left."""
    with answering("127.0.2.3", trace=False) as agent:
        made = cordboard(
            *(installed.server.data, "agent", "create", "--tenant", "Acme", "--name", "sipp"),
            *("--sip-uri", f"sip:{{number}}@{agent.at}", "--json"),
        )
        assert installed.patch("", {"inbound_version_id": json.loads(made.stdout)["version_id"]}) == 200
        results: list[Result] = []
        rows = [installed.number] * calls

        def run() -> None:
            results.append(place_calls(installed.sip, rows, rate=rate, seconds=calls / rate + 60))

        thread = threading.Thread(target=run)
        thread.start()
        yield results
        thread.join()


def waiting_events(installed: Installation) -> int:
    """Rows of events that nobody has taken, or that were not yet deleted."""
    with closing(sqlite3.connect(installed.server.data / "edge" / "events.sqlite")) as database:
        (count,) = database.execute("select count(*) from event").fetchone()
        return int(count)
