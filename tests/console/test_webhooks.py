"""The console's pages of webhooks, and of the events that they send."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.calls.standing import until
from tests.console.conftest import Customer
from tests.console.person import Person

pytestmark = [pytest.mark.slow, pytest.mark.calls]


class Receiver(HTTPServer):
    """Answers each message with `status`, and remembers under which ids they came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.status = 204
        self.ids: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class Answering(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.server.ids.append(self.headers["webhook-id"])
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def test_a_webhook_is_made_tested_rotated_and_deleted(receiver: Receiver, member: Person) -> None:
    member.open("/webhooks")
    assert "no webhooks yet" in member.text
    member.is_sound("webhooks-empty")
    member.follow("New webhook")
    member.fill(url="nonsense", types="call.*\nwhatever goes")
    member.follow("Create webhook")
    assert "Nothing was changed." in member.text
    member.is_sound("webhooks-new-refused")
    member.fill(url=receiver.url, types="call.*\nwebhook.*", description="Reports")
    member.follow("Create webhook")
    first = member.page.locator("#secret").inner_text()
    member.is_sound("webhook-secret")
    member.follow("Done")
    assert "Nothing was sent yet." in member.text
    member.follow("Send a test")
    assert "The test was taken with 204" in member.text
    assert first not in member.page.content()
    assert len(receiver.ids) == 1
    member.is_sound("webhook")
    member.follow("New secret")
    member.is_sound("webhook-rotate")
    member.follow("Make a new secret")
    assert member.page.locator("#secret").inner_text() != first
    assert "signed with the old one, too" in member.text
    member.follow("Done")
    member.follow("Change")
    member.page.get_by_label("Events are sent to it").uncheck()
    member.follow("Save")
    assert "off" in member.text
    member.open("/webhooks")
    member.is_sound("webhooks")
    member.follow(receiver.url)
    member.follow("Delete")
    member.is_sound("webhook-delete")
    member.follow("Delete webhook")
    assert "no webhooks yet" in member.text


def test_what_was_not_taken_is_seen_and_sent_again_under_its_id(
    customer: Customer, receiver: Receiver, member: Person
) -> None:
    receiver.status = 500
    made = customer.done("POST", "/webhooks", {"url": receiver.url})
    member.open(f"/webhooks/{made['id']}")
    member.follow("Send a test")
    assert "The test was not taken" in member.text
    assert "500" in member.page.locator("td").nth(2).inner_text()
    member.page.get_by_label("Outcome").select_option("failed")
    member.follow("Show")
    member.is_sound("webhook-failed")
    receiver.status = 204
    member.page.get_by_role("row", name="webhook.test").get_by_role("button", name="Send again").click()
    assert "1 event is on the way." in member.text
    assert until(lambda: len(receiver.ids) == 2, 10)
    assert receiver.ids[0] == receiver.ids[1]
    member.follow("All of a stretch of time")
    member.fill(**{"from": "yesterday"})
    member.follow("Send again")
    assert member.page.locator("[name=from]").get_attribute("aria-invalid") == "true"
    member.is_sound("webhook-replay-refused")
    member.fill(**{"from": "2026-01-01T00:00:00Z"})
    member.follow("Send again")
    assert "on the way." in member.text


def test_the_administrator_is_told_whose_events_a_webhook_gets(admin: Person) -> None:
    admin.open("/webhooks/new")
    assert "everybody's events" in admin.text
