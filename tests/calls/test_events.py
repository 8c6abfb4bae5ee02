"""What Kamailio writes down: starts, answers and ends of calls, each SIP message, and refusals with their reason."""

import re
import secrets
import time
from collections.abc import Iterator

import pytest

from cordboard.domain.calls import EXPLAINED, Booted, Call, Ended, Message, Refusal
from cordboard.domain.reasons import CODES
from cordboard.engines.edge import config
from cordboard.engines.edge.live import Live
from tests.calls import phone, told
from tests.calls.edges import RunningEdge, agent, number, running_edge, trunk
from tests.calls.phone import Agent, Phone, sdp

OURS = "+34911234567"
CALLED = "+15125550100"
PLAIN = sdp("127.0.1.1")


@pytest.fixture
def gateways() -> Iterator[tuple[Agent, Agent]]:
    with Agent("127.0.1.1", name="first") as first, Agent("127.0.1.2", name="second") as second:
        first.ringing = False
        yield first, second


@pytest.fixture
def bot() -> Iterator[Phone]:
    with Phone("127.0.2.1", name="bot") as made:
        yield made


@pytest.fixture
def outbound(edge: RunningEdge, gateways: tuple[Agent, Agent]) -> RunningEdge:
    edge.file.rebuild((), "test", edge.revision)
    edge.run(edge.edge.rpc.call("htable.flush", "refused"))
    edge.run(edge.edge.rpc.call("htable.flush", "down"))
    edge.put(
        number(agent_out="agent"),
        trunk("trunk", "127.0.1.0/24", gateways=[gateway.at for gateway in gateways]),
        agent(sources="127.0.2.1/32"),
    )
    return edge


def steps(messages: list[Message]) -> list[str]:
    return [m.method if m.status is None else f"{m.status} {m.method}" for m in messages]


def test_every_reason_is_explained() -> None:
    words = set(CODES) - {"accepted"}
    for text in config.kamailio_cfg().values():
        words |= set(re.findall(r'\$(?:var|dlg_var|vn)\((?:reason|end|why)\) = "([a-z0-9-]+)"', text))
    assert len(words) > 20
    assert words <= set(EXPLAINED)


def test_a_call_is_told_from_its_start_to_its_end(routed: RunningEdge, carrier: Phone, ai: Agent) -> None:
    began = time.time()
    made = carrier.call(routed.sip, OURS)
    assert made.hang_up() == 200
    call, answer, end, messages = told.ended(routed, made.id)
    assert (call.direction, call.number, call.number_id) == ("inbound", OURS, f"id-{OURS}")
    assert (call.tenant, call.trunk, call.agent, call.version) == ("tenant", "trunk", "agent", "version-of-agent")
    assert (call.called, call.caller, call.offered, call.source) == (OURS, "anonymous", "rtp", f"udp:{carrier.at}")
    assert answer is not None
    assert began <= call.started_at.timestamp() <= answer.at.timestamp() <= end.at.timestamp() <= time.time()
    assert (end.reason, end.code) == ("hangup-caller", None)
    assert sorted(steps(messages)) == ["180 INVITE", "200 BYE", "200 INVITE", "ACK", "BYE", "INVITE"]
    for message in messages:
        asked = message.status is None
        assert message.source == f"udp:{carrier.at if asked else ai.at}"
        assert message.destination == (f"udp:{ai.at}" if asked else "")
        assert message.cseq == ("2" if message.method == "BYE" else "1")
        assert message.branch.startswith("z9hG4bK")
    invite = next(m for m in messages if m.method == "INVITE" and m.status is None)
    assert {m.branch for m in messages if m.method == "INVITE"} == {invite.branch}


def test_the_callee_hangs_up(routed: RunningEdge, carrier: Phone, ai: Agent) -> None:
    made = carrier.call(routed.sip, OURS)
    invite = ai.calls[0]
    routes = "".join(f"Route: {route}\r\n" for route in invite.all("Record-Route"))
    ai.send(
        f"BYE {invite.contact} SIP/2.0\r\nVia: SIP/2.0/UDP {ai.at};rport;branch=z9hG4bKagentbye\r\n{routes}"
        f"From: {made.answered.get('To')}\r\nTo: {made.answered.get('From')}\r\nCall-ID: {invite.get('Call-ID')}\r\n"
        "CSeq: 1 BYE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
        routed.sip,
    )
    assert told.ended(routed, made.id)[2].reason == "hangup-callee"


def test_the_caller_gives_up(routed: RunningEdge, carrier: Phone, ai: Agent) -> None:
    ai.answers = lambda invite: (180, "")
    made = phone.Call(phone=carrier, edge=routed.sip, uri=f"sip:{OURS}@127.0.0.1")
    carrier.send(made.text("INVITE", "z9hG4bKc", body=PLAIN, content="application/sdp", cseq=1), routed.sip)
    assert carrier.wait(lambda m: m.status == 180)
    carrier.send(made.text("CANCEL", "z9hG4bKc", cseq=1), routed.sip)
    assert carrier.wait(lambda m: m.status == 487)
    carrier.send(made.text("ACK", "z9hG4bKc", cseq=1), routed.sip)
    _, answer, end, messages = told.ended(routed, made.id)
    assert answer is None
    assert (end.reason, end.code) == ("cancelled", 487)
    assert {"INVITE", "180 INVITE", "CANCEL", "487 INVITE"} <= set(steps(messages))


def test_the_callee_refuses(routed: RunningEdge, carrier: Phone, ai: Agent) -> None:
    ai.answers = lambda invite: (486, "")
    made = carrier.call(routed.sip, OURS)
    assert made.status == 486
    _, answer, end, messages = told.ended(routed, made.id)
    assert (answer, end.reason, end.code) == (None, "refused-by-callee", 486)
    assert "486 INVITE" in steps(messages)


def test_a_carriers_503_is_told_as_the_caller_heard_it(
    outbound: RunningEdge, bot: Phone, gateways: tuple[Agent, Agent]
) -> None:
    for gateway in gateways:
        gateway.answers, gateway.ringing = (lambda invite: (503, "")), False
    made = bot.call(outbound.sip, "+15125550100", caller=OURS)
    # RFC 3261 section 16.7: a proxy passes no 503 on
    assert made.status == 500
    end = told.ended(outbound, made.id)[2]
    assert (end.reason, end.code) == ("refused-by-callee", 500)


def test_each_gateway_that_is_tried_is_told_with_its_answer(
    outbound: RunningEdge, bot: Phone, gateways: tuple[Agent, Agent]
) -> None:
    first, second = gateways
    first.answers = lambda invite: (503, "")
    made = bot.call(outbound.sip, CALLED, caller=OURS)
    assert made.hang_up() == 200
    call, answer, end, messages = told.ended(outbound, made.id)
    assert (call.direction, call.number, call.called, call.caller) == ("outbound", OURS, CALLED, OURS)
    assert answer is not None
    assert end.reason == "hangup-caller"
    invites = [m for m in messages if m.method == "INVITE" and m.status is None]
    assert [m.destination for m in invites] == [f"udp:{first.at}", f"udp:{second.at}"]
    refused = next(m for m in messages if m.status == 503)
    assert (refused.source, refused.branch) == (f"udp:{first.at}", invites[0].branch)
    assert next(m for m in messages if m.status == 200).branch == invites[1].branch


def test_a_call_that_the_edge_gives_up_ends_with_its_reason(
    outbound: RunningEdge, bot: Phone, gateways: tuple[Agent, Agent]
) -> None:
    for gateway in gateways:
        gateway.wants = ("somebody", "else")
    made = bot.call(outbound.sip, CALLED, caller=OURS)
    assert made.status == 503
    _, answer, end, messages = told.ended(outbound, made.id)
    assert (answer, end.reason, end.code) == (None, "carrier-auth", 503)
    own = messages[-1]
    assert (own.status, own.phrase, own.source, own.destination) == (503, "carrier-auth", "", f"udp:{bot.at}")


def test_a_refused_invite_is_a_refusal_and_no_call(routed: RunningEdge, stranger: Phone, ai: Agent) -> None:
    made = stranger.call(routed.sip, OURS)
    assert made.status == 403
    refusal = told.refusal(routed, made.id)
    assert (refusal.code, refusal.reason, refusal.direction) == (403, "address-not-allowed", "inbound")
    assert (refusal.tenant, refusal.trunk, refusal.number) == ("tenant", "trunk", OURS)
    assert (refusal.called, refusal.caller) == (OURS, "anonymous")
    assert (refusal.address, refusal.source) == ("127.0.1.9", f"udp:{stranger.at}")
    assert made.id not in {call.call_id for call in told.of(routed, Call)}


HOSTILE = [
    "o'); delete from event; --",
    'quo"te\\',
    "$(hdr(To)) $var(call) {s.len} %s %n",
    "pipe|pipe|end|x|1.0|y",
    "\x01\x02\x07\x1b[31m\x7f",
    "tab\tand\r\n folded",
    "Köln 東京",
    "x" * 5000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_stored_as_text(routed: RunningEdge, carrier: Phone, ai: Agent, text: str) -> None:
    made = carrier.call(routed.sip, OURS, headers=f"User-Agent: {text}\r\n")
    assert made.hang_up() == 200
    call = told.ended(routed, made.id)[0]
    kept = text.encode()[:128].decode(errors="backslashreplace")
    assert call.user_agent == kept


@pytest.mark.parametrize("length", [20, 140, 250])
def test_a_call_is_ended_by_hand_whatever_its_call_id_is(
    routed: RunningEdge, carrier: Phone, ai: Agent, length: int
) -> None:
    uri = f"sip:{OURS}@{routed.sip[0]}:{routed.sip[1]}"
    made = phone.Call(
        phone=carrier, edge=routed.sip, uri=uri, id=f"{secrets.token_hex(8)}{'x' * length}@cordboard.test"
    )
    made.answer = made.request("INVITE", body=sdp("127.0.1.1"))
    assert made.status == 200
    found = told.until(routed, lambda all: any(isinstance(e, Call) and made.id.startswith(e.call_id) for e in all))
    call = next(e for e in found if isinstance(e, Call) and made.id.startswith(e.call_id))
    assert ai.wait(lambda m: m.method == "ACK")
    routed.run(Live(routed.edge).end(call))
    for side in (carrier, ai):
        assert side.wait(lambda m: m.method == "BYE" and m.status is None)


@pytest.mark.parametrize(
    ("header", "verstat"),
    [
        ("<sip:+34600000000;verstat=TN-Validation-Passed@carrier.example;user=phone>", "TN-Validation-Passed"),
        ("<tel:+34600000000;verstat=No-TN-Validation>", "No-TN-Validation"),
        ("<sip:+34600000000@carrier.example>", ""),
        ("<sip:+34600000000;verstat=" + "x" * 70 + "@carrier.example>", ""),
    ],
)
def test_what_the_carrier_says_of_the_callers_number_is_told(
    routed: RunningEdge, carrier: Phone, ai: Agent, header: str, verstat: str
) -> None:
    made = carrier.call(routed.sip, OURS, headers=f"P-Asserted-Identity: {header}\r\n")
    assert made.hang_up() == 200
    assert told.ended(routed, made.id)[0].verstat == verstat


def test_bytes_that_are_no_text_are_shown_as_such(routed: RunningEdge, carrier: Phone, ai: Agent) -> None:
    made = phone.Call(phone=carrier, edge=routed.sip, uri=f"sip:{OURS}@127.0.0.1")
    invite = made.text(
        "INVITE", "z9hG4bKbytes", body=PLAIN, content="application/sdp", cseq=1, headers="User-Agent: \u00ff\u00fe!\r\n"
    )
    carrier.send(invite.encode("latin-1"), routed.sip)
    found = told.until(routed, lambda all: any(isinstance(e, Call) and e.call_id == made.id for e in all))
    (call,) = (e for e in found if isinstance(e, Call) and e.call_id == made.id)
    assert call.user_agent == "\\xff\\xfe!"


def test_a_hostile_phrase_and_call_id_are_stored_as_text(routed: RunningEdge, carrier: Phone, ai: Agent) -> None:
    ai.answers = lambda invite: (486, "")
    ai.phrase = "Bu'sy|\");--"
    made = phone.Call(phone=carrier, edge=routed.sip, uri=f"sip:{OURS}@127.0.0.1", id="a'b\"<%>|c")
    carrier.send(made.text("INVITE", "z9hG4bKid", body=PLAIN, content="application/sdp", cseq=1), routed.sip)
    _, _, end, messages = told.ended(routed, made.id)
    assert end.code == 486
    assert next(m for m in messages if m.status == 486).phrase == ai.phrase


def test_a_source_is_told_of_ten_times_a_second_at_most_and_the_rest_is_counted(
    routed: RunningEdge, stranger: Phone, ai: Agent
) -> None:
    time.sleep(1 - time.time() % 1)
    before = told.counters(routed)["refusals"]
    for i in range(60):
        made = phone.Call(phone=stranger, edge=routed.sip, uri=f"sip:{OURS}@127.0.0.1", id=f"burst-{before}-{i}")
        stranger.send(
            made.text("INVITE", f"z9hG4bKb{before}x{i}", body=PLAIN, content="application/sdp", cseq=1), routed.sip
        )
    deadline = time.monotonic() + 5
    while True:
        kept = sum(r.call_id.startswith(f"burst-{before}-") for r in told.of(routed, Refusal))
        dropped = told.counters(routed)["refusals"] - before
        if kept + dropped >= 60 or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    assert kept + dropped == 60
    assert 10 <= kept <= 20


@pytest.mark.parametrize(("whose", "most"), [("127.0.1.9", 1000), ("all", 4000)])
def test_refusals_of_an_hour_are_bounded_too(routed: RunningEdge, stranger: Phone, whose: str, most: int) -> None:
    routed.run(routed.edge.rpc.call("htable.flush", "hour"))
    before = told.counters(routed)["refusals"]
    routed.run(routed.edge.rpc.call("htable.seti", "hour", whose, most - 1))
    last, beyond = (stranger.call(routed.sip, OURS) for _ in range(2))
    assert (last.status, beyond.status) == (403, 403)
    told.refusal(routed, last.id)
    until = time.monotonic() + 5
    while told.counters(routed)["refusals"] != before + 1:
        assert time.monotonic() < until
        time.sleep(0.1)
    assert beyond.id not in {refusal.call_id for refusal in told.of(routed, Refusal)}
    routed.run(routed.edge.rpc.call("htable.flush", "hour"))


def test_a_call_is_told_of_by_64_messages_at_most(routed: RunningEdge, carrier: Phone, ai: Agent) -> None:
    made = carrier.call(routed.sip, OURS)
    for _ in range(40):
        made.request("OPTIONS")
        made.request("INFO")
    assert made.hang_up() == 200
    _, _, end, messages = told.ended(routed, made.id)
    assert end.reason == "hangup-caller"
    assert len(messages) == 64
    assert "OPTIONS" not in steps(messages)


def test_no_credentials_and_no_body_are_told(routed: RunningEdge, carrier: Phone, ai: Agent) -> None:
    secret = 'Authorization: Digest username="u", realm="r", response="0123456789abcdef0123456789abcdef"\r\n'
    made = carrier.call(routed.sip, OURS, headers=secret)
    assert made.hang_up() == 200
    told.ended(routed, made.id)
    lines = repr(told.events(routed))
    assert "0123456789abcdef0123456789abcdef" not in lines
    assert "m=audio" not in lines


def test_the_first_thing_that_a_kamailio_tells_is_that_it_started(edge: RunningEdge) -> None:
    first = told.until(edge, bool)[0]
    assert isinstance(first, Booted)


def test_ids_of_calls_are_of_this_edge(routed: RunningEdge, carrier: Phone, ai: Agent) -> None:
    made = carrier.call(routed.sip, OURS)
    made.hang_up()
    call, *_ = told.ended(routed, made.id)
    other = carrier.call(routed.sip, OURS)
    other.hang_up()
    assert told.ended(routed, other.id)[0].id != call.id
    assert call.id.count("-") == 3
    assert isinstance(told.ended(routed, other.id)[2], Ended)


def test_a_call_that_the_edge_ends_has_its_reason_and_the_edges_own_byes(carrier: Phone, ai: Agent) -> None:
    with running_edge(max_duration=2) as edge:
        edge.file.rebuild((), "test", edge.revision)
        edge.put(number(), trunk(), agent(uri=f"sip:{{number}}@{ai.at}"))
        made = carrier.call(edge.sip, OURS)
        assert carrier.wait(lambda m: m.method == "BYE", 10)
        _, answer, end, _ = told.ended(edge, made.id)
        assert answer is not None
        assert (end.reason, end.code) == ("max-duration", None)
        assert 1 < (end.at - answer.at).total_seconds() < 8
        told.until(edge, lambda all: [m.method for m in all if isinstance(m, Message)].count("BYE") >= 3)
        byes = [m for m in told.of(edge, Message) if m.method == "BYE" and m.status is None]
        assert {m.source for m in byes} == {""}
        assert [ai.at in m.destination for m in byes] == [False, True]
