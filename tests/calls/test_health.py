"""Which gateways answer OPTIONS: the dead ones are tried last, by calls that know of it beforehand."""

import time
from collections.abc import Iterator

import pytest

from cordboard.domain.calls import Turned
from tests.calls.edges import RunningEdge, agent, free_port, number, running_edge, trunk
from tests.calls.phone import Agent, Phone
from tests.calls.told import events

OURS, CALLED = "+34911234567", "+15125550100"


@pytest.fixture(scope="module")
def probing() -> Iterator[RunningEdge]:
    with running_edge(probe_seconds=1) as edge:
        yield edge


@pytest.fixture
def bot() -> Iterator[Phone]:
    with Phone("127.0.2.1", name="bot") as phone:
        yield phone


def routed(edge: RunningEdge, *gateways: str, probe: bool = True) -> None:
    edge.file.rebuild((), "test", edge.revision)
    for table in ("down", "health", "silent"):
        edge.run(edge.edge.rpc.call("htable.flush", table))
    edge.put(
        number(agent_out="agent"),
        trunk("trunk", "127.0.1.0/24", gateways=gateways, probe=probe),
        agent(sources="127.0.2.1/32"),
    )


def told(edge: RunningEdge, what: str, at: str, seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if f"gateway {what} uri=sip:{at};" in (edge.options.data / "kamailio.log").read_text():
            return True
        time.sleep(0.05)
    return False


def invited(phone: Phone) -> int:
    return len([m for m in phone.received if m.method == "INVITE" and m.status is None])


def test_a_dead_first_gateway_costs_no_call_anything_once_it_is_known(probing: RunningEdge, bot: Phone) -> None:
    with Phone("127.0.1.1", name="deaf") as deaf, Agent("127.0.1.2", name="second") as second:
        routed(probing, deaf.at, second.at)
        assert told(probing, "down", deaf.at)
        for _ in range(20):
            began = time.monotonic()
            call = bot.call(probing.sip, CALLED, caller=OURS)
            assert call.status == 200
            assert time.monotonic() - began < 2
            call.hang_up()
        assert invited(deaf) == 0
        # last, and not never
        second.answers = lambda invite: (503, "")
        second.ringing = False
        bot.call(probing.sip, CALLED, caller=OURS)
        assert invited(deaf) > 0


def test_a_gateway_that_comes_back_is_the_first_again(probing: RunningEdge, bot: Phone) -> None:
    with Agent("127.0.1.2", name="second") as second:
        port = free_port("127.0.1.1")
        with Phone("127.0.1.1", port, name="deaf") as deaf:
            routed(probing, deaf.at, second.at)
            assert told(probing, "down", deaf.at)
        with Agent("127.0.1.1", port, name="first") as first:
            # a change of something else forgets nothing
            probing.put(trunk("another", "127.0.1.77", gateways=("127.0.1.78:5060",), probe=True))
            assert told(probing, "up", first.at)
            call = bot.call(probing.sip, CALLED, caller=OURS)
            assert call.status == 200
            assert invited(first) == 1
            call.hang_up()


def test_what_a_probe_found_can_be_read(probing: RunningEdge) -> None:
    with Agent("127.0.1.2", name="gateway") as gateway:
        routed(probing, gateway.at)
        probe = gateway.wait(lambda m: m.method == "OPTIONS", 5)
        assert probe
        assert probe.get("From").startswith("<sip:cordboard@")
        time.sleep(0.5)
        found = probing.run(probing.edge.rpc.call("htable.get", "health", f"sip:{gateway.at};transport=udp"))
        code, latency, at = str(found["item"]["value"]).split()
        assert code == "200"
        assert 0 < int(latency) < 1_000_000
        assert abs(int(at) - time.time()) < 5


@pytest.mark.proves("nebrija: advanced.optionsProbing")
def test_gateways_shared_by_trunks_are_asked_once_and_those_that_want_no_probe_never(probing: RunningEdge) -> None:
    with Agent("127.0.1.2", name="shared") as shared, Agent("127.0.1.3", name="quiet") as quiet:
        routed(probing, quiet.at, probe=False)
        probing.put(*(trunk(f"t{i}", gateways=(shared.at,), probe=True) for i in range(50)))
        assert shared.wait(lambda m: m.method == "OPTIONS", 5)
        time.sleep(2.5)
        assert 1 < len({m.get("Call-ID") for m in shared.received if m.method == "OPTIONS"}) <= 5
        assert not quiet.received


def turns(edge: RunningEdge, at: str, count: int) -> list[bool]:
    """What was told of a place, whether it is down, once there are that many.

    What has run out is looked for by Kamailio each twenty seconds.
    """
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        found = [e.down for e in events(edge) if isinstance(e, Turned) and e.uri == f"sip:{at};transport=udp"]
        if len(found) >= count:
            return found
        time.sleep(0.1)
    return found


def test_each_turn_of_a_gateway_is_told_once(probing: RunningEdge) -> None:
    port = free_port("127.0.1.4")
    with Phone("127.0.1.4", port, name="deaf") as deaf:
        routed(probing, deaf.at)
        assert turns(probing, deaf.at, 1) == [True]
        time.sleep(2.5)
        assert turns(probing, deaf.at, 1) == [True]
    with Agent("127.0.1.4", port, name="back") as back:
        assert turns(probing, back.at, 2) == [True, False]


def test_a_gateway_that_only_a_call_has_found_dead_is_told_to_be_up_when_that_is_forgotten(
    probing: RunningEdge, bot: Phone
) -> None:
    with Phone("127.0.1.5", name="deaf") as deaf:
        routed(probing, deaf.at, probe=False)
        bot.call(probing.sip, CALLED, caller=OURS)
        assert turns(probing, deaf.at, 2) == [True, False]
