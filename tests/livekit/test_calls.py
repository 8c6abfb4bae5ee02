"""Calls into rooms: a carrier, the edge, LiveKit's SIP side, a room, and who speaks in it."""

import asyncio
from collections.abc import Iterator

import pytest
from livekit import api

from tests.calls.edges import RunningEdge, agent, number, running_edge, trunk
from tests.calls.phone import Phone, media, sdp
from tests.calls.tones import ToneEndpoint
from tests.livekit.room import Participant
from tests.livekit.servers import KEY, SECRET, LiveKit

NUMBER = "+34911234567"


@pytest.fixture(scope="module")
def edge() -> Iterator[RunningEdge]:
    with running_edge() as running:
        yield running


async def _a_room_of_that_number(livekit: LiveKit) -> None:
    trunk = api.SIPInboundTrunkInfo(numbers=[NUMBER], allowed_addresses=["127.0.0.1"])
    room = api.SIPDispatchRule(dispatch_rule_direct=api.SIPDispatchRuleDirect(room_name="reception"))
    async with api.LiveKitAPI(livekit.url, KEY, SECRET) as client:
        made = await client.sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=trunk))
        rule = api.SIPDispatchRuleInfo(rule=room, trunk_ids=[made.sip_trunk_id])
        await client.sip.create_dispatch_rule(api.CreateSIPDispatchRuleRequest(dispatch_rule=rule))


def test_a_carriers_call_reaches_a_room_and_both_hear_each_other(livekit: LiveKit, edge: RunningEdge) -> None:
    asyncio.run(_a_room_of_that_number(livekit))
    edge.put(number(NUMBER), trunk("trunk", "127.0.1.1/32"), agent(uri=f"sip:{{number}}@{livekit.sip_at}"))
    with (
        Phone("127.0.1.1", name="carrier") as carrier,
        ToneEndpoint("127.0.1.1", 440) as voice,
        Participant(livekit, "reception", 1000) as host,
    ):
        call = carrier.call(edge.sip, NUMBER, body=sdp("127.0.1.1", voice.port))
        voice.play_to(media(call.answered.body)[0])
        assert host.hears() == 440
        assert voice.hears() == 1000
        assert host.caller()["sip.trunkPhoneNumber"] == NUMBER
        assert call.hang_up() == 200
