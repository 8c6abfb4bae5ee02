"""Audio both ways, measured: each side plays a tone, and hears the other's."""

import time

from cordboard.domain.media import codec_flags
from tests.calls.baresip import Baresip
from tests.calls.edges import RunningEdge, agent, trunk
from tests.calls.phone import Agent, Phone, media, sdp
from tests.calls.tones import ToneEndpoint

CALLED = "+34911234567"


def test_tones_go_both_ways_through_the_edge(routed: RunningEdge, carrier: Phone, ai: Agent) -> None:
    with ToneEndpoint("127.0.1.1", 440) as at_carrier, ToneEndpoint("127.0.2.1", 1000) as at_agent:
        ai.media_port = at_agent.port
        call = carrier.call(routed.sip, CALLED, body=sdp("127.0.1.1", at_carrier.port))
        at_carrier.play_to(media(call.answered.body)[0])
        at_agent.play_to(media(ai.calls[0].body)[0])
        assert at_agent.hears() == 440
        assert at_carrier.hears() == 1000
        assert call.hang_up() == 200


def test_a_stranger_is_not_heard(routed: RunningEdge, carrier: Phone, ai: Agent) -> None:
    """Packets from elsewhere, sent to the port that the agent hears from, once the caller's address is learnt."""
    with (
        ToneEndpoint("127.0.1.1", 440) as at_carrier,
        ToneEndpoint("127.0.2.1", 1000) as at_agent,
        ToneEndpoint("127.0.1.9", 1700) as intruder,
    ):
        ai.media_port = at_agent.port
        call = carrier.call(routed.sip, CALLED, body=sdp("127.0.1.1", at_carrier.port))
        relay = media(call.answered.body)[0]
        at_carrier.play_to(relay)
        time.sleep(4.5)  # rtpengine learns for three to four seconds
        assert at_agent.hears() == 440
        at_carrier.play_to(None)
        intruder.play_to(relay)
        time.sleep(0.3)
        before = at_agent.packets
        time.sleep(0.5)
        assert at_agent.packets == before
        assert call.hang_up() == 200


def test_an_encrypted_caller_is_heard_in_clear_by_the_agent(routed: RunningEdge) -> None:
    """A telephone that insists on SRTP, an agent that has none, a trunk that requires it."""
    routed.put(trunk("trunk", "127.0.1.3", media_in="require"))
    with (
        Baresip("127.0.1.3", 440, encryption="srtp-mand") as caller,
        Baresip("127.0.2.3", 1000, user="agent", answering=True) as called,
    ):
        routed.put(agent(uri=f"sip:agent@{called.at}"))
        caller.dial(f"sip:{CALLED}@{routed.sip[0]}:{routed.sip[1]}")
        assert called.hears() == 440
        assert caller.hears() == 1000
        caller.hang_up()


def test_an_agent_of_opus_by_srtp_and_a_carrier_of_g711_in_clear_hear_each_other_and_digits_come(
    routed: RunningEdge, carrier: Phone
) -> None:
    with (
        ToneEndpoint("127.0.1.1", 440) as at_carrier,
        Baresip("127.0.2.3", 1000, user="agent", encryption="srtp-mand", opus=True, answering=True) as called,
    ):
        routed.put(agent(uri=f"sip:agent@{called.at}", media="require", flags=codec_flags(("opus",))))
        call = carrier.call(routed.sip, CALLED, body=at_carrier.sdp())
        assert call.status == 200
        at_carrier.speak(call.answered.body)
        assert (called.hears(), at_carrier.hears()) == (440, 1000)
        at_carrier.press("7")
        assert called.digits(1) == "7"
        assert call.hang_up() == 200


def test_a_caller_in_clear_is_refused_where_encryption_is_required(routed: RunningEdge) -> None:
    routed.put(trunk("trunk", "127.0.1.3", media_in="require"))
    with Baresip("127.0.1.3", 440) as caller, Baresip("127.0.2.3", 1000, user="agent", answering=True) as called:
        routed.put(agent(uri=f"sip:agent@{called.at}"))
        caller.dial(f"sip:{CALLED}@{routed.sip[0]}:{routed.sip[1]}")
        assert "488" in caller.closed()
        assert called.hears(timeout=0.3) is None
