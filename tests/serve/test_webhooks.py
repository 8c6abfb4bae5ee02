"""Webhooks of an installation as it runs: what calls and gateways do arrives signed, whatever was killed meanwhile."""

import contextlib
import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import standardwebhooks

from tests.calls.edges import free_port
from tests.calls.phone import Phone
from tests.processes import cordboard
from tests.serve.installations import Installation, installation
from tests.serve.records import until
from tests.stores import BOTH

pytestmark = pytest.mark.calls


class Inbox:
    """A receiver on one port of 127.0.0.1, which can be away; it takes what its secret proves, and fails otherwise."""

    def __init__(self) -> None:
        self.port = free_port("127.0.0.1")
        self.secret = ""
        self.taken: list[dict[str, Any]] = []
        self.forged = 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def types(self, subject: str | None = None) -> list[str]:
        return [event["type"] for event in self.taken if subject in (None, event["subject"])]

    def once(self) -> dict[str, str]:
        """The type of each message, by its id."""
        return {event["id"]: event["type"] for event in self.taken}

    def open(self) -> None:
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                try:
                    event = standardwebhooks.Webhook(inbox.secret).verify(body, dict(self.headers))
                except standardwebhooks.WebhookVerificationError:
                    inbox.forged += 1
                    self.send_response(400)
                else:
                    inbox.taken.append(event)
                    self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def shut(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    made = Inbox()
    made.open()
    yield made
    made.shut()


def hooked(installed: Installation, inbox: Inbox, *types: str) -> str:
    """The id of a webhook of the tenant's that is sent there."""
    wanted = [part for type in types for part in ("--type", type)]
    arguments = ("webhook", "create", "--tenant", "Acme", "--url", inbox.url, *wanted, "--json")
    made = json.loads(cordboard(installed.server.data, *arguments).stdout)
    inbox.secret = made["secret"]
    return str(made["id"])


@pytest.fixture(params=BOTH)
def on_each_store(request: pytest.FixtureRequest) -> Iterator[Installation]:
    with contextlib.ExitStack() as stack:
        database = "sqlite"
        if request.param != "sqlite":
            server, template = map(request.getfixturevalue, ("postgres_server", "migrated_template"))
            database = stack.enter_context(server.database(template=template))
        made = stack.enter_context(installation(database))
        made.assign(0)
        yield made


def test_calls_arrive_signed_and_those_of_a_time_of_killing_and_silence_too(
    on_each_store: Installation, inbox: Inbox
) -> None:
    installed = on_each_store
    data = installed.server.data
    id = hooked(installed, inbox, "call.*")
    assert cordboard(data, "webhook", "test", id).returncode == 0
    life = ["call.started", "call.answered", "call.ended"]
    with Phone("127.0.1.1") as carrier:
        assert installed.call(carrier).hang_up() == 200
        until(lambda: sorted(inbox.types()), lambda types: types == sorted([*life, "webhook.test"]))
        inbox.shut()
        assert installed.call(carrier).hang_up() == 200
        time.sleep(1)
        installed.successor()
        assert installed.call(carrier).hang_up() == 200
        installed.successor()
    inbox.open()
    # what is leased, or due within a minute, comes of itself; for the rest nobody wants to wait five minutes
    replay = ("webhook", "replay", id, "--from", "2026-01-01T00:00:00Z")
    assert cordboard(data, *replay).returncode == 0
    until(inbox.once, lambda once: len(once) == 10, 75)
    assert sorted(inbox.once().values()) == sorted([*life * 3, "webhook.test"])
    assert inbox.forged == 0
    look = ("webhook", "deliveries", id, "--json")
    states = lambda: {each["state"] for each in json.loads(cordboard(data, *look).stdout)["data"]}  # noqa: E731
    until(states, lambda found: found == {"delivered"})
    with urllib.request.urlopen(f"{installed.server.url}/metrics", timeout=5) as answer:
        metrics = answer.read().decode()
    assert 'cordboard_webhook_attempts_total{result="taken"}' in metrics
    assert "cordboard_webhook_overdue_seconds 0.0" in metrics
    assert inbox.secret not in installed.server.log.read_text() + metrics


def test_a_gateway_that_stops_answering_is_told_of_and_so_is_what_is_changed(inbox: Inbox) -> None:
    with installation(CORDBOARD_PROBE_SECONDS="1") as installed, Phone("127.0.1.9") as deaf:
        hooked(installed, inbox, "trunk.*")
        create = ("trunk", "create", "--tenant", "Acme", "--name", "Deaf", "--gateway", deaf.at, "--json")
        trunk = json.loads(cordboard(installed.server.data, *create).stdout)["id"]
        until(lambda: inbox.types(trunk), lambda types: "trunk.degraded" in types, 40)
        assert inbox.types(trunk) == ["trunk.created", "trunk.degraded"]
        told = inbox.taken[-1]["data"]
        assert (told["name"], told["gateway"], told["down"]) == ("Deaf", deaf.at, [deaf.at])
