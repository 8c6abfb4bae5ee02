"""Who guesses passwords of accounts is slowed, then shut out; the accounts' own addresses never are."""

import time
from collections.abc import Iterator

import pytest

from cordboard.engines.edge.config import MAX_GUESSES, OWN_GUESSES, REGISTERS_A_SECOND, SLOW_GUESSES
from tests.calls.accounts import account, register
from tests.calls.edges import RunningEdge, running_edge
from tests.calls.phone import Agent, Phone
from tests.calls.standing import until


@pytest.fixture
def edge() -> Iterator[RunningEdge]:
    """Alice is heard from 127.0.3.1 alone, bob from everywhere."""
    with running_edge() as running:
        running.put(
            account("alice", internal="101", restricted=True, allowed="127.0.3.1/32"), account("bob", internal="102")
        )
        yield running


def silent(phone: Phone, edge: RunningEdge, username: str) -> bool:
    """Whether a REGISTER of that name, which any other source gets a challenge for, is not answered."""
    try:
        register(phone, edge, username, password=None, seconds=0.4)
    except AssertionError:
        return True
    return False


def shut_out(edge: RunningEdge, address: str) -> None:
    """Guess from there until nothing is heard any more."""
    with Phone(address) as guesser:
        began = time.monotonic()
        for guess in range(MAX_GUESSES + 1):
            try:
                answer = register(guesser, edge, "nobody", password=f"guess {guess}")
            except AssertionError:
                assert guess == MAX_GUESSES
                break
            assert answer.status == 401
            if guess == SLOW_GUESSES - 1:
                assert time.monotonic() - began < 1
        assert time.monotonic() - began > (MAX_GUESSES - SLOW_GUESSES) * 0.5, "the later ones wait for their second"
        assert f"banned credentials source={address}" in (edge.options.data / "kamailio.log").read_text()
        assert silent(guesser, edge, "nobody")


def test_a_guesser_is_slowed_and_shut_out_but_not_the_account_whose_address_it_is(edge: RunningEdge) -> None:
    shut_out(edge, "127.0.3.1")
    with Agent("127.0.3.1") as alice, Agent("127.0.3.2") as bob, Phone("127.0.3.1") as other:
        assert silent(other, edge, "bob")
        assert register(alice, edge, "alice").status == 200
        assert register(bob, edge, "bob").status == 200
        call = alice.call(edge.sip, "102", caller="alice", credentials=("alice", "right"))
        assert call.status == 200
        assert call.hang_up() == 200
        call = bob.call(edge.sip, "101", caller="bob", credentials=("bob", "right"))
        assert call.status == 200
        assert call.hang_up() == 200
        # a wrong password of its own is answered as such, and no more is lost by it
        assert register(alice, edge, "alice", password="wrong").status == 401
        assert register(alice, edge, "alice").status == 200
        assert silent(other, edge, "nobody")


def test_guesses_from_where_an_account_is_registered_shut_it_not_out(edge: RunningEdge) -> None:
    with Phone("127.0.3.7") as bob:
        assert register(bob, edge, "bob").status == 200
        with Phone("127.0.3.7") as guesser:
            for guess in range(MAX_GUESSES + 1):
                try:
                    assert register(guesser, edge, "nobody", password=f"guess {guess}").status == 401
                except AssertionError:
                    assert guess == MAX_GUESSES
        assert register(bob, edge, "bob").status == 200


def test_an_account_that_is_guessed_at_from_everywhere_is_its_own_addresses_alone(edge: RunningEdge) -> None:
    with Phone("127.0.3.1") as alice, Phone("127.0.3.2") as bob, Phone("127.0.3.3") as elsewhere:
        assert register(bob, edge, "bob").status == 200
        for name in ("alice", "bob"):
            for i in range(MAX_GUESSES + 1):
                with Phone(f"127.0.4.{i + 1}") as guesser:
                    assert register(guesser, edge, name, password="guess").status == 401
        assert register(elsewhere, edge, "bob").status == 401, "even the right one is not looked at"
        assert register(bob, edge, "bob").status == 200
        assert register(alice, edge, "alice").status == 200
        # others are not hurt
        edge.put(account("carol"))
        assert register(elsewhere, edge, "carol").status == 200
        # nor is that account for long
        edge.run(edge.edge.rpc.call("htable.delete", "guesses", "account::bob"))
        assert until(lambda: register(elsewhere, edge, "bob").status == 200)


def test_guesses_from_an_accounts_own_address_are_slowed_too(edge: RunningEdge) -> None:
    with Phone("127.0.3.1") as guesser:
        looked_at, began = 0, time.monotonic()
        while time.monotonic() - began < 3:
            try:
                assert register(guesser, edge, "alice", password="guess", seconds=0.05).status == 401
                looked_at += 1
            except AssertionError:
                time.sleep(0.01)
        assert looked_at <= SLOW_GUESSES + 4 * OWN_GUESSES
        assert register(guesser, edge, "alice").status == 200


def test_guesses_from_very_many_sources_are_kept_in_no_more_memory_than_is_told_of(edge: RunningEdge) -> None:
    def remembered() -> int:
        return int({table["name"]: table["all"] for table in edge.run(edge.edge.rpc.call("htable.stats"))}["hour"])

    before, began = remembered(), time.monotonic()
    for source in range(10 * REGISTERS_A_SECOND):
        with Phone(f"127.0.77.{source + 1}") as guesser:
            assert register(guesser, edge, "nobody", password="guess").status == 401
    seconds = int(time.monotonic() - began) + 2
    assert remembered() - before <= seconds * REGISTERS_A_SECOND < 10 * REGISTERS_A_SECOND
