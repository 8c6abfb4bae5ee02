"""Edge mode: LiveKit holds one trunk for our edges and a rule for each agent; the edge finds the number."""

import contextlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from livekit import api

from tests.builders import fresh_number
from tests.calls.edges import EDGE_ADDRESS, data_directory, free_port
from tests.calls.phone import Agent, Phone, media, sdp
from tests.calls.tones import ToneEndpoint
from tests.livekit.installation import ask, clear, held, installation
from tests.livekit.room import Participant, new_room
from tests.livekit.servers import KEY, SECRET, LiveKit
from tests.livekit.test_numbers import GATEWAY
from tests.processes import Server, call, cordboard, serving


@dataclass(frozen=True, kw_only=True)
class Served:
    """A server with its edge, before LiveKit; one tenant with an agent that lives there."""

    server: Server
    sip: tuple[str, int]
    key: str
    agent: str
    version: str

    def answered(self) -> str:
        """A new number that the agent answers."""
        number = fresh_number()
        _, phone = self.request("POST", "/import", {"phone_number": number})
        status, _ = self.request("PATCH", f"/{phone['id']}", {"inbound_version_id": self.version})
        assert status == 200
        return number

    def request(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        return call(method, f"{self.server.url}/v1/phone{path}", self.key, body)


@pytest.fixture(scope="module")
def served(livekit: LiveKit) -> Iterator[Served]:
    clear(livekit)
    sip = (EDGE_ADDRESS, free_port())
    environment = {
        "CORDBOARD_LIVEKIT_URL": livekit.url,
        "CORDBOARD_LIVEKIT_API_KEY": KEY,
        "CORDBOARD_LIVEKIT_API_SECRET": SECRET,
        "CORDBOARD_LIVEKIT_MODE": "edge",
        "CORDBOARD_LIVEKIT_SIP": livekit.sip_at,
        "CORDBOARD_LIVEKIT_EDGES": EDGE_ADDRESS,
    }
    with contextlib.ExitStack() as stack:
        data = stack.enter_context(data_directory()) / "data"
        server = stack.enter_context(serving(data, "--sip-listen", f"{sip[0]}:{sip[1]}", environment=environment))
        cordboard(data, "tenant", "create", "Acme")
        key = cordboard(data, "key", "create", "--tenant", "Acme").stdout.strip()
        agent = ("agent", "create", "--tenant", "Acme", "--name", "reception")
        made = json.loads(cordboard(data, *agent, "--sip-uri", f"sip:whoever@{livekit.sip_at}").stdout)
        yield Served(server=server, sip=sip, key=key, agent=made["agent_id"], version=made["version_id"])


def test_livekit_holds_one_trunk_and_a_rule_for_each_agent(livekit: LiveKit, served: Served) -> None:
    for _ in range(3):
        served.answered()
    there = held(livekit)
    (trunk,), (rule,) = there.inbound, there.rules
    assert "numbers" not in trunk
    assert trunk["allowed_addresses"] == [f"{EDGE_ADDRESS}/32"]
    assert trunk["auth_username"] == "cordboard"
    assert trunk["auth_password"]
    assert (rule["trunk_ids"], rule["numbers"]) == ([trunk["sip_trunk_id"]], [f"agent-{served.agent}"])
    assert json.loads(cordboard(served.server.data, "livekit", "plan", "--json").stdout)["changes"] == []


def test_a_call_gets_into_a_room_and_says_which_number_was_called(livekit: LiveKit, served: Served) -> None:
    number = served.answered()
    with (
        Phone("127.0.1.1", name="carrier") as carrier,
        ToneEndpoint("127.0.1.1", 440) as voice,
        ThreadPoolExecutor() as meanwhile,
    ):
        # answered once somebody is in the room to hear it
        calling = meanwhile.submit(
            carrier.call, served.sip, number, caller="+15125550100", body=sdp("127.0.1.1", voice.port)
        )
        with Participant(livekit, new_room(livekit, "call-"), 1000) as host:
            made = calling.result(15)
            voice.play_to(media(made.answered.body)[0])
            assert host.hears() == 440
            assert voice.hears() == 1000
            attributes = host.caller()
            assert attributes["cordboard.number"] == number
            assert attributes["cordboard.call"]
            assert attributes["cordboard.tenant"]
            assert attributes["sip.phoneNumber"] == "+15125550100"
            assert made.hang_up() == 200


def test_who_is_no_edge_of_ours_is_not_let_in(livekit: LiveKit, served: Served) -> None:
    host, port = livekit.sip_at.split(":")
    with Phone("127.0.1.9", name="stranger") as stranger:
        assert stranger.call((host, int(port)), f"agent-{served.agent}").status != 200
    with Phone(EDGE_ADDRESS, name="neighbour of the edge, without its password") as neighbour:
        assert neighbour.call((host, int(port)), f"agent-{served.agent}").status in (401, 407)


def test_an_agent_of_another_tenant_is_not_reached_by_its_name(livekit: LiveKit, served: Served) -> None:
    data = served.server.data
    cordboard(data, "tenant", "create", "Thief")
    theft = ("agent", "create", "--tenant", "Thief", "--name", "thief")
    made = json.loads(cordboard(data, *theft, "--sip-uri", f"sip:agent-{served.agent}@{livekit.sip_at}").stdout)
    rules = {rule["name"]: rule["numbers"] for rule in held(livekit).rules}
    assert rules == {"reception": [f"agent-{served.agent}"], "thief": [f"agent-{made['agent_id']}"]}


def test_a_foreign_trunk_that_takes_every_number_is_refused(livekit: LiveKit, served: Served) -> None:
    """It cannot be made while ours stands; a rule for every trunk can."""
    trunk = api.SIPInboundTrunkInfo(name="foreign", allowed_addresses=["192.0.2.1"])
    with pytest.raises(api.ServerError, match="Conflicting inbound SIP Trunks"):
        ask(livekit, lambda sip: sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=trunk)))
    room = api.SIPDispatchRule(dispatch_rule_direct=api.SIPDispatchRuleDirect(room_name="everybody"))
    rule = api.SIPDispatchRuleInfo(name="foreign", rule=room)
    made = ask(livekit, lambda sip: sip.create_dispatch_rule(api.CreateSIPDispatchRuleRequest(dispatch_rule=rule)))
    said = cordboard(served.server.data, "livekit", "plan").stderr
    assert f"LiveKit's rule {made.sip_dispatch_rule_id} has no trunk, and takes every call" in said
    agent = ("agent", "create", "--tenant", "Acme", "--name", "second", "--sip-uri", f"sip:x@{livekit.sip_at}")
    refused = cordboard(served.server.data, *agent, ok=False)
    assert (refused.returncode, "takes every call" in refused.stderr) == (1, True)
    id = made.sip_dispatch_rule_id
    ask(livekit, lambda sip: sip.delete_dispatch_rule(api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=id)))
    cordboard(served.server.data, *agent)


def test_an_agent_that_places_calls_has_an_outbound_trunk_to_the_edge(livekit: LiveKit, served: Served) -> None:
    number = fresh_number()
    _, phone = served.request("POST", "/import", {"phone_number": number})
    data = served.server.data
    agent = ("agent", "create", "--tenant", "Acme", "--name", "caller", "--username", f"caller-{number[1:]}")
    made = json.loads(cordboard(data, *agent, "--sip-uri", f"sip:x@{livekit.sip_at}").stdout)
    assert served.request("PATCH", f"/{phone['id']}", {"outbound_version_id": made["version_id"]})[0] == 200
    (trunk,) = held(livekit).outbound
    assert (trunk["address"], trunk["numbers"]) == (f"{served.sip[0]}:{served.sip[1]}", [number])
    assert (trunk["auth_username"], trunk["auth_password"]) == (f"caller-{number[1:]}", made["password"])


def test_an_agents_call_leaves_by_the_edge(livekit: LiveKit, served: Served) -> None:
    """The edge knows it by the username of its outbound trunk, and finds the carrier by the number that it shows."""
    number, data = fresh_number(), served.server.data
    with (
        Agent("127.0.1.5", name="carrier") as carrier,
        ToneEndpoint("127.0.1.5", 440) as voice,
        Participant(livekit, "out", 1000) as host,
    ):
        carrier.media_port = voice.port
        config = {"outbound_config": {"termination_uri": carrier.at}}
        _, phone = served.request("POST", "/import", {"phone_number": number, **config})
        agent = ("agent", "create", "--tenant", "Acme", "--name", "dialler", "--username", f"dialler-{number[1:]}")
        made = json.loads(cordboard(data, *agent, "--sip-uri", f"sip:x@{livekit.sip_at}").stdout)
        assert served.request("PATCH", f"/{phone['id']}", {"outbound_version_id": made["version_id"]})[0] == 200
        (trunk,) = [each for each in held(livekit).outbound if each["numbers"] == [number]]
        dial = api.CreateSIPParticipantRequest(
            sip_trunk_id=trunk["sip_trunk_id"], sip_call_to="+15125550100", room_name="out", wait_until_answered=True
        )
        ask(livekit, lambda sip: sip.create_sip_participant(dial, timeout=20))
        (invite,) = carrier.calls
        assert f"sip:{number}@" in invite.get("From")
        voice.play_to(media(invite.body)[0])
        assert host.hears() == 440
        assert voice.hears() == 1000


@pytest.mark.proves("nebrija: providerId with LiveKit")
def test_a_trunk_that_calls_go_out_by_has_the_id_of_the_one_that_all_share(livekit: LiveKit, served: Served) -> None:
    number, data = fresh_number(), served.server.data
    before = held(livekit)
    status, _ = served.request("POST", "/import", {"phone_number": number, "outbound_config": GATEWAY})
    assert status == 200
    shown = json.loads(cordboard(data, "trunk", "show", number, "--json").stdout)
    assert shown["provider_id"] == before.inbound[0]["sip_trunk_id"]
    assert held(livekit) == before
    assert json.loads(cordboard(data, "livekit", "plan", "--json").stdout)["changes"] == []
    cordboard(data, "trunk", "update", number, "--no-gateway")
    assert json.loads(cordboard(data, "trunk", "show", number, "--json").stdout)["provider_id"] is None


def test_the_other_mode_s_objects_go_when_that_is_meant(livekit: LiveKit, tmp_path: Path) -> None:
    clear(livekit)
    with installation(tmp_path, livekit.url) as numbers:
        for _ in range(3):
            number, _ = numbers.answered(outbound_config=GATEWAY)
    edge = {
        "CORDBOARD_LIVEKIT_MODE": "edge",
        "CORDBOARD_LIVEKIT_SIP": "127.0.2.1",
        "CORDBOARD_LIVEKIT_EDGES": EDGE_ADDRESS,
    }
    with serving(tmp_path, "--no-edge", ready="/livez", environment={**numbers.environment, **edge}):
        assert cordboard(tmp_path, "livekit", "apply", ok=False).returncode == 1
        cordboard(tmp_path, "livekit", "apply", "--yes")
        assert json.loads(cordboard(tmp_path, "livekit", "plan", "--json").stdout)["changes"] == []
        shown = json.loads(cordboard(tmp_path, "trunk", "show", number, "--json").stdout)
    there = held(livekit)
    assert there.outbound == []
    assert shown["provider_id"] == there.inbound[0]["sip_trunk_id"]
    assert ([each["name"] for each in there.inbound], [each["name"] for each in there.rules]) == (
        ["Cordboard's edges"],
        ["reception"],
    )
