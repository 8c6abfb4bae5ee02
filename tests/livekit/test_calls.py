"""Calls into rooms, number by number: a carrier, the edge, LiveKit's SIP side, a room, and who speaks in it."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.builders import fresh_number
from tests.calls.edges import EDGE_ADDRESS, data_directory, free_port
from tests.calls.phone import Phone, media, sdp
from tests.calls.tones import ToneEndpoint
from tests.livekit.room import Participant, dispatched, new_room
from tests.livekit.servers import KEY, SECRET, LiveKit
from tests.processes import call, cordboard, serving


def test_a_carriers_call_reaches_a_room_and_both_hear_each_other(livekit: LiveKit) -> None:
    """The trunk takes calls from the carrier alone; LiveKit lets the edge in, and nobody else."""
    sip = (EDGE_ADDRESS, free_port())
    environment = {
        "CORDBOARD_LIVEKIT_URL": livekit.url,
        "CORDBOARD_LIVEKIT_API_KEY": KEY,
        "CORDBOARD_LIVEKIT_API_SECRET": SECRET,
        "CORDBOARD_LIVEKIT_EDGES": EDGE_ADDRESS,
    }
    listen = ("--sip-listen", f"{sip[0]}:{sip[1]}")
    with data_directory() as folder, serving(folder / "data", *listen, environment=environment) as server:
        number = _answered(server.data, server.url, f"sip:{{number}}@{livekit.sip_at}")
        with (
            Phone("127.0.1.1", name="carrier") as carrier,
            ToneEndpoint("127.0.1.1", 440) as voice,
            ThreadPoolExecutor() as meanwhile,
        ):
            calling = meanwhile.submit(carrier.call, sip, number, body=sdp("127.0.1.1", voice.port))
            room = new_room(livekit, "call-")
            assert dispatched(livekit, room) == ["reception"]
            with Participant(livekit, room, 1000) as host:
                made = calling.result(15)
                voice.play_to(media(made.answered.body)[0])
                assert host.hears() == 440
                assert voice.hears() == 1000
                assert host.caller()["sip.trunkPhoneNumber"] == number
                assert host.caller()["cordboard.number"] == number
                assert made.hang_up() == 200
        host_, port = livekit.sip_at.split(":")
        with Phone("127.0.1.9", name="stranger") as stranger:
            assert stranger.call((host_, int(port)), number).status != 200


def _answered(data: Path, url: str, sip_uri: str) -> str:
    """A new number of a new tenant, which an agent at that address answers."""
    cordboard(data, "tenant", "create", "Acme")
    key = cordboard(data, "key", "create", "--tenant", "Acme").stdout.strip()
    agent = ("agent", "create", "--tenant", "Acme", "--name", "reception", "--sip-uri", sip_uri)
    version = json.loads(cordboard(data, *agent).stdout)["version_id"]
    number = fresh_number()
    body = {"phone_number": number, "inbound_config": {"allowed_addresses": ["127.0.1.1"]}}
    _, phone = call("POST", f"{url}/v1/phone/import", key, body)
    assert call("PATCH", f"{url}/v1/phone/{phone['id']}", key, {"inbound_version_id": version})[0] == 200
    return number
