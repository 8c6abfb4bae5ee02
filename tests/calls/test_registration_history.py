"""What is told of registrations: what changes, and what is refused, bounded however many try."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from cordboard.domain.registrations import Registration
from cordboard.engines.edge.registrar import Registrar as Bindings
from tests.calls import told
from tests.calls.accounts import account, register
from tests.calls.edges import RunningEdge, running_edge, trunk
from tests.calls.phone import Phone
from tests.calls.registrar import Registrar


@pytest.fixture(scope="module")
def edge() -> Iterator[RunningEdge]:
    with running_edge(register_min=1) as running:
        yield running


@pytest.fixture
def phone(edge: RunningEdge) -> Iterator[Phone]:
    """A telephone, and an account that is registered nowhere and of which nothing is counted yet."""
    edge.put(account("alice"))
    edge.run(Bindings(edge.edge).unregister("alice", allowed=None))
    for table in ("hour", "refused", "guesses", "slowed", "ban"):
        edge.run(edge.edge.rpc.call("htable.flush", table))
    with Phone("127.0.3.1") as made:
        yield made


def history(edge: RunningEdge, since: int) -> list[Registration]:
    """What has been told after the first so many."""
    return told.of(edge, Registration)[since:]


def until(edge: RunningEdge, since: int, count: int, seconds: float = 5) -> list[Registration]:
    told.until(edge, lambda _: len(history(edge, since)) >= count, seconds)
    return history(edge, since)


def test_a_phone_that_comes_moves_and_goes_is_told_of_and_its_refreshes_are_not(
    edge: RunningEdge, phone: Phone
) -> None:
    since = len(told.of(edge, Registration))
    contact = "<sip:alice@192.168.1.9:5060>"
    for _ in range(3):
        assert register(phone, edge, "alice", contact=contact).status == 200
    with Phone("127.0.3.2") as elsewhere:
        assert register(elsewhere, edge, "alice", contact=contact).status == 200
        assert register(elsewhere, edge, "alice", contact=contact, expires=0).status == 200
        told_of = until(edge, since, 3)
        assert [(each.what, each.place, each.bindings) for each in told_of] == [
            ("registered", f"udp:{phone.at}", 1),
            ("moved", f"udp:{elsewhere.at}", 1),
            ("unregistered", f"udp:{elsewhere.at}", 0),
        ]
    assert {each.username for each in told_of} == {"alice"}
    assert told_of[0].contact == "sip:alice@192.168.1.9:5060"
    assert told_of[0].user_agent == "test phone/1.0"


def test_what_expires_is_told_with_what_is_left(edge: RunningEdge, phone: Phone) -> None:
    since = len(told.of(edge, Registration))
    assert register(phone, edge, "alice", contact="<sip:alice@192.168.1.9>", expires=60).status == 200
    assert register(phone, edge, "alice", contact="<sip:alice@192.168.1.8>", expires=2).status == 200
    *_, expired = until(edge, since, 3, 8)
    assert (expired.what, expired.username, expired.contact, expired.bindings) == (
        *("expired", "alice", "sip:alice@192.168.1.8"),
        1,
    )


def test_each_refusal_says_why(edge: RunningEdge, phone: Phone) -> None:
    edge.put(account("bob", restricted=True, allowed="192.0.2.0/24"))
    since = len(told.of(edge, Registration))
    assert register(phone, edge, "alice", password="wrong").status == 401
    assert register(phone, edge, "nobody").status == 401
    assert register(phone, edge, "bob").status == 403
    assert register(phone, edge, "carol", login="alice").status == 403
    told_of = until(edge, since, 4)
    assert [(each.what, each.username, each.reason) for each in told_of] == [
        ("refused", "alice", "wrong-password"),
        ("refused", "nobody", "unknown-username"),
        ("refused", "bob", "address-not-allowed"),
        ("refused", "alice", "caller-not-allowed"),
    ]
    assert {each.place for each in told_of} == {f"udp:{phone.at}"}


def test_a_first_challenge_is_no_refusal(edge: RunningEdge, phone: Phone) -> None:
    since = len(told.of(edge, Registration))
    assert register(phone, edge, "alice", password=None).status == 401
    assert register(phone, edge, "alice").status == 200
    assert [each.what for each in until(edge, since, 1)] == ["registered"]


def test_guessing_cannot_fill_the_disk(edge: RunningEdge) -> None:
    """Sixty refusals an hour of one source are told, however many there are; the others are counted."""
    edge.run(edge.edge.rpc.call("htable.flush", "hour"))
    before, lost = len(told.of(edge, Registration)), told.counters(edge).get("refusals", 0)
    edge.run(edge.edge.rpc.call("htable.seti", "hour", "registers::127.0.3.9", 58))
    with Phone("127.0.3.9") as guesser:
        for number in range(5):
            register(guesser, edge, f"guess{number}")
    until(edge, before, 2)
    time.sleep(1.5)
    assert [each.username for each in history(edge, before) if each.what == "refused"] == ["guess0", "guess1"]
    assert told.counters(edge)["refusals"] - lost == 3


def test_a_phone_that_comes_and_goes_all_the_time_is_told_of_sixty_times_an_hour(
    edge: RunningEdge, phone: Phone
) -> None:
    before = len(told.of(edge, Registration))
    edge.run(edge.edge.rpc.call("htable.seti", "hour", "account::alice", 58))
    for number in range(4):
        assert register(phone, edge, "alice", contact=f"<sip:alice@192.168.1.{number}>").status == 200
    until(edge, before, 2)
    time.sleep(0.5)
    assert len([each for each in history(edge, before) if each.what == "registered"]) == 2


def test_a_registrar_s_answers_are_told_when_they_change(edge: RunningEdge) -> None:
    since = len(told.of(edge, Registration))
    with Registrar("127.0.1.1") as carrier:
        carrier.users = {"acme": "the secret"}
        carrier.judges = lambda register: (403, "")
        row = trunk("trunk", "127.0.1.1", gateways=[carrier.at], username="acme", password="the secret", register=60)
        edge.put(row)
        (failed,) = until(edge, since, 1)
        assert (failed.what, failed.trunk, failed.code, failed.reason) == ("failed", "trunk", 403, "Answer")
        assert failed.place == f"sip:{carrier.at};transport=udp"
        carrier.judges = lambda register: (200, "")
        # tried again at once, since something has changed
        edge.put(replace(row, register=120))
        _, registered = until(edge, since, 2, 15)
        assert (
            failed.contact == registered.contact == carrier.registers[-1].contact.partition("@")[0].removeprefix("sip:")
        )
        assert (registered.what, registered.code) == ("registered", 200)
        edge.put(replace(row, register=0))
        *_, off = until(edge, since, 3, 15)
        assert off.what == "unregistered"
