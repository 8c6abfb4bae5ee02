"""What a trunk puts on its carrier's leg: header fields and codecs."""

import re
import time
from collections.abc import Iterator

import pytest

from cordboard.domain.media import codec_flags, codec_names
from tests.calls.edges import RunningEdge, agent, trunk
from tests.calls.phone import Agent, Message, sdp
from tests.calls.standing import OURS, THEIRS, Scripted, connect, parties, stand
from tests.calls.test_headers import invite
from tests.calls.test_inbound import refusal
from tests.calls.tones import ToneEndpoint


@pytest.fixture
def both(edge: RunningEdge) -> Iterator[tuple[Scripted, Scripted]]:
    with parties() as (carrier, ai):
        connect(edge, carrier, ai)
        yield carrier, ai


def with_codecs(edge: RunningEdge, carrier: Agent, *codecs: str) -> None:
    more = {"media_out": "disable", "flags": codec_flags(codecs), "codecs": codec_names(codecs)}
    edge.put(trunk("trunk", "127.0.1.1/32", gateways=(carrier.at,), **more))


# Header fields.


@pytest.mark.proves("nebrija: advanced.headers")
def test_a_gateway_gets_the_trunks_header_fields_and_nobody_else_does(
    edge: RunningEdge, both: tuple[Scripted, Scripted]
) -> None:
    carrier, ai = both
    lines = "X-Account: 4711\r\nP-Charging-Vector: icid-value=\"$ru; 'x'\"\r\n"
    edge.put(trunk("trunk", "127.0.1.1/32", gateways=("127.0.1.1:9", carrier.at), headers=lines))
    call = ai.call(edge.sip, THEIRS, caller=OURS, headers="X-Account: of the agent\r\n")
    assert call.status == 200
    seen = invite(carrier)
    assert seen.all("X-Account") == ["4711"]
    assert seen.all("P-Charging-Vector") == ["icid-value=\"$ru; 'x'\""]
    assert call.hang_up() == 200
    assert carrier.call(edge.sip, OURS, caller=THEIRS).status == 200
    assert not invite(ai).all("X-Account")


def test_they_stand_there_once_after_a_challenge_too(edge: RunningEdge, both: tuple[Scripted, Scripted]) -> None:
    carrier, ai = both
    carrier.wants = ("acme", "secret")
    edge.put(
        trunk(
            "trunk",
            gateways=(carrier.at,),
            headers="X-Account: 4711\r\n",
            username="acme",
            password="secret",
        )
    )
    assert ai.call(edge.sip, THEIRS, caller=OURS).status == 200
    invites = [m for m in carrier.received if m.method == "INVITE" and m.status is None]
    assert [m.all("X-Account") for m in invites] == [["4711"], ["4711"]]


# Codecs.


OFFER = (
    "v=0\r\no=- 1 1 IN IP4 127.0.1.1\r\ns=-\r\nc=IN IP4 127.0.1.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 9 96 101\r\n"
    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:9 G722/8000\r\na=rtpmap:96 opus/48000/2\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n"
)


def payloads(body: str) -> str:
    (stream,) = re.findall(r"m=audio \d+ RTP/AVP ?(.*)\r\n", body)
    return str(stream)


@pytest.mark.parametrize(
    ("codecs", "agents", "offered", "answered"),
    [
        # nothing is said
        ((), (), "0 8 9 96 101", "0 101"),
        # what the trunk has, in the carrier's order
        (("PCMA",), (), "8 101", "8 101"),
        (("opus", "PCMA", "telephone-event"), (), "8 96 101", "8 101"),
        # an agent of another codec is transcoded, and the carrier gets what the trunk has
        (("PCMA",), ("PCMU",), "0 101", "8 101"),
        (("PCMA",), ("opus",), "96 97", "8"),
        (("PCMA",), ("PCMA",), "8 101", "8 101"),
    ],
)
@pytest.mark.proves("nebrija: advanced.codecs")
def test_of_an_offer_of_the_carriers_what_the_trunk_has_is_taken(
    edge: RunningEdge,
    both: tuple[Scripted, Scripted],
    codecs: tuple[str, ...],
    agents: tuple[str, ...],
    offered: str,
    answered: str,
) -> None:
    carrier, ai = both
    ai.answers = first_offered
    with_codecs(edge, carrier, *codecs)
    edge.put(agent(uri=f"sip:{ai.at}", flags=codec_flags(agents)))
    call = carrier.call(edge.sip, OURS, caller=THEIRS, body=OFFER)
    assert call.status == 200
    assert payloads(invite(ai).body) == offered
    assert payloads(call.answered.body) == answered
    assert call.hang_up() == 200


def first_offered(invite: Message) -> tuple[int, str]:
    """The first codec of the offer, with digits if they are offered at its rate."""
    stream = payloads(invite.body).split()
    lines = [line for line in invite.body.split("\r\n") if line.startswith(f"a=rtpmap:{stream[0]} ")]
    digits = "101" if "101" in stream and stream[0] != "96" else ""
    lines += ["a=rtpmap:101 telephone-event/8000"] if digits else []
    kept = "".join(f"{line}\r\n" for line in lines)
    body = "v=0\r\no=- 1 1 IN IP4 127.0.2.1\r\ns=-\r\nc=IN IP4 127.0.2.1\r\nt=0 0\r\n"
    return 200, f"{body}m=audio 4002 RTP/AVP {stream[0]} {digits}".rstrip() + f"\r\n{kept}"


def test_an_offer_of_nothing_that_the_trunk_has_is_refused(edge: RunningEdge, both: tuple[Scripted, Scripted]) -> None:
    carrier, ai = both
    with_codecs(edge, carrier, "G729")
    for body in (OFFER, sdp("127.0.1.1")):
        call = carrier.call(edge.sip, OURS, caller=THEIRS, body=body)
        assert (call.status, refusal(edge, call.id)) == (488, "488 media-not-supported")
    assert not ai.calls


@pytest.mark.proves("nebrija: advanced.codecs")
def test_a_gateway_is_offered_what_the_trunk_has(edge: RunningEdge, both: tuple[Scripted, Scripted]) -> None:
    carrier, ai = both
    carrier.answers = first_offered
    with_codecs(edge, carrier, "PCMA")
    body = OFFER.replace("0 8 9 96 101", "96 101").replace("127.0.1.1", "127.0.2.1")
    call = ai.call(edge.sip, THEIRS, caller=OURS, body=body)
    assert call.status == 200
    assert payloads(invite(carrier).body) == "8 101"
    assert payloads(call.answered.body).startswith("96")
    assert call.hang_up() == 200


@pytest.mark.parametrize("direction", ["in", "out"])
def test_later_offers_are_held_to_it_too(edge: RunningEdge, both: tuple[Scripted, Scripted], direction: str) -> None:
    carrier, ai = both
    carrier.answers = ai.answers = first_offered
    with_codecs(edge, carrier, "PCMA")
    call = stand(edge, carrier, ai, direction)
    for side, far, expected in ((call.carriers, ai, "8 101"), (call.agents, carrier, "8 101")):
        far.events.clear()
        answer = side.request("INVITE", body=OFFER.replace("127.0.1.1", side.phone.address[0]))
        assert answer
        assert answer.status == 200
        again = next(m for m in far.received if m.method == "INVITE" and m.status is None)
        assert payloads(again.body) == expected
    assert call.agents.hang_up() == 200


@pytest.mark.parametrize("direction", ["in", "out"])
def test_agent_and_carrier_of_other_codecs_hear_each_other_and_digits_cross(
    edge: RunningEdge, both: tuple[Scripted, Scripted], direction: str
) -> None:
    """The agent speaks PCMU and the carrier PCMA."""
    carrier, ai = both
    with_codecs(edge, carrier, "PCMA")
    edge.put(agent(uri=f"sip:{ai.at}", sources="127.0.2.1/32", flags=codec_flags(("PCMU",))))
    with (
        ToneEndpoint("127.0.1.1", 440, law="PCMA") as theirs,
        ToneEndpoint("127.0.2.1", 1000) as mine,
    ):
        carrier.answers = lambda m: (200, theirs.sdp())
        ai.answers = lambda m: (200, mine.sdp())
        if direction == "in":
            call = carrier.call(edge.sip, OURS, caller=THEIRS, body=theirs.sdp())
            theirs.speak(call.answered.body)
            mine.speak(invite(ai).body)
        else:
            call = ai.call(edge.sip, THEIRS, caller=OURS, body=mine.sdp())
            mine.speak(call.answered.body)
            theirs.speak(invite(carrier).body)
        assert (mine.hears(), theirs.hears()) == (440, 1000)
        for digit in "7#":
            theirs.press(digit)
            mine.press(digit.replace("7", "*"))
        time.sleep(0.3)
        assert (mine.digits, theirs.digits) == ("7#", "*#")
        assert call.hang_up() == 200
