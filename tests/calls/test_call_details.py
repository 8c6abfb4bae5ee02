"""What is told of a call beside its life: where it was tried, what its legs carried, and how it sounded."""

import itertools
import json
import os
import re
import signal
import sqlite3
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import closing

import pytest

from cordboard.domain.call_details import Audio, Leg, Said, Try, legs
from cordboard.domain.calls import Call as Started
from cordboard.domain.calls import Learnt
from cordboard.domain.media import codec_flags
from tests.calls import told
from tests.calls.baresip import Baresip
from tests.calls.edges import RunningEdge, agent, number, running_edge, trunk
from tests.calls.phone import CRYPTO, Agent, Call, Phone, after_a_while, media, sdp
from tests.calls.sipp import answering, place_calls
from tests.calls.standing import until
from tests.calls.tones import ToneEndpoint

OURS, CALLED = "+34911234567", "+15125550100"
SECURE = sdp("127.0.1.1", profile="RTP/SAVP", extra=CRYPTO)


def learnt(edge: RunningEdge, call_id: str) -> list[Learnt]:
    """What has been told of the call with that Call-ID, in order of time."""
    found = told.events(edge)
    ids = {e.id for e in found if isinstance(e, Started) and e.call_id == call_id}
    return sorted((e for e in found if isinstance(e, Learnt) and e.call in ids), key=lambda e: e.at)


def tries(edge: RunningEdge, call_id: str) -> list[Try]:
    return [e.detail for e in learnt(edge, call_id) if isinstance(e.detail, Try)]


def both(edge: RunningEdge, call_id: str) -> tuple[Leg, Leg]:
    return legs(e.detail for e in learnt(edge, call_id))


def heard(edge: RunningEdge, call_id: str) -> tuple[Leg, Leg]:
    """The legs of a call that is over, once its audio has been told of."""
    told.until(edge, lambda _: any(isinstance(e.detail, Audio) for e in learnt(edge, call_id)))
    return both(edge, call_id)


@pytest.fixture
def outbound(edge: RunningEdge) -> Iterator[tuple[RunningEdge, Phone, list[Agent]]]:
    """A number whose trunk has three gateways, an agent that calls from it, and the gateways."""
    edge.file.rebuild((), "test", edge.revision)
    for table in ("refused", "down"):
        edge.run(edge.edge.rpc.call("htable.flush", table))
    gateways = [Agent(f"127.0.1.{i}", name=f"gateway{i}") for i in (1, 2, 3)]
    edge.put(number(agent_out="agent"), agent(sources="127.0.2.1/32"))
    edge.put(trunk("trunk", "127.0.1.0/24", gateways=[gateway.at for gateway in gateways]))
    with Phone("127.0.2.1", name="bot") as bot:
        yield edge, bot, gateways
    for gateway in gateways:
        gateway.close()


def test_each_place_is_told_with_its_answer_until_one_takes_the_call(
    outbound: tuple[RunningEdge, Phone, list[Agent]],
) -> None:
    edge, bot, gateways = outbound
    gateways[0].answers = lambda invite: (503, "")
    gateways[0].ringing = gateways[1].ringing = False
    gateways[1].answers = lambda invite: (500, "")
    gateways[2].answers = after_a_while(200, sdp("127.0.1.3"))
    call = bot.call(edge.sip, CALLED, caller=OURS)
    assert call.status == 200
    assert call.hang_up() == 200
    told.ended(edge, call.id)
    found = tries(edge, call.id)
    assert [(each.host, each.code, each.reason) for each in found] == [
        (gateways[0].at, 503, ""),
        (gateways[1].at, 500, ""),
        (gateways[2].at, 200, ""),
    ]
    assert [each.uri for each in found] == [f"sip:{gateway.at};transport=udp" for gateway in gateways]
    assert [each.rung_at is not None for each in found] == [False, False, True]
    assert all(each.began_at <= each.ended_at for each in found)
    assert all(before.ended_at <= after.began_at for before, after in itertools.pairwise(found))


@pytest.mark.slow
def test_a_silent_gateway_is_told_as_such_with_the_time_that_it_took(
    outbound: tuple[RunningEdge, Phone, list[Agent]],
) -> None:
    edge, bot, gateways = outbound
    with Phone("127.0.1.4") as silent:
        edge.put(trunk("trunk", "127.0.1.0/24", gateways=[silent.at, gateways[0].at]))
        call = bot.call(edge.sip, CALLED, caller=OURS)
        assert call.status == 200
    assert call.hang_up() == 200
    told.ended(edge, call.id)
    first, second = tries(edge, call.id)
    assert (first.code, first.reason) == (None, "silent")
    assert 3.5 < (first.ended_at - first.began_at).total_seconds() < 6
    assert second.code == 200


def test_a_call_that_the_caller_gave_up_tells_where_it_was_then(
    outbound: tuple[RunningEdge, Phone, list[Agent]],
) -> None:
    edge, bot, gateways = outbound
    for gateway in gateways:
        gateway.answers = after_a_while(486)
    call = bot.call(edge.sip, CALLED, caller=OURS)
    assert call.status == 486
    told.ended(edge, call.id)
    (busy,) = tries(edge, call.id)
    assert (busy.host, busy.code) == (gateways[0].at, 486)
    assert busy.rung_at is not None


def test_a_gateway_that_rings_and_then_fails_has_not_made_the_caller_give_up(
    outbound: tuple[RunningEdge, Phone, list[Agent]],
) -> None:
    edge, bot, (first, last, _) = outbound
    edge.put(trunk("trunk", "127.0.1.0/24", gateways=[first.at, last.at]))
    first.answers, first.ringing = (lambda invite: (502, "")), False
    last.answers = after_a_while(503)
    call = bot.call(edge.sip, CALLED, caller=OURS)
    _, _, end, _ = told.ended(edge, call.id)
    # RFC 3261 section 16.7: a proxy passes no 503 on
    assert (call.status, end.code, end.reason) == (500, 500, "refused-by-callee")
    assert [(each.code, each.reason, each.rung_at is not None) for each in tries(edge, call.id)] == [
        (502, "", False),
        (503, "", True),
    ]


@pytest.mark.parametrize("crossing", [487, 503])
def test_a_caller_who_gives_up_has_done_so_whatever_was_said_before_and_after(
    outbound: tuple[RunningEdge, Phone, list[Agent]], crossing: int
) -> None:
    edge, bot, (first, last, _) = outbound
    first.answers, first.ringing = (lambda invite: (503, "")), False
    last.answers, last.answers_cancel = (lambda invite: (180, "")), crossing
    call = Call(phone=bot, edge=edge.sip, uri=f"sip:{CALLED}@127.0.0.1", caller=OURS)
    bot.send(call.text("INVITE", "z9hG4bKc", body=sdp("127.0.2.1"), content="application/sdp", cseq=1), edge.sip)
    assert bot.wait(lambda m: m.status == 180)
    bot.send(call.text("CANCEL", "z9hG4bKc", cseq=1), edge.sip)
    final = bot.wait(lambda m: m.method == "INVITE" and (m.status or 0) >= 200)
    assert final is not None
    bot.send(call.text("ACK", "z9hG4bKc", cseq=1), edge.sip)
    _, _, end, _ = told.ended(edge, call.id)
    assert (end.code, end.reason) == (final.status, "cancelled")
    assert final.status == (500 if crossing == 503 else 487)
    assert [(each.code, each.reason) for each in tries(edge, call.id)] == [(503, ""), (None, "cancelled")]


def test_what_both_sides_said_gives_codec_and_encryption_of_each_leg(
    routed: RunningEdge, carrier: Phone, ai: Agent
) -> None:
    routed.put(trunk("trunk", "127.0.1.1", media_in="require"))
    ai.answers = lambda invite: (200, sdp("127.0.2.1", 4002).replace("RTP/AVP 0 8", "RTP/AVP 8"))
    call = carrier.call(routed.sip, OURS, body=SECURE)
    assert call.status == 200
    told.until(routed, lambda _: len([e for e in learnt(routed, call.id) if isinstance(e.detail, Said)]) == 2)
    caller, callee = both(routed, call.id)
    assert (caller.codecs, caller.codec, caller.encryption, caller.suite) == (
        ("PCMU", "PCMA"),
        "PCMA",
        "sdes",
        "AES_CM_128_HMAC_SHA1_80",
    )
    assert (callee.codecs, callee.codec, callee.encryption, callee.suite) == (("PCMA",), "PCMA", "none", None)
    assert call.hang_up() == 200


def test_no_key_and_no_ice_password_reaches_a_file(routed: RunningEdge, carrier: Phone, ai: Agent) -> None:
    call = carrier.call(routed.sip, OURS, body=SECURE + "a=ice-pwd:asd88fgpdd777uzjYhagZg\r\n")
    assert call.status == 200
    assert call.hang_up() == 200
    told.ended(routed, call.id)
    with closing(sqlite3.connect(routed.folder / "events.sqlite")) as database:
        text = "".join(body for (body,) in database.execute("select body from event"))
    said = [line for line in text.splitlines() if line.startswith("said|")]
    shown = "".join(b64decode(line.rpartition("|")[2]).decode() for line in said)
    assert "AES_CM_128_HMAC_SHA1_80 inline:" in shown
    assert "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj" not in shown
    assert "asd88fgpdd777uzjYhagZg" not in shown


def test_the_last_offer_and_answer_of_a_call_count(routed: RunningEdge, carrier: Phone, ai: Agent) -> None:
    call = carrier.call(routed.sip, OURS)
    ai.answers = lambda invite: (200, sdp("127.0.2.1", 4002).replace("RTP/AVP 0 8", "RTP/AVP 8"))
    final = call.request("INVITE", body=sdp("127.0.1.1").replace("RTP/AVP 0 8", "RTP/AVP 8 0"))
    assert final is not None
    assert final.status == 200
    assert call.hang_up() == 200
    caller, callee = heard(routed, call.id)
    assert (caller.codecs, caller.codec) == (("PCMA", "PCMU"), "PCMA")
    assert (callee.codecs, callee.codec) == (("PCMA",), "PCMA")


@pytest.mark.parametrize("refused_by", ["the edge", "the agent"])
def test_an_offer_that_was_refused_changes_nothing(
    routed: RunningEdge, carrier: Phone, ai: Agent, refused_by: str
) -> None:
    ai.answers = lambda invite: (
        200 if not invite.tag("To") else 488,
        "" if invite.tag("To") else sdp("127.0.2.1", 4002),
    )
    call = carrier.call(routed.sip, OURS)
    offer = sdp("127.0.1.1").replace("RTP/AVP 0 8", "RTP/AVP 8")
    if refused_by == "the edge":
        offer = offer.replace("RTP/AVP", "UDP/TLS/RTP/SAVP") + "a=fingerprint:sha-256 00\r\n"
    final = call.request("INVITE", body=offer)
    assert final is not None
    assert final.status == 488
    assert len([m for m in ai.received if m.method == "INVITE"]) == (1 if refused_by == "the edge" else 2)
    assert call.hang_up() == 200
    for leg in heard(routed, call.id):
        assert (leg.codecs, leg.codec, leg.encryption) == (("PCMU", "PCMA"), "PCMU", "none")


def test_a_call_without_an_offer_is_told_by_the_answer_in_its_ack(
    routed: RunningEdge, carrier: Phone, ai: Agent
) -> None:
    call = carrier.call(routed.sip, OURS, body=None)
    assert call.status == 200
    answer = sdp("127.0.1.1").replace("RTP/AVP 0 8", "RTP/AVP 8")
    carrier.send(call.text("ACK", "z9hG4bKlate", body=answer, content="application/sdp", cseq=1), routed.sip)
    assert ai.wait(lambda m: m.method == "ACK" and m.body != "")
    assert call.hang_up() == 200
    caller, callee = heard(routed, call.id)
    assert (caller.codecs, caller.codec, caller.encryption) == (("PCMA",), "PCMA", "none")
    assert (callee.codecs, callee.codec, callee.encryption) == (("PCMU", "PCMA"), "PCMA", "none")


def test_the_relay_tells_what_came_of_each_side(routed: RunningEdge, carrier: Phone, ai: Agent) -> None:
    with ToneEndpoint("127.0.1.1", 440) as at_carrier, ToneEndpoint("127.0.2.1", 1000) as at_agent:
        ai.media_port = at_agent.port
        call = carrier.call(routed.sip, OURS, body=sdp("127.0.1.1", at_carrier.port))
        at_carrier.play_to(media(call.answered.body)[0])
        at_agent.play_to(media(ai.calls[0].body)[0])
        assert (at_agent.hears(), at_carrier.hears()) == (440, 1000)
        assert call.hang_up() == 200
    for leg in heard(routed, call.id):
        assert leg.audio is not None
        assert leg.audio.packets > 20
        # 160 bytes of sound and twelve of RTP's header in each
        assert leg.audio.bytes == leg.audio.packets * 172
        assert (leg.codec, leg.audio.loss_percent, leg.audio.mos) == ("PCMU", None, None)


def test_audio_that_goes_one_way_is_told(routed: RunningEdge, carrier: Phone, ai: Agent) -> None:
    with ToneEndpoint("127.0.1.1", 440) as at_carrier, ToneEndpoint("127.0.2.1", 1000) as at_agent:
        ai.media_port = at_agent.port
        call = carrier.call(routed.sip, OURS, body=sdp("127.0.1.1", at_carrier.port))
        at_carrier.play_to(media(call.answered.body)[0])
        assert at_agent.hears() == 440
        assert call.hang_up() == 200
    caller, callee = heard(routed, call.id)
    assert caller.audio is not None
    assert callee.audio is not None
    assert (caller.audio.packets > 20, callee.audio.packets) == (True, 0)


@pytest.mark.slow
def test_opus_by_srtp_and_g711_in_clear_are_told_of_their_own_legs(routed: RunningEdge, carrier: Phone) -> None:
    with (
        ToneEndpoint("127.0.1.1", 440) as at_carrier,
        Baresip("127.0.2.3", 1000, user="agent", encryption="srtp-mand", opus=True, answering=True) as called,
    ):
        routed.put(agent(uri=f"sip:agent@{called.at}", media="require", flags=codec_flags(("opus",))))
        call = carrier.call(routed.sip, OURS, body=at_carrier.sdp())
        at_carrier.speak(call.answered.body)
        assert (called.hears(), at_carrier.hears()) == (440, 1000)
        assert call.hang_up() == 200
        caller, callee = heard(routed, call.id)
    assert (caller.codec, caller.encryption, caller.suite) == ("PCMU", "none", None)
    assert (callee.codec, callee.encryption, callee.suite) == ("opus", "sdes", "AES_CM_128_HMAC_SHA1_80")


@pytest.mark.slow
def test_telephones_that_send_rtcp_tell_how_they_hear_each_other(routed: RunningEdge) -> None:
    with Baresip("127.0.1.3", 440) as caller, Baresip("127.0.2.3", 1000, user="agent", answering=True) as called:
        routed.put(trunk("trunk", "127.0.1.3"), agent(uri=f"sip:agent@{called.at}"))
        caller.dial(f"sip:{OURS}@{routed.sip[0]}:{routed.sip[1]}")
        assert (called.hears(), caller.hears()) == (440, 1000)
        (call_id,) = {e.call_id for e in told.of(routed, Started) if e.source.startswith("udp:127.0.1.3:")}
        # reports come every five seconds, and it is the second that tells of a round trip
        assert until(lambda: routed.scores(call_id), 30), "nobody has told how it hears the other"
        caller.hang_up()
        streams = [leg.audio for leg in heard(routed, call_id)]
    scored = [stream for stream in streams if stream is not None and stream.mos is not None]
    assert scored
    assert all(1.0 <= (stream.mos or 0) <= 4.5 and stream.loss_percent is not None for stream in scored)


@pytest.mark.slow
def test_packets_that_got_lost_on_their_way_are_told(routed: RunningEdge, carrier: Phone) -> None:
    """One in ten of the caller's; who hears it says so in RTCP."""
    with (
        ToneEndpoint("127.0.1.1", 440) as at_carrier,
        Baresip("127.0.2.3", 1000, user="agent", answering=True) as called,
    ):
        at_carrier.loses = 10
        routed.put(agent(uri=f"sip:agent@{called.at}"))
        call = carrier.call(routed.sip, OURS, body=at_carrier.sdp())
        at_carrier.speak(call.answered.body)
        at_carrier.reports(13)
        assert call.hang_up() == 200
        caller, callee = heard(routed, call.id)
    assert caller.audio is not None
    assert callee.audio is not None
    assert 5 <= (caller.audio.loss_percent or 0) <= 15
    # null if its last report came too late
    assert not callee.audio.loss_percent
    assert (callee.audio.mos or 0) > 4


def stopped(edge: RunningEdge, engine: str, number: signal.Signals) -> None:
    record = json.loads((edge.options.data / "edge.json").read_text())
    os.kill(record["processes"][engine]["pid"], number)


@pytest.mark.slow
def test_a_relay_that_died_leaves_a_record_without_audio_and_keeps_nobody_waiting() -> None:
    with running_edge() as edge, Agent("127.0.2.1") as ai, Phone("127.0.1.1") as carrier:
        edge.put(number(), trunk("trunk", "127.0.1.1"), agent(uri=f"sip:{{number}}@{ai.at}"))
        call = carrier.call(edge.sip, OURS)
        assert call.status == 200
        stopped(edge, "rtpengine", signal.SIGKILL)
        edge.until_ready()
        assert ai.wait(lambda m: m.method == "BYE", 10)
        _, _, end, _ = told.ended(edge, call.id)
        assert end.reason == "media-lost"
        assert [type(e.detail).__name__ for e in learnt(edge, call.id)] == ["Said", "Try", "Said"]
        again: Call = carrier.call(edge.sip, OURS)
        assert again.hang_up() == 200
        assert heard(edge, again.id)[0].audio is not None


@pytest.mark.slow
def test_nobody_waits_for_a_relay_that_hangs_to_hang_up() -> None:
    with running_edge() as edge, Agent("127.0.2.1") as ai, Phone("127.0.1.1") as carrier:
        edge.put(number(), trunk("trunk", "127.0.1.1"), agent(uri=f"sip:{{number}}@{ai.at}"))
        call = carrier.call(edge.sip, OURS)
        stopped(edge, "rtpengine", signal.SIGSTOP)
        began = time.monotonic()
        assert call.hang_up() == 200
        # rtpengine's module would try for a second and more
        assert time.monotonic() - began < 0.4
        stopped(edge, "rtpengine", signal.SIGCONT)
        assert heard(edge, call.id)[0].audio is not None, "it is told once the relay goes on"


@pytest.mark.slow
def test_each_of_many_calls_tells_of_its_audio() -> None:
    with running_edge() as edge, answering("127.0.2.3", trace=False) as uas:
        edge.put(number(), trunk("trunk"), agent(uri=f"sip:{{number}}@{uas.at}"))
        result = place_calls(edge.sip, [OURS] * 600, rate=120, seconds=60)
        assert result.failed == 0, result.log

        def told_of() -> int:
            return len({e.call for e in told.of(edge, Learnt) if isinstance(e.detail, Audio)})

        deadline = time.monotonic() + 10
        while told_of() < 600 and time.monotonic() < deadline:
            time.sleep(0.2)
        assert told_of() == 600


def test_what_others_say_in_the_relays_words_is_not_believed(
    routed: RunningEdge, carrier: Phone, stranger: Phone
) -> None:
    """Not even with the cookie, which nobody outside knows."""
    call = carrier.call(routed.sip, OURS)
    told.until(routed, lambda _: learnt(routed, call.id))
    id = learnt(routed, call.id)[0].call
    (cookie,) = re.findall(r"!NG_COOKIE!([0-9a-f]{16})!", (routed.folder / "local.cfg").read_text())
    for forged in (f"{cookie},{id},61 d4:tagsd1:ae6:result2:oke", "0123456789abcdef,x,61 d4:tagsd1:ae6:result2:oke"):
        stranger.send(forged, routed.sip)
    assert call.hang_up() == 200
    assert heard(routed, call.id)[0].audio is not None
    assert len([e for e in learnt(routed, call.id) if isinstance(e.detail, Audio)]) == 1
