"""A trunk's gateways: their order, their shares of the calls, and after which answers the next one is tried."""

import contextlib
import sqlite3
import time
from collections.abc import Iterator

import pytest

from cordboard.domain.addresses import HostPort
from cordboard.domain.edge import HopRow, TrunkRow, hop
from tests.calls.edges import RunningEdge, agent, number, trunk
from tests.calls.phone import Agent, Message, Phone

OURS, CALLED = "+34911234567", "+15125550100"


@pytest.fixture
def gateways() -> Iterator[list[Agent]]:
    phones = [Agent(f"127.0.1.{i}", name=f"gateway{i}") for i in (1, 2, 3, 4)]
    for phone in phones:
        phone.ringing = False
    yield phones
    for phone in phones:
        phone.close()


@pytest.fixture
def bot() -> Iterator[Phone]:
    with Phone("127.0.2.1", name="bot") as phone:
        yield phone


def of(*places: tuple[Agent, int, int], failover: str = "") -> TrunkRow:
    """A trunk of these gateways, each with rank and weight."""
    return trunk("trunk", "127.0.1.0/24", hops=tuple(_hop(*place) for place in places), failover=failover)


def _hop(gateway: Agent, rank: int, weight: int) -> HopRow:
    host, port = gateway.address
    there = hop(HostPort(host=host, port=port))
    return HopRow(host=there.host, uri=there.uri, rank=rank, weight=weight)


@pytest.fixture
def routed(edge: RunningEdge) -> RunningEdge:
    edge.file.rebuild((), "test", edge.revision)
    for table in ("refused", "down"):
        edge.run(edge.edge.rpc.call("htable.flush", table))
    edge.put(number(agent_out="agent"), agent(sources="127.0.2.1/32"))
    return edge


def answered_by(edge: RunningEdge, bot: Phone, gateways: list[Agent], calls: int) -> list[int]:
    """How many of so many calls each gateway had."""
    before = [len(gateway.calls) for gateway in gateways]
    for _ in range(calls):
        call = bot.call(edge.sip, CALLED, caller=OURS)
        assert call.status == 200
        assert call.hang_up() == 200
    return [len(gateway.calls) - had for gateway, had in zip(gateways, before, strict=True)]


@pytest.mark.slow
@pytest.mark.proves("nebrija: gateway name and further keys")
def test_gateways_of_one_rank_share_calls_by_weight(routed: RunningEdge, bot: Phone, gateways: list[Agent]) -> None:
    routed.put(of((gateways[0], 10, 3), (gateways[1], 10, 1), (gateways[2], 20, 100)))
    first, second, third, _ = answered_by(routed, bot, gateways, 200)
    assert first + second == 200, "a higher rank is for when those before it do not answer"
    assert third == 0
    # 150 of 200 expected; six standard deviations are 37
    assert 113 <= first <= 187


@pytest.mark.proves("nebrija: gateway name and further keys")
def test_a_lower_rank_goes_first_whatever_the_order(routed: RunningEdge, bot: Phone, gateways: list[Agent]) -> None:
    routed.put(of((gateways[0], 7, 1), (gateways[1], 3, 1), (gateways[2], 5, 1)))
    assert answered_by(routed, bot, gateways, 5) == [0, 5, 0, 0]
    gateways[1].answers = lambda invite: (503, "")
    assert answered_by(routed, bot, gateways, 5) == [0, 5, 5, 0]


def test_the_others_of_a_rank_are_tried_before_the_next_rank(
    routed: RunningEdge, bot: Phone, gateways: list[Agent]
) -> None:
    for gateway in gateways[:2]:
        gateway.answers = lambda invite: (503, "")
    routed.put(of(*((gateway, 1, 1) for gateway in gateways[:3]), (gateways[3], 2, 1)))
    assert answered_by(routed, bot, gateways[2:], 10) == [10, 0]
    gateways[2].answers = lambda invite: (503, "")
    assert answered_by(routed, bot, gateways, 3) == [3, 3, 3, 3]


def test_a_weight_of_nothing_is_next_to_none_unless_all_have_it(
    routed: RunningEdge, bot: Phone, gateways: list[Agent]
) -> None:
    routed.put(of((gateways[0], 1, 0), (gateways[1], 1, 1000)))
    assert answered_by(routed, bot, gateways, 20)[0] <= 1
    routed.put(of((gateways[0], 1, 0), (gateways[1], 1, 0)))
    assert min(answered_by(routed, bot, gateways[:2], 30)) > 0


def test_the_records_of_one_gateway_stay_together(routed: RunningEdge, bot: Phone, gateways: list[Agent]) -> None:
    names = ("a.example;;", "b.example;;")
    with contextlib.closing(sqlite3.connect(routed.folder / "edge.sqlite", timeout=5)) as connection:
        rows = [(names[i // 2], i % 2, f"sip:{gateway.at};transport=udp") for i, gateway in enumerate(gateways)]
        connection.executemany("insert into resolved values(?,?,?)", rows)
        connection.commit()
    routed.put(
        trunk("trunk", "127.0.1.0/24", hops=tuple(HopRow(host=name.rstrip(";"), name=name, rank=1) for name in names))
    )
    orders = set()
    for gateway in gateways:
        gateway.answers = lambda invite: (503, "")
    for _ in range(30):
        seen = [len(gateway.received) for gateway in gateways]
        call = bot.call(routed.sip, CALLED, caller=OURS)
        assert call.status == 500
        firsts = [
            next(event.time for event in gateway.events if not event.sent and event.message.get("Call-ID") == call.id)
            for gateway in gateways
        ]
        assert all(len(gateway.received) > had for gateway, had in zip(gateways, seen, strict=True))
        orders.add(tuple(sorted(range(4), key=firsts.__getitem__)))
    assert orders == {(0, 1, 2, 3), (2, 3, 0, 1)}


def test_those_that_did_not_answer_go_last_even_before_the_next_rank(
    routed: RunningEdge, bot: Phone, gateways: list[Agent]
) -> None:
    routed.put(of(*((gateway, 1, 1) for gateway in gateways[:2]), (gateways[2], 2, 1)))
    for gateway in gateways[:2]:
        routed.run(routed.edge.rpc.call("htable.sets", "down", f"sip:{gateway.at};transport=udp", "1"))
    assert answered_by(routed, bot, gateways, 5) == [0, 0, 5, 0]
    gateways[2].answers = lambda invite: (503, "")
    assert sum(answered_by(routed, bot, gateways[:2], 5)) == 5


@pytest.mark.parametrize("code", [403, 404, 480])
@pytest.mark.proves("nebrija: advanced.failoverCodes")
def test_a_response_that_the_trunk_names_leads_to_the_next_gateway(
    routed: RunningEdge, bot: Phone, gateways: list[Agent], code: int
) -> None:
    gateways[0].answers = lambda invite: (code, "")
    routed.put(of((gateways[0], 0, 1), (gateways[1], 1, 1), failover="403,404,480"))
    assert answered_by(routed, bot, gateways[:2], 1) == [1, 1]
    routed.put(of((gateways[0], 0, 1), (gateways[1], 1, 1), failover="400"))
    assert bot.call(routed.sip, CALLED, caller=OURS).status == code


@pytest.mark.parametrize("code", [486, 600, 603])
def test_nobody_else_is_asked_after_a_final_word_even_if_it_is_named(
    routed: RunningEdge, bot: Phone, gateways: list[Agent], code: int
) -> None:
    gateways[0].answers = lambda invite: (code, "")
    routed.put(of((gateways[0], 0, 1), (gateways[1], 1, 1), failover=f"404,{code}"))
    assert bot.call(routed.sip, CALLED, caller=OURS).status == code
    assert not gateways[1].calls


def test_a_named_response_of_the_last_gateway_is_the_answer(
    routed: RunningEdge, bot: Phone, gateways: list[Agent]
) -> None:
    for gateway in gateways[:2]:
        gateway.answers = lambda invite: (404, "")
    routed.put(of((gateways[0], 0, 1), (gateways[1], 1, 1), failover="404"))
    assert bot.call(routed.sip, CALLED, caller=OURS).status == 404
    assert len(gateways[0].calls) == len(gateways[1].calls) == 1


def test_a_named_response_after_ringing_is_final(routed: RunningEdge, bot: Phone, gateways: list[Agent]) -> None:
    def rings_and_fails(invite: Message) -> tuple[int, str]:
        time.sleep(0.3)  # two workers of the edge's: the 180 is to be met first
        return 404, ""

    gateways[0].ringing = True
    gateways[0].answers = rings_and_fails
    routed.put(of((gateways[0], 0, 1), (gateways[1], 1, 1), failover="404"))
    assert bot.call(routed.sip, CALLED, caller=OURS).status == 404
    assert not gateways[1].calls
