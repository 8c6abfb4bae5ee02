"""Following the feed of events: what happens from now on, each event once, until there is enough of it."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import click

from cordboard.client import Client, ClientError

F = TypeVar("F", bound=Callable[..., Any])
Event = dict[str, Any]

#: Seconds between two looks at the feed, and between two tries at a server that does not answer.
LOOK: Final = 0.5
AGAIN: Final = 1.0
#: An event is told under the time at which it happened, and may become known that much later.
LATE: Final = timedelta(seconds=5)


def tails(command: F) -> F:
    """Give a command the options that say when to stop following."""
    command = click.option("--count", type=click.IntRange(1), help="End after so many events.")(command)
    return click.option(
        "--for", "seconds", type=click.FloatRange(0, min_open=True), help="End after so many seconds; else Ctrl-C does."
    )(command)


def tail(
    client: Client,
    line: Callable[[Event], str],
    *,
    seconds: float | None,
    count: int | None,
    as_json: bool,
    **query: str | None,
) -> None:
    """Print each event that happens from now on as it becomes known: as `line` says it, or as JSON."""
    until = None if seconds is None else time.monotonic() + seconds
    left = count
    try:
        for event in _events(client, until, query):
            click.echo(json.dumps(event) if as_json else line(event))
            if left is not None:
                left -= 1
                if left == 0:
                    return
    except KeyboardInterrupt:
        return


def _events(client: Client, until: float | None, query: dict[str, str | None]) -> Iterator[Event]:
    """What happens after now, in the order of its time as far as it is known by then."""
    since = _newest(client, query)
    seen = {event["id"] for event in _known(client, query, since)}
    while until is None or time.monotonic() < until:
        time.sleep(LOOK if until is None else max(0.0, min(LOOK, until - time.monotonic())))
        newest, known = _looked(client, until, query, since)
        yield from sorted((event for event in known if event["id"] not in seen), key=_place)
        since, seen = newest, {event["id"] for event in known}


def _looked(
    client: Client, until: float | None, query: dict[str, str | None], since: str | None
) -> tuple[str | None, list[Event]]:
    """How far the feed is, and what it has since then. A server that does not answer is asked again: it may be
    starting anew."""
    told = False
    while True:
        try:
            return _newest(client, query), _known(client, query, since)
        except ClientError as error:
            if error.problem or (until is not None and time.monotonic() + AGAIN > until):
                raise
            if not told:
                click.echo(f"cordboard: {error}; trying again", err=True)
            told = True
            time.sleep(AGAIN)


def _newest(client: Client, query: dict[str, str | None]) -> str | None:
    """The instant from which on something may still become known; None: nothing has happened yet."""
    found = client.get("/events", tenant_id=query.get("tenant_id"), limit=1)["data"]
    return (datetime.fromisoformat(found[0]["timestamp"]) - LATE).isoformat() if found else None


def _known(client: Client, query: dict[str, str | None], since: str | None) -> list[Event]:
    return client.all("/events", **query, **{"from": since})


def _place(event: Event) -> str:
    return str(event["id"])  # ids sort as the instants do
