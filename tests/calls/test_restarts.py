"""Calls that stand when Kamailio dies, or is replaced, go on in the one that comes after it."""

import contextlib
import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.calls.edges import RunningEdge, agent, number, running_edge, trunk
from tests.calls.phone import Agent, sdp
from tests.calls.sipp import answering, place_calls
from tests.calls.standing import OURS, THEIRS, Standing, connect, parties, stand, until
from tests.calls.test_inbound import refusal

#: A call is on disk after three seconds at the latest.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def edge() -> Iterator[RunningEdge]:
    with running_edge() as running:
        yield running


@pytest.fixture
def both(edge: RunningEdge) -> Iterator[tuple[Agent, Agent]]:
    with parties() as (carrier, ai):
        connect(edge, carrier, ai)
        yield carrier, ai


def kill(edge: RunningEdge, name: str = "kamailio") -> None:
    """SIGKILL to all of an engine's processes at once."""
    process = getattr(edge.edge, name).process
    os.killpg(process.pid, signal.SIGKILL)
    assert until(lambda: getattr(edge.edge, name).process not in (None, process), 10)
    edge.until_ready(10)


def settle() -> None:
    """A call older than this is on disk."""
    time.sleep(3.2)


def cseqs(phone: Agent, call_id: str) -> list[int]:
    return [
        int(message.get("CSeq").split()[0])
        for message in phone.received
        if message.status is None and message.get("Call-ID") == call_id and message.method not in ("ACK", "CANCEL")
    ]


def offered(side: object) -> str:
    return sdp("127.0.1.1" if "127.0.1" in str(side) else "127.0.2.1", 4010)


def goes_on(standing: Standing) -> None:
    """Both sides offer anew, and hear each other's answer."""
    for side in (standing.carriers, standing.agents):
        answer = side.request("INVITE", body=offered(side.phone.at))
        assert answer is not None
        assert answer.status == 200, answer.first
        assert "m=audio" in answer.body


@pytest.mark.parametrize("direction", ["in", "out"])
@pytest.mark.parametrize("who", ["carrier", "agent"])
def test_a_call_outlives_kamailio(edge: RunningEdge, both: tuple[Agent, Agent], direction: str, who: str) -> None:
    standing = stand(edge, *both, direction)
    settle()
    kill(edge)
    assert edge.run(edge.edge.calls()) >= 1, "it still counts"
    goes_on(standing)
    side = standing.carriers if who == "carrier" else standing.agents
    assert side.hang_up() == 200
    assert standing.other(side).wait(lambda m: m.method == "BYE")
    for phone in both:
        seen = cseqs(phone, standing.caller.id)
        assert seen == sorted(set(seen)), "each request has a higher CSeq than the one before"
    assert until(lambda: edge.run(edge.edge.calls()) == 0)
    assert until(lambda: not edge.relays(standing.caller.id))


def test_the_cseq_that_a_challenge_has_raised_is_remembered(edge: RunningEdge, both: tuple[Agent, Agent]) -> None:
    carrier, _ = both
    carrier.wants = ("acme", "carrier secret")
    standing = stand(edge, *both, "out")
    carrier.wants = None
    settle()
    kill(edge)
    goes_on(standing)
    assert standing.agents.hang_up() == 200
    seen = cseqs(carrier, standing.caller.id)
    assert seen == [1, 2, 3, 4]


def test_what_is_remembered_of_a_call_takes_few_rows(edge: RunningEdge, both: tuple[Agent, Agent]) -> None:
    """Each variable is a COMMIT of Kamailio's: its id, how it began, and by how much challenges raised its CSeq."""
    standing = stand(edge, *both, "in")
    settle()
    with contextlib.closing(sqlite3.connect(f"file:{edge.folder / 'dialog.sqlite'}?mode=ro", uri=True)) as database:
        rows = database.execute(
            "select count(*) from dialog left join dialog_vars using (hash_entry, hash_id) group by dialog.id"
        ).fetchall()
    assert rows
    assert max(rows) <= (3,), rows
    assert standing.carriers.hang_up() == 200


def test_a_call_that_has_ended_does_not_come_back(edge: RunningEdge, both: tuple[Agent, Agent]) -> None:
    standing = stand(edge, *both, "in")
    settle()
    assert standing.carriers.hang_up() == 200
    kill(edge)
    assert edge.run(edge.edge.calls()) == 0
    # nobody is told of its end for a second time
    assert standing.agents.hang_up() == 481


def test_a_replaced_kamailio_goes_on_with_the_calls(both: tuple[Agent, Agent]) -> None:
    with running_edge() as old:
        connect(old, *both)
        standing = stand(old, *both, "in")
        settle()
        before = old.edge.kamailio.process
        old.run(old.edge.detach())
        new = RunningEdge(replace(old.options, max_duration=7000, replace_edge=True))
        try:
            new.start()
            new.until_ready(10)
            assert new.edge.kamailio.process != before
            goes_on(standing)
            assert standing.agents.hang_up() == 200
        finally:
            new.run(new.edge.stop())
            new.close()


def test_calls_end_when_rtpengine_dies(edge: RunningEdge, both: tuple[Agent, Agent]) -> None:
    standing = stand(edge, *both, "in")
    other = stand(edge, *both, "out")
    settle()
    kill(edge, "rtpengine")
    assert standing.ended(10) == ['Q.850;cause=41;text="media-lost"'] * 2
    assert until(lambda: edge.run(edge.edge.calls()) == 0, 10)
    assert {m.get("Call-ID") for m in both[0].received if m.method == "BYE"} == {standing.caller.id, other.caller.id}
    # and calls are taken again
    assert stand(edge, *both, "in").carriers.hang_up() == 200


def test_calls_end_when_both_engines_die(edge: RunningEdge, both: tuple[Agent, Agent]) -> None:
    standing = stand(edge, *both, "out")
    settle()
    engines = [getattr(edge.edge, name).process for name in ("kamailio", "rtpengine")]
    for engine in engines:
        os.killpg(engine.pid, signal.SIGKILL)
    assert standing.ended(10) == ['Q.850;cause=41;text="media-lost"'] * 2
    edge.until_ready(10)


def test_no_call_fails_while_calls_are_written_down(edge: RunningEdge) -> None:
    with answering("127.0.2.3", trace=False) as uas:
        edge.put(number(), trunk("trunk", "127.0.1.0/24"), agent(uri=f"sip:{{number}}@{uas.at}"))
        done = place_calls(edge.sip, ["+34911234567"] * 2000, rate=100)
    assert (done.calls, done.failed) == (2000, 0), done.log
    assert until(lambda: edge.run(edge.edge.calls()) == 0, 10)


def test_a_call_of_before_counts_against_its_limit(both: tuple[Agent, Agent]) -> None:
    carrier, ai = both
    with running_edge(trunk_max_calls=1) as edge:
        connect(edge, carrier, ai)
        standing = stand(edge, carrier, ai, "out")
        settle()
        kill(edge)
        refused = ai.call(edge.sip, THEIRS, caller=OURS)
        assert (refused.status, refusal(edge, refused.id)) == (503, "503 trunk-calls-at-once")
        assert standing.agents.hang_up() == 200
        # a dialog is kept for some seconds after its BYE, its place is not
        assert until(lambda: ai.call(edge.sip, THEIRS, caller=OURS).status == 200, 3)
