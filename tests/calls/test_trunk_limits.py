"""How many calls a trunk of its own limits carries, and for how many minutes of a day."""

import time
from collections.abc import Iterator

import pytest

from tests.calls.edges import RunningEdge, number, running_edge, trunk
from tests.calls.phone import Agent
from tests.calls.standing import OURS, THEIRS, Scripted, connect, parties, stand, until
from tests.calls.test_guarding import at_once, finals_of
from tests.calls.test_inbound import refusal
from tests.calls.test_restarts import kill, settle


@pytest.fixture
def both(edge: RunningEdge) -> Iterator[tuple[Scripted, Scripted]]:
    with parties() as (carrier, ai):
        connect(edge, carrier, ai)
        yield carrier, ai


def limit(edge: RunningEdge, carrier: Agent, **limits: int) -> None:
    edge.put(trunk("trunk", "127.0.1.1/32", gateways=(carrier.at,), **limits))


@pytest.mark.parametrize("installation", [0, 2, 100])
@pytest.mark.proves("nebrija: advanced.maxConcurrentCalls")
def test_of_many_calls_at_once_both_ways_exactly_as_many_as_the_trunk_has_pass(installation: int) -> None:
    """Whatever limit the installation has for outbound calls alone."""
    with running_edge(trunk_max_calls=installation) as edge, parties() as (carrier, ai):
        connect(edge, carrier, ai)
        limit(edge, carrier, max_calls=7)
        edge.put(number("+34911000002", agent_out="agent", trunk="other"), trunk("other", gateways=(carrier.at,)))
        out = at_once(ai, edge, THEIRS, OURS, 25)
        into = at_once(carrier, edge, OURS, THEIRS, 25)
        finals = {**finals_of(ai, out), **finals_of(carrier, into)}
        assert sorted(finals.values()) == [200] * 7 + [503] * 43
        refused = next(call.id for call in [*out, *into] if finals[call.id] == 503)
        assert refusal(edge, refused) in ("503 trunk-calls-at-once", "no line"), "ten a second are told"
        # it is that trunk's limit alone
        assert ai.call(edge.sip, THEIRS, caller="+34911000002").status == 200
        # one that ends makes room for one of the other direction
        passed = next(call for call in [*out, *into] if finals[call.id] == 200)
        phone = passed.phone
        passed.answer = next(m for m in phone.received if m.status == 200 and m.get("Call-ID") == passed.id)
        passed._cseq = 1
        passed._acknowledge(passed.answer, "")
        assert passed.hang_up() == 200
        assert until(lambda: carrier.call(edge.sip, OURS, caller=THEIRS).status == 200)
        assert ai.call(edge.sip, THEIRS, caller=OURS).status == 503
        # without a limit of its own it has the installation's again
        limit(edge, carrier)
        assert carrier.call(edge.sip, OURS, caller=THEIRS).status == 200


@pytest.mark.proves("nebrija: advanced.maxCallsPerSecond")
def test_of_many_calls_in_a_second_as_many_begin_as_the_trunk_has(
    edge: RunningEdge, both: tuple[Scripted, Scripted]
) -> None:
    carrier, ai = both
    limit(edge, carrier, max_rate=5)
    carrier.answers = ai.answers = lambda invite: (486, "")
    time.sleep(1.0 - time.time() % 1.0)
    began = time.time()
    out, into = at_once(ai, edge, THEIRS, OURS, 10), at_once(carrier, edge, OURS, THEIRS, 10)
    finals = {**finals_of(ai, out), **finals_of(carrier, into)}
    seconds = int(time.time()) - int(began) + 1
    begun = list(finals.values()).count(486)
    assert 5 <= begun <= 5 * seconds
    assert list(finals.values()).count(503) == 20 - begun
    assert "503 trunk-calls-per-second" in edge.refusals()[-1]


def spoken(edge: RunningEdge, seconds: int) -> None:
    """As if the trunk's calls of today had lasted so long."""
    key = f"trunk::{int(time.time()) // 86400}"
    edge.run(edge.edge.rpc.call("htable.seti", "spoken", key, seconds))


@pytest.mark.slow
@pytest.mark.proves("nebrija: advanced.maxMinutesPerDay")
def test_minutes_of_a_day_are_those_of_calls_that_stand_and_of_those_that_have_ended(
    edge: RunningEdge, both: tuple[Scripted, Scripted]
) -> None:
    carrier, ai = both
    limit(edge, carrier, max_minutes=1)
    spoken(edge, 57)
    standing = stand(edge, carrier, ai, "out")
    other = stand(edge, carrier, ai, "out")
    time.sleep(2.1)
    refused = ai.call(edge.sip, THEIRS, caller=OURS)
    assert (refused.status, refusal(edge, refused.id)) == (403, "403 minutes-used-up")
    assert carrier.call(edge.sip, OURS, caller=THEIRS).status == 200, "inbound calls are not counted"
    assert standing.agents.hang_up() == 200
    assert other.agents.hang_up() == 200
    assert ai.call(edge.sip, THEIRS, caller=OURS).status == 403
    # they are of this day, and of this trunk
    assert until(lambda: 60 <= counted(edge) <= 75), counted(edge)
    limit(edge, carrier, max_minutes=2)
    last = ai.call(edge.sip, THEIRS, caller=OURS)
    assert last.status == 200
    assert last.hang_up() == 200


def counted(edge: RunningEdge) -> int:
    """The seconds of the trunk's calls of today, as they stand while none is on."""
    found = edge.run(edge.edge.rpc.call("htable.get", "spoken", f"trunk::{int(time.time()) // 86400}"))
    return int(found["item"]["value"])


@pytest.mark.slow
def test_a_call_that_outlives_its_kamailio_is_counted_for_what_it_lasted() -> None:
    with running_edge() as edge, parties() as (carrier, ai):
        connect(edge, carrier, ai)
        limit(edge, carrier, max_minutes=1)
        standing = stand(edge, carrier, ai, "out")
        settle()
        kill(edge)
        # what is begun after it does not mix with it
        after = stand(edge, carrier, ai, "out")
        assert standing.agents.hang_up() == 200
        assert after.agents.hang_up() == 200
        assert until(lambda: 0 < counted(edge) < 30), counted(edge)
        edge.run(edge.edge.rpc.call("htable.seti", "spoken", f"trunk::{int(time.time()) // 86400}", 60))
        assert ai.call(edge.sip, THEIRS, caller=OURS).status == 403


def test_a_call_that_nobody_answers_takes_no_minutes(edge: RunningEdge, both: tuple[Scripted, Scripted]) -> None:
    carrier, ai = both
    limit(edge, carrier, max_minutes=1)
    spoken(edge, 59)
    carrier.answers = lambda invite: (486, "")
    for _ in range(3):
        assert ai.call(edge.sip, THEIRS, caller=OURS).status == 486
