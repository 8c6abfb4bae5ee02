"""What becomes of media while a call is up: no way leads from encrypted to clear."""

import time

import pytest

from tests.calls.edges import RunningEdge, trunk
from tests.calls.phone import CRYPTO, Agent, Call, Message, Phone, media, sdp
from tests.calls.standing import until

CALLED = "+34911234567"
PLAIN = sdp("127.0.1.1")
SECURE = sdp("127.0.1.1", profile="RTP/SAVP", extra=CRYPTO)


def from_agent(ai: Agent, edge: RunningEdge, call: Call, method: str, body: str, cseq: int = 1) -> Message | None:
    """A request of the agent's in a standing call."""
    invite = ai.calls[-1]
    branch = f"z9hG4bKagent{cseq}{method}"
    routes = "".join(f"Route: {route}\r\n" for route in invite.all("Record-Route"))
    return ai.ask(
        f"{method} {invite.contact} SIP/2.0\r\nVia: SIP/2.0/UDP {ai.at};rport;branch={branch}\r\n{routes}"
        f"From: {call.answered.get('To')}\r\nTo: {call.answered.get('From')}\r\n"
        f"Call-ID: {call.id}\r\nCSeq: {cseq} {method}\r\n"
        f"Contact: <sip:agent@{ai.at}>\r\nMax-Forwards: 70\r\n"
        + ("Content-Type: application/sdp\r\n" if body else "")
        + f"Content-Length: {len(body)}\r\n\r\n{body}",
        edge.sip,
        branch,
    )


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_a_caller_cannot_go_back_to_clear(routed: RunningEdge, carrier: Phone, ai: Agent, method: str) -> None:
    routed.put(trunk("trunk", "127.0.1.1", media_in="require"))
    call = carrier.call(routed.sip, CALLED, body=SECURE)
    assert call.status == 200
    final = call.request(method, body=PLAIN)
    assert final is not None
    assert final.status == 488
    assert len([m for m in ai.received if m.method == method]) == (1 if method == "INVITE" else 0), "it went no further"
    assert call.hang_up() == 200, "the call had stayed up"


def test_a_caller_may_renew_its_encrypted_offer(routed: RunningEdge, carrier: Phone, ai: Agent) -> None:
    routed.put(trunk("trunk", "127.0.1.1", media_in="require"))
    call = carrier.call(routed.sip, CALLED, body=SECURE)
    final = call.request("INVITE", body=SECURE)
    assert final is not None
    assert final.status == 200
    assert media(final.body)[1] == "RTP/SAVP"
    assert media(ai.received[-2].body if ai.received[-1].method == "ACK" else ai.received[-1].body)[1] == "RTP/AVP"
    assert call.hang_up() == 200


def test_an_agents_new_offer_reaches_the_caller_encrypted(routed: RunningEdge, ai: Agent) -> None:
    routed.put(trunk("trunk", "127.0.1.2", media_in="require"))
    with Agent("127.0.1.2", name="carrier") as carrier:
        carrier.answers = lambda invite: (200, sdp("127.0.1.2", 4000, "RTP/SAVP", CRYPTO))
        call = carrier.call(routed.sip, CALLED, body=SECURE)
        assert call.status == 200
        final = from_agent(ai, routed, call, "INVITE", sdp("127.0.2.1", 4012))
        assert final is not None
        assert final.status == 200
        offered = next(m for m in carrier.received if m.method == "INVITE" and m.status is None)
        assert media(offered.body)[1] == "RTP/SAVP"
        assert "AES_CM_128_HMAC_SHA1_80" in offered.body
        assert "AEAD" not in offered.body
        assert "NULL" not in offered.body
        assert media(final.body)[1] == "RTP/AVP"


def test_a_late_offer_of_the_agents_goes_through_the_relay(routed: RunningEdge, carrier: Phone, ai: Agent) -> None:
    call = carrier.call(routed.sip, CALLED, body=None)
    (address, port), profile = media(call.answered.body)
    assert (address, profile) == ("127.0.0.1", "RTP/AVP")
    assert port != 4002
    assert call.hang_up() == 200


def test_a_telephone_that_has_lost_its_routes_can_hang_up(routed: RunningEdge, carrier: Phone, ai: Agent) -> None:
    before = routed.run(routed.edge.rpc.call("dlg.stats_active"))["ongoing"]
    call = carrier.call(routed.sip, CALLED)
    answered = call.answered
    call.answer = Message(answered.first, tuple(h for h in answered.headers if h[0] != "Record-Route"))
    assert call.hang_up() == 200
    assert ai.wait(lambda m: m.method == "BYE")
    assert until(lambda: not routed.relays(call.id))
    assert routed.run(routed.edge.rpc.call("dlg.stats_active"))["ongoing"] == before


def test_an_ordinary_call_leaves_no_error_in_the_log(routed: RunningEdge, carrier: Phone) -> None:
    log = routed.options.data / "kamailio.log"
    before = len(log.read_text())
    for body in (PLAIN, SECURE, None):
        call = carrier.call(routed.sip, CALLED, body=body)
        assert call.status == 200
        assert call.request("INVITE", body=body or PLAIN)
        assert call.hang_up() == 200
    time.sleep(0.1)
    assert [line for line in log.read_text()[before:].splitlines() if line.strip()] == []


def test_a_busy_agent_is_reported_and_media_ports_are_given_back(
    routed: RunningEdge, carrier: Phone, ai: Agent
) -> None:
    ai.answers = lambda invite: (486, "")
    call = carrier.call(routed.sip, CALLED)
    assert call.status == 486
    assert until(lambda: not routed.relays(call.id))
    ai.answers = lambda invite: (200, sdp("127.0.2.1"))
    call = carrier.call(routed.sip, CALLED)
    assert routed.relays(call.id)
    assert call.hang_up() == 200
    assert until(lambda: not routed.relays(call.id))
