"""What happens within a call: who may say what, and that both sides hear it as it was said."""

import random
import secrets
import socket
import time
from collections.abc import Iterator

import pytest

from tests.calls.digest import is_right
from tests.calls.edges import RunningEdge
from tests.calls.phone import Agent, Call, Message, media, sdp
from tests.calls.standing import CARRIER_LOGIN, OURS, THEIRS, Scripted, connect, parties, stand, until
from tests.calls.test_inbound import refusal

DIRECTIONS = pytest.mark.parametrize("direction", ["in", "out"])
BOTH = pytest.mark.parametrize("who", ["caller", "callee"])


@pytest.fixture
def both(edge: RunningEdge) -> Iterator[tuple[Scripted, Scripted]]:
    with parties() as (carrier, ai):
        connect(edge, carrier, ai)
        yield carrier, ai


def ends(both: tuple[Scripted, Scripted], direction: str) -> tuple[Scripted, Scripted, str, str]:
    """Caller, callee, the caller's number and the called one."""
    carrier, ai = both
    return (carrier, ai, THEIRS, OURS) if direction == "in" else (ai, carrier, OURS, THEIRS)


def begin(
    edge: RunningEdge, both: tuple[Scripted, Scripted], direction: str, headers: str = "", port: int = 4000
) -> tuple[Call, str]:
    """Send an INVITE and wait for nothing: the call and the INVITE's branch."""
    caller, _, ours, theirs = ends(both, direction)
    call = Call(phone=caller, edge=edge.sip, uri=f"sip:{theirs}@{edge.sip[0]}:{edge.sip[1]}", caller=ours)
    branch = f"z9hG4bK{secrets.token_hex(8)}"
    offer = sdp(caller.address[0], port)
    caller.send(call.text("INVITE", branch, body=offer, content="application/sdp", headers=headers, cseq=1), edge.sip)
    call._cseq = 1
    return call, branch


def final(call: Call, branch: str, seconds: float = 5) -> Message:
    """The INVITE's final answer, acknowledged."""
    found = call.phone.wait(
        lambda m: (m.status or 0) >= 200 and m.method == "INVITE" and branch in m.get("Via"), seconds
    )
    assert found is not None, "no final answer"
    call._acknowledge(found, branch)
    return found


def nothing_is_left(edge: RunningEdge, call: Call) -> None:
    assert until(lambda: edge.run(edge.edge.calls()) == 0)
    assert until(lambda: not edge.relays(call.id))


# Before the answer.


@DIRECTIONS
def test_early_media_is_heard_on_both_sides(edge: RunningEdge, both: tuple[Scripted, Scripted], direction: str) -> None:
    caller, callee, *_ = ends(both, direction)
    with udp(caller.address[0]) as mouth, udp(callee.address[0]) as ear:
        answer = sdp(*ear.getsockname())
        callee.script["INVITE"] = lambda invite: [(183, answer, "")]
        call, branch = begin(edge, both, direction, port=mouth.getsockname()[1])
        ringing = caller.wait(lambda m: m.status == 183)
        assert ringing is not None
        there, here = media(ringing.body)[0], media(callee.only("INVITE").body)[0]
        assert hears(mouth, there, ear, here)
        callee.send(callee.say(callee.only("INVITE"), 200, answer), edge.sip)
        assert final(call, branch).status == 200
        assert hears(mouth, there, ear, here)
    assert call.hang_up() == 200


@DIRECTIONS
def test_reliable_provisional_answers_are_acknowledged_end_to_end(
    edge: RunningEdge, both: tuple[Scripted, Scripted], direction: str
) -> None:
    """RFC 3262; and UPDATE before the answer, RFC 3311."""
    caller, callee, *_ = ends(both, direction)
    answer = sdp(callee.address[0], 4002)
    callee.script["INVITE"] = lambda invite: [(183, answer, "Require: 100rel\r\nRSeq: 4711\r\n")]
    call, branch = begin(edge, both, direction, "Supported: 100rel\r\n")
    ringing = caller.wait(lambda m: m.status == 183)
    assert ringing is not None
    assert (ringing.get("Require"), ringing.get("RSeq")) == ("100rel", "4711")
    assert callee.only("INVITE").get("Supported") == "100rel"
    # an early dialog has the routes and the tag of the 183
    early = Call(phone=caller, edge=edge.sip, uri=call.uri, id=call.id, tag=call.tag, caller=call.caller)
    early.answer = Message("SIP/2.0 200 OK", ringing.headers)
    early._cseq = 1
    done = early.request("PRACK", headers="RAck: 4711 1 INVITE\r\n")
    assert done is not None
    assert done.status == 200
    assert callee.only("PRACK").get("RAck") == "4711 1 INVITE"
    done = early.request("UPDATE", body=sdp(caller.address[0], 4006), headers="Supported: timer\r\n")
    assert done is not None
    assert done.status == 200
    assert media(callee.only("UPDATE").body)[0][0] == "127.0.0.1"
    callee.send(callee.say(callee.only("INVITE"), 200), edge.sip)
    assert final(call, branch).status == 200
    call._cseq = early._cseq
    assert call.hang_up() == 200
    nothing_is_left(edge, call)


def test_an_early_request_goes_through_the_callees_proxies(edge: RunningEdge, both: tuple[Scripted, Scripted]) -> None:
    carrier, ai = both
    with Scripted(carrier.address[0], name="outer") as outer, Scripted("127.0.1.6", name="inner") as inner:

        def ringing(invite: Message) -> list[tuple[int, str, str]]:
            return [(183, "", "Require: 100rel\r\nRSeq: 1\r\n")]

        carrier.script["INVITE"] = ringing
        said = carrier.say

        # their Record-Routes stand above ours
        def say(request: Message, status: int, body: str = "", headers: str = "") -> str:
            text = said(request, status, body, headers)
            return text.replace(
                "Record-Route: ", f"Record-Route: <sip:{inner.at};lr>,<sip:{outer.at};lr>\r\nRecord-Route: ", 1
            )

        carrier.say = say  # type: ignore[method-assign]
        call, branch = begin(edge, both, "out", "Supported: 100rel\r\n")
        heard = ai.wait(lambda m: m.status == 183)
        assert heard is not None
        early = Call(phone=ai, edge=edge.sip, uri=call.uri, id=call.id, tag=call.tag, caller=call.caller)
        early.answer = Message("SIP/2.0 200 OK", heard.headers)
        early._cseq = 1
        early.request("PRACK", headers="RAck: 1 1 INVITE\r\n")
        prack = outer.only("PRACK")
        assert prack.first == f"PRACK sip:agent@{carrier.at} SIP/2.0"
        assert ",".join(prack.all("Route")) == f"<sip:{outer.at};lr>,<sip:{inner.at};lr>"
        assert cancelled(edge, call, branch)
        assert final(call, branch).status == 487


@DIRECTIONS
def test_a_call_is_cancelled_before_anything_was_heard_of_it(
    edge: RunningEdge, both: tuple[Scripted, Scripted], direction: str
) -> None:
    callee = ends(both, direction)[1]
    callee.script["INVITE"] = lambda invite: [(180, "", "")]
    for _ in range(10):
        call, branch = begin(edge, both, direction)
        # over UDP it may come before the INVITE itself has been looked at
        assert cancelled(edge, call, branch)
        assert final(call, branch).status == 487
        nothing_is_left(edge, call)
    begun = {m.get("Call-ID") for m in callee.received if m.method == "INVITE"}
    assert begun == {m.get("Call-ID") for m in callee.received if m.method == "CANCEL"}


def cancelled(edge: RunningEdge, call: Call, branch: str) -> bool:
    """Send CANCEL until it is answered with 200."""
    for _ in range(5):
        call.phone.send(call.text("CANCEL", branch, cseq=1), edge.sip)
        if call.phone.wait(lambda m: m.method == "CANCEL" and m.status == 200 and branch in m.get("Via"), 0.5):
            return True
    return False


@DIRECTIONS
def test_a_cancel_that_meets_the_answer_leaves_one_call_or_none(
    edge: RunningEdge, both: tuple[Scripted, Scripted], direction: str
) -> None:
    caller, callee, *_ = ends(both, direction)
    chance = random.Random(7)
    outcomes = set()
    for _ in range(30):
        answering, cancelling = chance.uniform(0, 0.01), chance.uniform(0, 0.01)
        callee.script["INVITE"] = lambda invite: [(180, "", "")]
        call, branch = begin(edge, both, direction)
        assert callee.wait(lambda m, id=call.id: m.method == "INVITE" and m.get("Call-ID") == id)  # type: ignore[misc]
        invite = next(m for m in callee.received if m.method == "INVITE" and m.get("Call-ID") == call.id)
        for _, act in sorted([(answering, "answer"), (cancelling, "cancel")]):
            if act == "cancel":
                caller.send(call.text("CANCEL", branch, cseq=1), edge.sip)
            else:
                callee.send(callee.say(invite, 200, sdp(callee.address[0], 4002)), edge.sip)
            time.sleep(abs(answering - cancelling))
        answer = final(call, branch)
        outcomes.add(answer.status)
        if answer.status == 200:
            assert call.answer is not None
            assert call.hang_up() == 200
        else:
            # the callee has answered all the same: its 200 ends in nothing, or in BYE
            assert answer.status == 487
        nothing_is_left(edge, call)
    assert 200 in outcomes


@DIRECTIONS
def test_a_cancel_after_the_answer_changes_nothing(
    edge: RunningEdge, both: tuple[Scripted, Scripted], direction: str
) -> None:
    standing = stand(edge, *both, direction)
    call, callee = standing.caller, standing.callee.phone
    assert isinstance(call.phone, Agent)
    late = Call(phone=call.phone, edge=edge.sip, uri=call.uri, id=call.id, tag=call.tag, caller=call.caller)
    invite = next(e.message for e in call.phone.events if e.sent and e.message.method == "INVITE")
    branch = invite.get("Via").partition("branch=")[2]
    call.phone.send(late.text("CANCEL", branch, cseq=1), edge.sip)
    time.sleep(0.3)
    assert not callee.wait(lambda m: m.method in ("CANCEL", "BYE"), 0)
    assert call.hang_up() == 200


# While it stands.


@DIRECTIONS
@pytest.mark.parametrize("hold", ["a=sendonly\r\n", "a=inactive\r\n", "0.0.0.0"])
@BOTH
def test_a_call_is_held_and_taken_up_again(
    edge: RunningEdge, both: tuple[Scripted, Scripted], direction: str, hold: str, who: str
) -> None:
    standing = stand(edge, *both, direction)
    side = standing.caller if who == "caller" else standing.callee
    other = standing.other(side)
    address = side.phone.address[0]
    offer = sdp(address, 4000, extra="" if hold == "0.0.0.0" else hold)
    if hold == "0.0.0.0":
        offer = offer.replace(f"c=IN IP4 {address}", "c=IN IP4 0.0.0.0")
    since = len(other.events)
    answer = side.request("INVITE", body=offer)
    assert answer is not None
    assert answer.status == 200
    held = other.wait(lambda m: m.method == "INVITE" and m.status is None, 1, since)
    assert held is not None
    said = "c=IN IP4 0.0.0.0" if hold == "0.0.0.0" else hold.strip()
    assert said in held.body or "a=inactive" in held.body
    since = len(other.events)
    answer = side.request("INVITE", body=sdp(address, 4000))
    assert answer is not None
    assert answer.status == 200
    resumed = other.wait(lambda m: m.method == "INVITE" and m.status is None, 1, since)
    assert resumed is not None
    assert "0.0.0.0" not in resumed.body
    assert "inactive" not in resumed.body
    assert "sendonly" not in resumed.body
    assert until(lambda: len([m for m in other.received if m.method == "ACK"]) >= 2)
    assert side.hang_up() == 200
    nothing_is_left(edge, standing.caller)


@DIRECTIONS
@BOTH
@pytest.mark.parametrize(
    ("method", "headers", "content", "body"),
    [
        ("INFO", "", "application/dtmf-relay", "Signal=5\r\nDuration=160\r\n"),
        ("MESSAGE", "", "text/plain", "hello"),
        ("OPTIONS", "", "", ""),
        ("UPDATE", "Session-Expires: 1800;refresher=uac\r\nSupported: timer\r\n", "", ""),
        ("NOTIFY", "Event: telephone-event\r\nSubscription-State: active\r\n", "text/plain", "x"),
        ("INVITE", "Session-Expires: 1800;refresher=uas\r\nMin-SE: 90\r\n", "application/sdp", sdp("127.0.3.1", 4008)),
    ],
)
def test_a_request_passes_as_it_was_said(
    edge: RunningEdge,
    both: tuple[Scripted, Scripted],
    direction: str,
    who: str,
    method: str,
    headers: str,
    content: str,
    body: str,
) -> None:
    standing = stand(edge, *both, direction)
    side = standing.caller if who == "caller" else standing.callee
    other = standing.other(side)
    since = len(other.events)
    answer = side.request(method, headers=headers, content=content, body=body)
    assert answer is not None
    assert answer.status == 200
    heard = other.wait(lambda m: m.method == method and m.status is None, 1, since)
    assert heard is not None
    for line in headers.splitlines():
        name, _, value = line.partition(": ")
        assert heard.get(name) == value
    if content != "application/sdp":
        assert (heard.get("Content-Type"), heard.body) == (content if body else "", body)
    assert side.hang_up() == 200


@DIRECTIONS
@BOTH
def test_what_is_no_part_of_a_call_is_405(
    edge: RunningEdge, both: tuple[Scripted, Scripted], direction: str, who: str
) -> None:
    standing = stand(edge, *both, direction)
    side = standing.caller if who == "caller" else standing.callee
    for method in ("SUBSCRIBE", "REGISTER", "PUBLISH", "NONSENSE"):
        answer = side.request(method)
        assert answer is not None
        assert answer.status == 405
        assert "REFER" in answer.get("Allow")
        assert not standing.other(side).wait(lambda m, method=method: m.method == method, 0)  # type: ignore[misc]
    assert side.hang_up() == 200


@DIRECTIONS
def test_offers_that_cross_are_refused_and_made_again(
    edge: RunningEdge, both: tuple[Scripted, Scripted], direction: str
) -> None:
    """RFC 3261 section 14.1: 491 passes in both directions, and the call goes on."""
    standing = stand(edge, *both, direction)
    for side in (standing.caller, standing.callee):
        other = standing.other(side)
        assert isinstance(other, Scripted)
        other.script["INVITE"] = lambda invite: [(491, "", "")]
        answer = side.request("INVITE", body=sdp(side.phone.address[0]))
        assert answer is not None
        assert answer.status == 491
        assert until(lambda other=other: other.received[-1].method == "ACK")  # type: ignore[misc]
        del other.script["INVITE"]
        answer = side.request("INVITE", body=sdp(side.phone.address[0]))
        assert answer is not None
        assert answer.status == 200
    assert standing.callee.hang_up() == 200


@DIRECTIONS
def test_a_session_timer_is_agreed_on_end_to_end(
    edge: RunningEdge, both: tuple[Scripted, Scripted], direction: str
) -> None:
    """RFC 4028."""
    caller, callee, ours, theirs = ends(both, direction)
    callee.script["INVITE"] = lambda invite: [(422, "", "Min-SE: 3600\r\n")]
    offered = "Supported: timer\r\nSession-Expires: 90\r\nMin-SE: 90\r\n"
    call = caller.call(edge.sip, theirs, caller=ours, headers=offered)
    assert call.status == 422
    assert call.answer is not None
    assert call.answer.get("Min-SE") == "3600"
    invite = callee.only("INVITE")
    assert [invite.get(name) for name in ("Supported", "Session-Expires", "Min-SE")] == ["timer", "90", "90"]
    agreed = "Require: timer\r\nSession-Expires: 3600;refresher=uac\r\n"
    callee.script["INVITE"] = lambda invite: [(200, sdp(callee.address[0], 4002), agreed)]
    call = caller.call(edge.sip, theirs, caller=ours, headers=offered.replace("90", "3600"))
    assert call.status == 200
    assert call.answered.get("Session-Expires") == "3600;refresher=uac"
    assert call.answered.get("Require") == "timer"
    assert call.hang_up() == 200


@DIRECTIONS
def test_dtmf_as_telephone_event_passes(edge: RunningEdge, both: tuple[Scripted, Scripted], direction: str) -> None:
    """RFC 4733: payload type 101 in both descriptions, and its packets as they were sent."""
    caller, callee, ours, theirs = ends(both, direction)
    event = "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n"

    def described(address: str, port: int) -> str:
        return sdp(address, port, extra=event).replace("RTP/AVP 0 8", "RTP/AVP 0 8 101")

    with udp(caller.address[0]) as mouth, udp(callee.address[0]) as ear:
        said = described(*ear.getsockname())
        callee.script["INVITE"] = lambda invite: [(200, said, "")]
        call = caller.call(edge.sip, theirs, caller=ours, body=described(*mouth.getsockname()))
        offer, answer = callee.only("INVITE").body, call.answered.body
        for text in (offer, answer):
            assert "a=rtpmap:101 telephone-event/8000" in text
            assert "a=fmtp:101 0-16" in text
        digit = bytes([5, 0x80 | 10, 0x03, 0x20])
        assert hears(mouth, media(answer)[0], ear, media(offer)[0])
        assert passes(mouth, media(answer)[0], ear, digit, payload_type=101)
        assert passes(ear, media(offer)[0], mouth, digit, payload_type=101)
    assert call.hang_up() == 200


# The carrier asks for credentials within the call too.


@DIRECTIONS
@pytest.mark.parametrize("method", ["INVITE", "UPDATE", "INFO", "REFER", "BYE"])
def test_a_challenge_within_a_call_is_answered(
    edge: RunningEdge, both: tuple[Scripted, Scripted], direction: str, method: str
) -> None:
    carrier, _ = both
    standing = stand(edge, *both, direction)
    guard(carrier, method)
    more = "Refer-To: <sip:+15125550111@127.0.2.1>\r\n" if method == "REFER" else ""
    answer = standing.agents.request(method, body=sdp("127.0.2.1") if method == "INVITE" else "", headers=more)
    assert answer is not None
    assert answer.status == (202 if method == "REFER" else 200)
    assert not answer.get("Proxy-Authenticate")
    if direction == "out":
        numbers = [int(m.get("CSeq").split()[0]) for m in carrier.received if m.method == method and m.status is None]
        assert numbers[-1] == numbers[-2] + 1
    carrier.script.clear()
    if method != "BYE":
        assert standing.agents.hang_up() == 200
    nothing_is_left(edge, standing.caller)


@DIRECTIONS
def test_a_challenge_that_we_cannot_answer_is_not_passed_on(
    edge: RunningEdge, both: tuple[Scripted, Scripted], direction: str
) -> None:
    carrier, _ = both
    standing = stand(edge, *both, direction)
    guard(carrier, "INFO", password="another")
    answer = standing.agents.request("INFO")
    assert answer is not None
    assert answer.status == 503
    assert refusal(edge, standing.caller.id) == "503 carrier-auth"
    assert len([m for m in carrier.received if m.method == "INFO"]) == 2
    assert standing.agents.hang_up() == 200


def test_the_agents_platform_may_ask_too(edge: RunningEdge, both: tuple[Scripted, Scripted]) -> None:
    _, ai = both
    standing = stand(edge, *both, "in")
    guard(ai, "INVITE", username="platform", password="agent secret")
    answer = standing.carriers.request("INVITE", body=sdp("127.0.1.1"))
    assert answer is not None
    assert answer.status == 200
    ai.script.clear()
    assert standing.carriers.hang_up() == 200


def guard(phone: Scripted, method: str, username: str = CARRIER_LOGIN[0], password: str = CARRIER_LOGIN[1]) -> None:
    """From now on it wants credentials for that method."""

    def answer(request: Message) -> list[tuple[int, str, str]]:
        header = request.get("Proxy-Authorization")
        if not header or not is_right(header, request.method, username, "realm", password):
            return [(407, "", 'Proxy-Authenticate: Digest realm="realm", nonce="abc", algorithm=MD5, qop="auth"\r\n')]
        body = sdp(phone.address[0], 4002) if method == "INVITE" else ""
        return [(202 if method == "REFER" else 200, body, "")]

    phone.script[method] = answer


# Handing over.


@DIRECTIONS
@pytest.mark.parametrize("target", ["<sip:+1-512-555-0111@127.0.2.1;user=phone>", "<tel:+15125550111>"])
def test_an_agent_hands_its_caller_over(
    edge: RunningEdge, both: tuple[Scripted, Scripted], direction: str, target: str
) -> None:
    carrier, ai = both
    standing = stand(edge, *both, direction)
    carrier.script["REFER"] = lambda refer: [(202, "", "")]
    answer = standing.agents.request("REFER", headers=f"Refer-To: {target}\r\nReferred-By: <sip:me@127.0.2.1>\r\n")
    assert answer is not None
    assert answer.status == 202
    refer = carrier.only("REFER")
    assert refer.get("Refer-To") == "<sip:+15125550111@127.0.1.1>"
    assert not refer.get("Referred-By")
    told = standing.carriers.request(
        "NOTIFY",
        headers="Event: refer\r\nSubscription-State: terminated;reason=noresource\r\n",
        content="message/sipfrag;version=2.0",
        body="SIP/2.0 200 OK\r\n",
    )
    assert told is not None
    assert told.status == 200
    assert ai.only("NOTIFY").body == "SIP/2.0 200 OK\r\n"
    assert standing.carriers.hang_up() == 200


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("<sip:112@127.0.1.1>", "emergency-not-carried"),
        ("<tel:911>", "emergency-not-carried"),
        ("<sip:0034911234567@127.0.1.1>", "not-e164"),
        ("<sip:sales@example.com>", "not-e164"),
        ("<sip:+15125550111@127.0.1.1?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>", "not-e164"),
        ("<https://example.com/>", "not-e164"),
    ],
)
def test_an_agent_hands_nobody_over_to_what_it_may_not_call(
    edge: RunningEdge, both: tuple[Scripted, Scripted], target: str, reason: str
) -> None:
    carrier, _ = both
    standing = stand(edge, *both, "out")
    answer = standing.agents.request("REFER", headers=f"Refer-To: {target}\r\n")
    assert answer is not None
    assert answer.status == 403
    assert refusal(edge, standing.caller.id) == f"403 {reason}"
    assert not [m for m in carrier.received if m.method == "REFER"]
    assert standing.agents.hang_up() == 200


@DIRECTIONS
def test_an_agent_is_not_handed_over(edge: RunningEdge, both: tuple[Scripted, Scripted], direction: str) -> None:
    _, ai = both
    standing = stand(edge, *both, direction)
    answer = standing.carriers.request("REFER", headers="Refer-To: <sip:+15125550111@127.0.1.1>\r\n")
    assert answer is not None
    assert answer.status == 603
    assert not [m for m in ai.received if m.method == "REFER"]
    assert standing.carriers.hang_up() == 200


# Sound.


def udp(address: str) -> socket.socket:
    """On a free port."""
    found = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    found.bind((address, 0))
    found.settimeout(0.2)
    return found


def packet(payload: bytes, payload_type: int, number: int) -> bytes:
    return bytes([0x80, payload_type]) + number.to_bytes(2, "big") + bytes(4) + b"cord" + payload


def passes(
    sender: socket.socket, to: tuple[str, int], receiver: socket.socket, payload: bytes, *, payload_type: int = 0
) -> bool:
    """Whether what is sent there arrives as it was; media may take a moment to find its way."""
    for number in range(20):
        sender.sendto(packet(payload, payload_type, number), to)
        try:
            data = receiver.recv(2048)
        except TimeoutError:
            continue
        if (data[1] & 0x7F, data[12:]) == (payload_type, payload):
            return True
    return False


def hears(mouth: socket.socket, there: tuple[str, int], ear: socket.socket, here: tuple[str, int]) -> bool:
    """Both ways."""
    return passes(mouth, there, ear, b"\x55" * 160) and passes(ear, here, mouth, b"\xaa" * 160)
