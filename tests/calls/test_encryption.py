"""Where encryption is required nothing goes in clear, whichever side offers, answers or changes its mind, and when."""

import time
from collections.abc import Iterator

import pytest

from tests.calls.edges import RunningEdge, agent, number, trunk
from tests.calls.phone import CRYPTO, Agent, Message, Phone, media, sdp
from tests.calls.standing import until
from tests.calls.test_media import from_agent

OURS, CALLED = "+34911234567", "+15125550100"
NULL = "a=crypto:1 NULL_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\n"


@pytest.fixture
def gateway() -> Iterator[Agent]:
    with Agent("127.0.1.1", name="gateway") as phone:
        yield phone


@pytest.fixture
def bot() -> Iterator[Agent]:
    """The agent that places calls, and answers what comes within them."""
    with Agent("127.0.2.1", name="bot") as phone:
        yield phone


@pytest.fixture
def required(edge: RunningEdge, gateway: Agent) -> RunningEdge:
    """A trunk that requires SRTP towards its gateway; the agent speaks plain RTP."""
    edge.file.rebuild((), "test", edge.revision)
    edge.put(
        number(agent_out="agent"),
        trunk("trunk", "127.0.1.0/24", gateways=(gateway.at,), media_out="require"),
        agent(sources="127.0.2.1/32"),
    )
    return edge


def secure(port: int = 4000) -> str:
    return sdp("127.0.1.1", port, "RTP/SAVP", CRYPTO)


def ended(edge: RunningEdge, call_id: str) -> bool:
    """Whether the log tells why."""
    line, deadline = f"ended answer-not-encrypted source=127.0.1.1 call_id={call_id}", time.monotonic() + 2
    while line not in (edge.options.data / "kamailio.log").read_text(errors="replace"):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def both_are_told(bot: Phone, gateway: Phone) -> bool:
    return all(side.wait(lambda m: m.method == "BYE" and m.status is None) for side in (bot, gateway))


def test_srtp_is_offered_and_taken(required: RunningEdge, bot: Agent, gateway: Agent) -> None:
    gateway.answers = lambda invite: (200, secure())
    call = bot.call(required.sip, CALLED, caller=OURS)
    assert media(gateway.calls[0].body)[1] == "RTP/SAVP"
    assert "AEAD" not in gateway.calls[0].body
    assert media(call.answered.body)[1] == "RTP/AVP"
    assert call.hang_up() == 200


@pytest.mark.parametrize(
    "answer",
    [
        sdp("127.0.1.1"),
        sdp("127.0.1.1", extra=CRYPTO),
        sdp("127.0.1.1", profile="RTP/SAVP"),
        sdp("127.0.1.1", profile="RTP/SAVP", extra=NULL),
        # two keys, of which the second would do
        sdp("127.0.1.1", profile="RTP/SAVP", extra=NULL + CRYPTO.replace("crypto:1", "crypto:2")),
        # authenticated, and not encrypted (RFC 4568 section 6.3.2)
        sdp("127.0.1.1", profile="RTP/SAVP", extra=CRYPTO.replace("\r\n", " UNENCRYPTED_SRTP\r\n")),
        # no answer at all
        "",
    ],
)
def test_a_plain_answer_ends_both_legs(required: RunningEdge, bot: Agent, gateway: Agent, answer: str) -> None:
    gateway.answers = lambda invite: (200, answer)
    call = bot.call(required.sip, CALLED, caller=OURS)
    # a 200 cannot be taken back; it says nothing of media
    assert call.answered.body == ""
    assert both_are_told(bot, gateway)
    assert until(lambda: not required.relays(call.id))
    assert ended(required, call.id)


def test_early_media_in_clear_is_not_passed_on(required: RunningEdge, bot: Agent, gateway: Agent) -> None:
    def progress(invite: Message) -> tuple[int, str]:
        gateway.send(gateway.response(invite, 183, sdp("127.0.1.1"), tag="early"), required.sip)
        time.sleep(0.3)  # two workers of the edge's: the 183 is to be met first
        return 200, secure()

    gateway.answers = progress
    call = bot.call(required.sip, CALLED, caller=OURS)
    assert media(call.answered.body)[1] == "RTP/AVP"
    early = bot.wait(lambda m: m.status == 183, 0)
    assert early
    assert early.body == early.get("Content-Type") == ""
    assert call.hang_up() == 200


def test_a_gateway_cannot_go_back_to_clear(required: RunningEdge, bot: Agent, gateway: Agent) -> None:
    gateway.answers = lambda invite: (200, secure())
    call = bot.call(required.sip, CALLED, caller=OURS)
    assert call.status == 200
    for method in ("INVITE", "UPDATE"):
        final = from_agent(gateway, required, call, method, sdp("127.0.1.1", 4010))
        assert final
        assert final.status == 488
    assert required.relays(call.id)
    final = from_agent(gateway, required, call, "UPDATE", secure(4012), cseq=9)
    assert final
    assert final.status == 200
    assert call.hang_up() == 200


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_a_plain_answer_to_a_later_offer_ends_both_legs(
    required: RunningEdge, bot: Agent, gateway: Agent, method: str
) -> None:
    gateway.answers = lambda invite: (200, secure() if not invite.tag("To") else sdp("127.0.1.1"))
    gateway.answers_update = lambda update: sdp("127.0.1.1")
    call = bot.call(required.sip, CALLED, caller=OURS)
    assert call.status == 200
    final = call.request(method, body=sdp("127.0.2.1", 4014))
    assert final
    assert final.body == ""
    assert both_are_told(bot, gateway)
    assert ended(required, call.id)


def test_a_late_offer_in_clear_ends_both_legs(required: RunningEdge, bot: Agent, gateway: Agent) -> None:
    call = bot.call(required.sip, CALLED, caller=OURS, body=None)
    assert call.answered.body == ""
    assert both_are_told(bot, gateway)
    gateway.answers = lambda invite: (200, secure())
    call = bot.call(required.sip, CALLED, caller=OURS, body=None)
    assert media(call.answered.body)[1] == "RTP/AVP"
    assert call.hang_up() == 200


def test_a_late_answer_in_clear_ends_both_legs(required: RunningEdge, bot: Agent, gateway: Agent) -> None:
    """The gateway asks with a re-INVITE without SDP, and answers the agent's offer in its ACK."""
    gateway.answers = lambda invite: (200, secure())
    bot.answers = lambda invite: (200, sdp("127.0.2.1", 4016))
    for answer, stays in ((secure(4018), True), (sdp("127.0.1.1", 4018), False)):
        call = bot.call(required.sip, CALLED, caller=OURS)
        assert call.status == 200
        offer = from_agent(gateway, required, call, "INVITE", "")
        assert offer
        assert offer.status == 200
        assert media(offer.body)[1] == "RTP/SAVP"
        gateway.send(_ack(gateway, call.answered, offer, answer), required.sip)
        if stays:
            acknowledged = bot.wait(lambda m: m.method == "ACK" and m.body != "")
            assert acknowledged
            assert media(acknowledged.body)[1] == "RTP/AVP"
            assert call.hang_up() == 200
        else:
            assert both_are_told(bot, gateway)
            assert ended(required, call.id)


def _ack(gateway: Agent, answered: Message, offer: Message, body: str) -> str:
    routes = "".join(f"Route: {route}\r\n" for route in gateway.calls[-1].all("Record-Route"))
    return (
        f"ACK {offer.contact} SIP/2.0\r\nVia: SIP/2.0/UDP {gateway.at};rport;branch=z9hG4bKlateack\r\n{routes}"
        f"From: {offer.get('From')}\r\nTo: {offer.get('To')}\r\nCall-ID: {offer.get('Call-ID')}\r\n"
        f"CSeq: {offer.get('CSeq').split()[0]} ACK\r\nMax-Forwards: 70\r\nContent-Type: application/sdp\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    )


def test_an_agents_leg_is_held_to_its_version(edge: RunningEdge) -> None:
    """Inbound: the carrier may speak plain RTP, the agent's version requires SRTP."""
    with Phone("127.0.1.3") as carrier, Agent("127.0.2.3", name="agent") as ai:
        edge.file.rebuild((), "test", edge.revision)
        edge.put(number(), trunk("trunk", "127.0.1.3"), agent(uri=f"sip:ai@{ai.at}", media="require"))
        ai.answers = lambda invite: (200, sdp("127.0.2.3", 4020, "RTP/SAVP", CRYPTO))
        call = carrier.call(edge.sip, OURS)
        assert media(ai.calls[-1].body)[1] == "RTP/SAVP"
        assert media(call.answered.body)[1] == "RTP/AVP"
        assert call.hang_up() == 200
        ai.answers = lambda invite: (200, sdp("127.0.2.3", 4020))
        call = carrier.call(edge.sip, OURS)
        assert call.answered.body == ""
        assert ai.wait(lambda m: m.method == "BYE" and m.status is None)
