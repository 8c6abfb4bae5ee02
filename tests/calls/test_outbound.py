"""Calls from an agent: who may show which number, and the way through the trunk's gateways."""

import time
from collections.abc import Iterator

import pytest

from cordboard.domain.edge import AgentRow
from tests.calls import told
from tests.calls.digest import ha1
from tests.calls.edges import RunningEdge, agent, number, trunk
from tests.calls.phone import Agent, Call, Message, Phone, media
from tests.calls.test_inbound import refusal

OURS = "+34911234567"
CALLED = "+15125550100"
LOGIN = ("agent-login", "a long password")


@pytest.fixture
def first() -> Iterator[Agent]:
    """The trunk's first gateway."""
    with Agent("127.0.1.1", name="first") as phone:
        phone.ringing = False
        yield phone


@pytest.fixture
def second() -> Iterator[Agent]:
    with Agent("127.0.1.2", name="second") as phone:
        yield phone


@pytest.fixture
def bot() -> Iterator[Phone]:
    """The agent that places calls."""
    with Phone("127.0.2.1", name="bot") as phone:
        yield phone


@pytest.fixture
def routed(edge: RunningEdge, first: Agent, second: Agent) -> RunningEdge:
    """The edge with one number, whose agent at 127.0.2.1 calls through two gateways."""
    edge.file.rebuild((), "test", edge.revision)
    edge.run(edge.edge.rpc.call("htable.flush", "refused"))
    edge.run(edge.edge.rpc.call("htable.flush", "down"))
    edge.put(
        number(agent_out="agent"),
        trunk("trunk", "127.0.1.0/24", gateways=(first.at, second.at), username="acme", password="carrier secret"),
        agent(sources="127.0.2.1/32"),
    )
    return edge


def with_login(sources: str = "") -> AgentRow:
    return agent(sources=sources, login=LOGIN[0], ha1=ha1(LOGIN[0], "cordboard", LOGIN[1]))


def silent(invite: Message) -> tuple[int, str]:
    raise RuntimeError("no answer")


def test_an_agents_call_reaches_the_carrier_and_ends(routed: RunningEdge, bot: Phone, first: Agent) -> None:
    call = bot.call(routed.sip, CALLED, caller=OURS)
    assert call.status == 200
    (invite,) = first.calls
    assert invite.first == f"INVITE sip:{CALLED}@{first.at} SIP/2.0"
    assert media(invite.body)[0][0] == media(call.answered.body)[0][0] == "127.0.0.1"
    assert first.wait(lambda m: m.method == "ACK")
    assert call.hang_up() == 200
    assert first.wait(lambda m: m.method == "BYE")


def test_the_carriers_challenge_is_answered(routed: RunningEdge, bot: Phone, first: Agent) -> None:
    first.wants = ("acme", "carrier secret")
    call = bot.call(routed.sip, CALLED, caller=OURS)
    assert call.status == 200
    assert not bot.wait(lambda m: m.status in (401, 407), 0)
    assert call.hang_up() == 200
    bye = first.wait(lambda m: m.method == "BYE")
    assert bye
    # the INVITE went out as 1 and 2, so that the carrier expects more than that
    assert int(bye.get("CSeq").split()[0]) >= 3


def test_a_challenge_without_an_answer_is_not_passed_on(routed: RunningEdge, bot: Phone, first: Agent) -> None:
    first.wants = ("acme", "another secret")
    call = bot.call(routed.sip, CALLED, caller=OURS)
    assert (call.status, refusal(routed, call.id)) == (503, "503 carrier-auth")
    first.wants = ("acme", "carrier secret")
    routed.put(trunk("trunk", "127.0.1.0/24", gateways=(first.at,)))
    call = bot.call(routed.sip, CALLED, caller=OURS)
    assert (call.status, refusal(routed, call.id)) == (503, "503 carrier-auth")


@pytest.mark.parametrize("status", [408, 500, 503])
def test_the_next_gateway_is_tried(routed: RunningEdge, bot: Phone, first: Agent, second: Agent, status: int) -> None:
    first.answers = lambda invite: (status, "")
    call = bot.call(routed.sip, CALLED, caller=OURS)
    assert call.status == 200
    assert len(first.calls) == len(second.calls) == 1
    assert second.calls[0].first == f"INVITE sip:{CALLED}@{second.at} SIP/2.0"
    assert call.hang_up() == 200
    assert second.wait(lambda m: m.method == "BYE")


@pytest.mark.parametrize("status", [404, 486, 600, 603])
def test_a_final_word_is_passed_on(routed: RunningEdge, bot: Phone, first: Agent, second: Agent, status: int) -> None:
    first.answers = lambda invite: (status, "")
    assert bot.call(routed.sip, CALLED, caller=OURS).status == status
    assert not second.calls


def test_nothing_else_is_tried_once_it_has_rung(routed: RunningEdge, bot: Phone, first: Agent, second: Agent) -> None:
    def rings_and_fails(invite: Message) -> tuple[int, str]:
        time.sleep(0.3)  # two workers of the edge's: the 180 is to be met first
        return 503, ""

    first.ringing = True
    first.answers = rings_and_fails
    # RFC 3261 section 16.7: a 503 of somebody else's is passed on as 500
    assert bot.call(routed.sip, CALLED, caller=OURS).status == 500
    assert not second.calls


def test_a_gateway_that_is_silent_costs_the_first_call_alone(
    routed: RunningEdge, bot: Phone, first: Agent, second: Agent
) -> None:
    first.close()
    with Phone(*first.address, name="deaf") as deaf:
        start = time.monotonic()
        call = bot.call(routed.sip, CALLED, caller=OURS)
        assert call.status == 200
        assert time.monotonic() - start < 8
        assert call.hang_up() == 200
        before = len(deaf.received)
        assert before
        for _ in range(5):
            call = bot.call(routed.sip, CALLED, caller=OURS)
            assert call.hang_up() == 200
        assert len(deaf.received) == before


def test_no_gateway_that_answers_is_503(routed: RunningEdge, bot: Phone, first: Agent, second: Agent) -> None:
    first.close()
    second.close()
    call = bot.call(routed.sip, CALLED, caller=OURS, headers="")
    if call.answer is None:
        final = bot.wait(lambda m: (m.status or 0) >= 200, 8)
        assert final
        assert final.status == 503
    assert refusal(routed, call.id) == "503 gateways-unreachable"
    assert told.ended(routed, call.id)[2].code == 503


@pytest.mark.parametrize(
    ("source", "caller", "called", "expected"),
    [
        # a stranger who shows our number, and one who shows nobody's
        ("127.0.3.9", OURS, CALLED, "403 caller-not-allowed"),
        ("127.0.3.9", "+1999", CALLED, "404 unknown-number"),
        # another tenant's agent, with the other's number
        ("127.0.2.2", OURS, CALLED, "403 caller-not-allowed"),
        ("127.0.2.1", "+34911111111", CALLED, "403 caller-not-allowed"),
        # a number that nobody calls from
        ("127.0.2.1", "+34911111112", CALLED, "403 caller-not-allowed"),
        # not E.164
        ("127.0.2.1", OURS, "112", "403 emergency-not-carried"),
        ("127.0.2.1", OURS, "+34112", "403 emergency-not-carried"),
        ("127.0.2.1", OURS, "15125550100", "403 not-e164"),
    ],
)
def test_who_may_show_which_number_is_strict(
    routed: RunningEdge, first: Agent, second: Agent, source: str, caller: str, called: str, expected: str
) -> None:
    routed.put(
        number("+34911111111", trunk="other trunk", agent_out="other"),
        number("+34911111112", trunk="other trunk"),
        trunk("other trunk", gateways=(second.at,)),
        agent("other", sources="127.0.2.2/32"),
        trunk("trunk", "127.0.1.0/24", gateways=(first.at,)),
    )
    with Phone(source) as phone:
        call = phone.call(routed.sip, called, caller=caller)
    assert (call.status, refusal(routed, call.id)) == (int(expected[:3]), expected)
    assert not first.calls
    assert not second.calls


def test_an_agent_is_known_by_its_credentials(routed: RunningEdge, first: Agent) -> None:
    routed.put(with_login())
    with Phone("127.0.3.3") as anywhere:
        call = anywhere.call(routed.sip, CALLED, caller=OURS, credentials=LOGIN)
        assert call.status == 200
        assert call.hang_up() == 200
        challenge = anywhere.wait(lambda m: m.status == 407)
        assert challenge
        assert 'realm="cordboard"' in challenge.get("Proxy-Authenticate")
        (invite,) = first.calls
        # they are between the agent and us
        assert not invite.get("Proxy-Authorization")
        assert anywhere.call(routed.sip, CALLED, caller=OURS).status == 407
        assert anywhere.call(routed.sip, CALLED, caller=OURS, credentials=(LOGIN[0], "guess")).status == 407
        assert anywhere.call(routed.sip, CALLED, caller=OURS, credentials=("nobody", LOGIN[1])).status == 407


def test_two_tenants_at_one_address_are_told_apart_by_credentials(
    routed: RunningEdge, first: Agent, second: Agent
) -> None:
    other = ("other-login", "other password")
    routed.put(
        with_login("127.0.2.0/24"),
        number("+34911111111", trunk="other trunk", agent_out="other"),
        trunk("other trunk", "127.0.1.0/24", gateways=(second.at,)),
        agent("other", sources="127.0.2.0/24", login=other[0], ha1=ha1(other[0], "cordboard", other[1])),
    )
    with Phone("127.0.2.7") as shared:
        assert shared.call(routed.sip, CALLED, caller=OURS, credentials=LOGIN).status == 200
        assert shared.call(routed.sip, CALLED, caller="+34911111111", credentials=other).status == 200
        assert shared.call(routed.sip, CALLED, caller=OURS, credentials=other).status == 403
        assert shared.call(routed.sip, CALLED, caller="+34911111111", credentials=LOGIN).status == 403
    assert (len(first.calls), len(second.calls)) == (1, 1)


def test_credentials_are_good_once(routed: RunningEdge, first: Agent) -> None:
    routed.put(with_login())
    with Phone("127.0.3.3") as phone:
        call = phone.call(routed.sip, CALLED, caller=OURS, credentials=LOGIN)
        assert call.status == 200
        invite = next(e.message for e in phone.events if e.sent and e.message.get("Proxy-Authorization"))
    with Phone("127.0.3.4") as thief:
        again = Call(phone=thief, edge=routed.sip, uri=call.uri, caller=OURS)
        header = f"Proxy-Authorization: {invite.get('Proxy-Authorization')}\r\n"
        answer = again.request("INVITE", body=invite.body, headers=header)
        assert answer
        assert answer.status == 407


def test_a_trunk_without_a_gateway_takes_no_call(routed: RunningEdge, bot: Phone) -> None:
    routed.put(trunk("trunk", "127.0.1.0/24"))
    call = bot.call(routed.sip, CALLED, caller=OURS)
    assert (call.status, refusal(routed, call.id)) == (480, "480 no-gateway")


def test_a_gateway_that_is_the_edge_itself_is_no_way(routed: RunningEdge, bot: Phone, second: Agent) -> None:
    host, port = routed.sip
    routed.put(trunk("trunk", "127.0.1.0/24", gateways=(f"{host}:{port}", second.at)))
    assert bot.call(routed.sip, CALLED, caller=OURS).status == 200
    routed.put(trunk("trunk", "127.0.1.0/24", gateways=(f"{host}:{port}",)))
    call = bot.call(routed.sip, CALLED, caller=OURS)
    assert (call.status, refusal(routed, call.id)) == (503, "503 gateways-unreachable")
