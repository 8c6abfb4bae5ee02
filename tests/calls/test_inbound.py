"""Calls from a carrier: who gets through to the agent, and who is refused for which reason."""

import base64
import time

import pytest

from tests.calls.edges import RunningEdge, agent, number, trunk
from tests.calls.phone import CRYPTO, Agent, Call, Phone, media, sdp
from tests.calls.sipp import answering
from tests.calls.standing import until

CALLED = "+34911234567"
PLAIN = sdp("127.0.1.1")
SECURE = sdp("127.0.1.1", profile="RTP/SAVP", extra=CRYPTO)


def refusal(edge: RunningEdge, call_id: str) -> str:
    """Code and reason of the log's line about that call."""
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        for line in edge.refusals():
            if line.endswith(f"call_id={call_id}"):
                return " ".join(line.split()[1:3])
        time.sleep(0.02)
    return "no line"


def test_a_call_reaches_the_agent_and_ends(routed: RunningEdge, carrier: Phone, ai: Agent) -> None:
    call = carrier.call(routed.sip, CALLED)
    assert call.status == 200
    assert call.hang_up() == 200
    (invite,) = ai.calls
    assert invite.first == f"INVITE sip:{CALLED}@{ai.at} SIP/2.0"
    assert ai.wait(lambda m: m.method == "ACK")
    assert ai.wait(lambda m: m.method == "BYE")
    # media goes through the edge in both directions
    assert media(invite.body)[0][0] == media(call.answered.body)[0][0] == "127.0.0.1"


def test_the_agent_can_hang_up(routed: RunningEdge, carrier: Phone, ai: Agent) -> None:
    call = carrier.call(routed.sip, CALLED)
    assert call.status == 200
    invite = ai.calls[0]
    routes = "".join(f"Route: {route}\r\n" for route in invite.all("Record-Route"))
    ai.send(
        f"BYE {invite.contact} SIP/2.0\r\nVia: SIP/2.0/UDP {ai.at};rport;branch=z9hG4bKagentbye\r\n{routes}"
        f"From: {call.answered.get('To')}\r\nTo: {call.answered.get('From')}\r\nCall-ID: {call.id}\r\n"
        "CSeq: 1 BYE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
        routed.sip,
    )
    assert carrier.wait(lambda m: m.method == "BYE" and m.status is None)


def test_a_cancelled_call_ends_at_the_agent(routed: RunningEdge, carrier: Phone, ai: Agent) -> None:
    ai.answers = _never
    branch = "z9hG4bKcancelled"
    call = Call(phone=carrier, edge=routed.sip, uri=f"sip:{CALLED}@127.0.0.1")
    carrier.send(call.text("INVITE", branch, body=PLAIN, content="application/sdp", cseq=1), routed.sip)
    assert carrier.wait(lambda m: m.status == 180)
    carrier.send(call.text("CANCEL", branch, cseq=1), routed.sip)
    assert carrier.wait(lambda m: m.status == 200 and m.method == "CANCEL")
    assert carrier.wait(lambda m: m.status == 487 and m.method == "INVITE")
    carrier.send(call.text("ACK", branch, cseq=1), routed.sip)
    assert ai.wait(lambda m: m.method == "CANCEL")
    assert until(lambda: not routed.relays(call.id))


def _never(invite: object) -> tuple[int, str]:
    return 180, ""


# Refusals: every code has a call that meets it.


def test_an_unknown_number_is_refused_404(routed: RunningEdge, carrier: Phone, ai: Agent) -> None:
    call = carrier.call(routed.sip, "+34911999999")
    assert call.status == 404
    assert refusal(routed, call.id) == "404 unknown-number"
    assert not ai.calls


def test_a_strangers_address_is_refused_403(routed: RunningEdge, stranger: Phone, ai: Agent) -> None:
    call = stranger.call(routed.sip, CALLED)
    assert call.status == 403
    assert refusal(routed, call.id) == "403 address-not-allowed"
    assert not ai.calls


def test_a_trunk_without_a_list_lets_everybody_in(routed: RunningEdge, stranger: Phone) -> None:
    routed.put(trunk())
    assert stranger.call(routed.sip, CALLED).status == 200


@pytest.mark.parametrize(
    ("policy", "offer", "status", "reason"),
    [
        ("disable", PLAIN, 200, ""),
        ("disable", SECURE, 488, "488 encryption-not-allowed"),
        ("allow", PLAIN, 200, ""),
        ("allow", SECURE, 200, ""),
        ("require", PLAIN, 488, "488 encryption-required"),
        ("require", SECURE, 200, ""),
        # the agent's own offer would come in clear
        ("require", None, 488, "488 encryption-required"),
        ("allow", None, 200, ""),
        ("require", SECURE.replace("AES_CM_128_HMAC_SHA1_80", "NULL_HMAC_SHA1_80"), 488, "488 media-not-supported"),
        # keys that take the encryption away again, or what shows who speaks
        ("require", SECURE.replace("JSoj", "JSoj UNENCRYPTED_SRTP"), 488, "488 media-not-supported"),
        ("require", SECURE.replace("JSoj", "JSoj UNENCRYPTED_SRTCP"), 488, "488 media-not-supported"),
        ("require", SECURE.replace("JSoj", "JSoj UNAUTHENTICATED_SRTP"), 488, "488 media-not-supported"),
        # keys beside plain RTP are no more than a suggestion
        ("require", sdp("127.0.1.1", extra=CRYPTO), 488, "488 encryption-required"),
        ("disable", sdp("127.0.1.1", extra=CRYPTO), 200, ""),
        ("allow", sdp("127.0.1.1", extra=CRYPTO), 200, ""),
        # a suite that is never taken; DTLS; encrypted beside clear; fax alone; no stream; no SDP at all
        ("allow", SECURE.replace("AES_CM_128_HMAC_SHA1_80", "AEAD_AES_256_GCM"), 488, "488 media-not-supported"),
        ("allow", sdp("127.0.1.1", profile="UDP/TLS/RTP/SAVPF"), 488, "488 media-not-supported"),
        ("allow", SECURE + "m=video 4010 RTP/AVP 96\r\n", 488, "488 media-not-supported"),
        ("allow", sdp("127.0.1.1", profile="udptl"), 488, "488 media-not-supported"),
        ("allow", "v=0\r\n", 488, "488 media-not-supported"),
        ("allow", "garbage", 488, "488 media-not-supported"),
        ("require", SECURE + "m=image 4010 udptl t38\r\n", 488, "488 media-not-supported"),
        # a stream with port 0 is none
        ("require", SECURE + "m=video 0 RTP/AVP 96\r\n", 200, ""),
        ("allow", PLAIN + "m=image 4010 udptl t38\r\n", 200, ""),
        ("allow", sdp("127.0.1.1", profile="RTP/AVPF"), 200, ""),
    ],
)
def test_the_media_policy_decides(
    routed: RunningEdge, carrier: Phone, ai: Agent, policy: str, offer: str | None, status: int, reason: str
) -> None:
    routed.put(trunk("trunk", "127.0.1.1", media_in=policy))
    call = carrier.call(routed.sip, CALLED, body=offer)
    assert call.status == status
    if reason:
        assert refusal(routed, call.id) == reason
        assert not ai.calls
        return
    if offer is not None:
        assert media(ai.calls[0].body)[1] == "RTP/AVP", "the agent's side is in clear"
        assert media(call.answered.body)[1] == media(offer)[1], "the caller's as it was offered"
        assert ("a=crypto" in call.answered.body) == ("a=crypto" in offer and policy != "disable")
    assert call.hang_up() == 200


def test_a_multipart_body_is_read(routed: RunningEdge, carrier: Phone, ai: Agent) -> None:
    def parts(offer: str) -> str:
        text = "Content-Type: text/plain\r\n\r\nhello\r\n"
        return f"--x\r\nContent-Type: application/sdp\r\n\r\n{offer}\r\n--x\r\n{text}--x--\r\n"

    routed.put(trunk("trunk", "127.0.1.1", media_in="require"))
    for offer, status in ((PLAIN, 488), (SECURE, 200)):
        call = carrier.call(routed.sip, CALLED, body=parts(offer), content="multipart/mixed;boundary=x")
        assert call.status == status
    assert "m=audio 4000" not in ai.calls[0].body
    assert "a=crypto" not in ai.calls[0].body


def test_only_the_suites_that_we_take_are_in_an_answer(routed: RunningEdge, carrier: Phone) -> None:
    def line(tag: int, suite: str, key_bytes: int) -> str:
        return f"a=crypto:{tag} {suite} inline:{base64.b64encode(bytes(range(key_bytes))).decode()}\r\n"

    suites = (("AEAD_AES_256_GCM", 44), ("AES_256_CM_HMAC_SHA1_80", 46), ("AES_CM_128_HMAC_SHA1_80", 30))
    lines = "".join(line(tag, suite, size) for tag, (suite, size) in enumerate(suites, 1))
    offer = sdp("127.0.1.1", profile="RTP/SAVP", extra=lines)
    call = carrier.call(routed.sip, CALLED, body=offer)
    taken = [text.split()[:2] for text in call.answered.body.splitlines() if text.startswith("a=crypto")]
    assert taken == [["a=crypto:3", "AES_CM_128_HMAC_SHA1_80"]]


def test_a_number_without_an_agent_is_refused_480(routed: RunningEdge, carrier: Phone) -> None:
    routed.put(number(agent=None))
    call = carrier.call(routed.sip, CALLED)
    assert call.status == 480
    assert refusal(routed, call.id) == "480 no-agent"


def test_an_agent_without_a_published_version_is_refused_480(routed: RunningEdge, carrier: Phone) -> None:
    routed.drop("agent", "agent")
    assert carrier.call(routed.sip, CALLED).status == 480


def test_a_number_without_its_trunk_blames_nobody(routed: RunningEdge, carrier: Phone) -> None:
    routed.drop("trunk", "trunk")
    call = carrier.call(routed.sip, CALLED)
    assert call.status == 503
    assert refusal(routed, call.id) == "503 lookup-failed"


def test_an_agent_over_tls_without_tls_is_refused_503(routed: RunningEdge, carrier: Phone) -> None:
    routed.put(agent(uri="sip:agent@127.0.2.1:5061;transport=tls"))
    call = carrier.call(routed.sip, CALLED)
    assert call.status == 503
    assert refusal(routed, call.id) == "503 tls-off"


def test_refusals_are_logged_ten_times_a_second_at_most(routed: RunningEdge, stranger: Phone) -> None:
    calls = [stranger.call(routed.sip, CALLED) for _ in range(60)]
    ids = {call.id for call in calls}
    lines = [line for line in routed.refusals() if line.rpartition("call_id=")[2] in ids]
    first = next(e.time for e in stranger.events)
    seconds = stranger.events[-1].time - first
    assert 10 <= len(lines) <= 10 * (seconds + 2)
    assert len(lines) < 60


# What is called.


@pytest.mark.parametrize(
    "user",
    [
        "+34911234567",
        "34911234567",
        "0034911234567",
        "%2B34911234567",
        "+34911234567;npdi=yes",
        "+34911234567;rn=+34900;npdi",
        "+34-911-234-567",
        "+34.911.(234).567",
        "%2b34%20911%20234%20567",
        "3%34911234567",
    ],
)
def test_the_number_is_understood(routed: RunningEdge, carrier: Phone, ai: Agent, user: str) -> None:
    assert carrier.call(routed.sip, user).status == 200
    assert ai.calls[0].first.startswith(f"INVITE sip:{CALLED}@")


@pytest.mark.parametrize(
    "user",
    [
        "++34911234567",
        "%252B34911234567",  # decoded once
        "+34911234567x",
        "000034911234567",
        "+0034911234567",
        "+34911234567%3Bnpdi",  # an escaped ; is no separator
        "%0034911234567",
        "34911234567%00",
        "%FF",
        "+34911234567%",
        "'%20or%201=1%20--",
        "x'%20union%20select%20*%20from%20trunk--",
        "34911234567'",
        "%27%29%3B%20drop%20table%20number%3B--",
        "",
    ],
)
def test_anything_else_is_unknown(routed: RunningEdge, carrier: Phone, ai: Agent, user: str) -> None:
    call = carrier.call(routed.sip, user)
    assert call.status in (404, 400, None), call.status
    assert not ai.calls
    assert carrier.call(routed.sip, CALLED).status == 200, "nothing was harmed"


def test_a_sip_address_is_matched_by_user_and_host(routed: RunningEdge, carrier: Phone, ai: Agent) -> None:
    routed.put(number("sales@example.com"))
    assert carrier.call(routed.sip, "sales", host="EXAMPLE.com").status == 200
    assert ai.calls[-1].first.startswith("INVITE sip:sales@127.0.2.1")
    assert carrier.call(routed.sip, "sales", host="example.org").status == 404
    assert carrier.call(routed.sip, "Sales", host="example.com").status == 404, "a user keeps its case"


def test_an_exact_address_goes_before_digits(routed: RunningEdge, carrier: Phone, ai: Agent) -> None:
    with Agent("127.0.2.2", name="other agent") as other:
        routed.put(number("34911234567@example.com", agent="other"), agent("other", f"sip:other@{other.at}"))
        assert carrier.call(routed.sip, "34911234567", host="example.com").status == 200
        assert carrier.call(routed.sip, "34911234567", host="example.org").status == 200
    assert len(other.calls) == len(ai.calls) == 1


def test_a_change_is_met_by_the_next_call(routed: RunningEdge, carrier: Phone, stranger: Phone, ai: Agent) -> None:
    with Agent("127.0.2.2", name="second agent") as second:
        for i in range(20):
            routed.put(trunk("trunk", "127.0.1.9"))
            assert carrier.call(routed.sip, CALLED).status == 403
            routed.put(trunk("trunk", "127.0.1.1"), agent(uri=f"sip:{{number}}@{second.at}"))
            assert carrier.call(routed.sip, CALLED).status == 200
            assert len(second.calls) == i + 1
            routed.put(agent(uri=f"sip:{{number}}@{ai.at}"))
            assert carrier.call(routed.sip, CALLED).status == 200
            assert len(ai.calls) == i + 1


def test_an_agent_over_tcp_is_reached(routed: RunningEdge, carrier: Phone) -> None:
    with answering("127.0.2.3", transport="tcp") as uas:
        routed.put(agent(uri=f"sip:{{number}}@{uas.at};transport=tcp"))
        call = carrier.call(routed.sip, CALLED)
        assert call.status == 200
        assert call.hang_up() == 200
        assert next(event.first for event in uas.trace() if not event.sent).startswith(f"INVITE sip:{CALLED}@")


# What else may come.


def test_options_are_answered_to_who_has_called(routed: RunningEdge, carrier: Phone) -> None:
    assert carrier.call(routed.sip, CALLED).status == 200
    assert _method(routed, carrier, "OPTIONS") == 200


def test_a_stranger_s_options_are_answered_of_the_edge_itself_and_of_nobody_behind_it(routed: RunningEdge) -> None:
    with Phone("127.0.9.77") as stranger:
        asked = Call(phone=stranger, edge=routed.sip, uri="sip:127.0.0.1").request("OPTIONS")
        assert asked
        assert asked.status == 200
        assert Call(phone=stranger, edge=routed.sip, uri=f"sip:{CALLED}@127.0.0.1").request("OPTIONS") is None


@pytest.mark.parametrize("method", ["MESSAGE", "SUBSCRIBE", "REFER", "BYE", "UPDATE", "INFO", "PUBLISH"])
def test_other_methods_are_refused_405(routed: RunningEdge, carrier: Phone, ai: Agent, method: str) -> None:
    assert _method(routed, carrier, method) == 405
    assert not ai.received


def _method(edge: RunningEdge, phone: Phone, method: str) -> int | None:
    final = Call(phone=phone, edge=edge.sip, uri=f"sip:{CALLED}@127.0.0.1").request(method)
    return final.status if final else None


def test_a_message_of_more_than_16_kb_is_dropped(routed: RunningEdge, carrier: Phone, ai: Agent) -> None:
    call = Call(phone=carrier, edge=routed.sip, uri=f"sip:{CALLED}@127.0.0.1")
    branch = "z9hG4bKlarge"
    carrier.send(
        call.text("INVITE", branch, body=PLAIN, content="application/sdp", headers=f"X: {'x' * 17000}\r\n"), routed.sip
    )
    assert carrier.wait(lambda m: branch in m.get("Via"), 0.5) is None
    assert not ai.calls


def test_too_many_hops_are_refused_483(routed: RunningEdge, carrier: Phone) -> None:
    call = Call(phone=carrier, edge=routed.sip, uri=f"sip:{CALLED}@127.0.0.1")
    branch = "z9hG4bKhops"
    final = carrier.ask(call.text("INVITE", branch).replace("Max-Forwards: 70", "Max-Forwards: 0"), routed.sip, branch)
    assert final is not None
    assert final.status == 483
