"""Nebrija's trunks at a real LiveKit: `providerId` is LiveKit's own id, and what LiveKit refuses is not stored."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from livekit import api

from tests.livekit.installation import Installation, ask, held, installation
from tests.livekit.servers import LiveKit
from tests.processes import call

TRUNK = {
    "name": "Main office",
    "gateways": [{"ipOrDomain": "gw.example.com"}, {"ipOrDomain": "gw2.example.com"}],
    "authentication": {"username": "acme", "password": "s3cret-of-acme"},
    "advanced": {"mediaEncryption": "require", "transport": "tls"},
}


@pytest.fixture(scope="module")
def served(livekit: LiveKit, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installation(tmp_path_factory.mktemp("nebrija"), livekit.url) as running:
        yield running


def request(served: Installation, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    return call(method, f"{served.server.url}/api/v1{path}", served.key, body)


def outbound(livekit: LiveKit, id: str) -> list[dict[str, Any]]:
    return [each for each in held(livekit).outbound if each["sip_trunk_id"] == id]


@pytest.mark.proves("nebrija: providerId with LiveKit")
def test_a_trunk_is_at_livekit_under_the_id_that_it_shows(livekit: LiveKit, served: Installation) -> None:
    status, made = request(served, "POST", "/sip-trunks", TRUNK)
    assert (status, made["providerId"][:3]) == (201, "ST_")
    (there,) = outbound(livekit, made["providerId"])
    assert (there["address"], there["transport"]) == ("gw.example.com:5060", "SIP_TRANSPORT_TLS")
    assert (there["auth_username"], there["auth_password"]) == ("acme", "s3cret-of-acme")
    assert there["media"]["encryption"] == "SIP_MEDIA_ENCRYPT_REQUIRE"
    path = f"/sip-trunks/{made['id']}"
    assert request(served, "GET", path) == (200, made)

    status, changed = request(served, "PATCH", path, {**made, "gateways": [{"ipOrDomain": "new.example.com"}]})
    assert status == 200
    (there,) = outbound(livekit, changed["providerId"])
    assert (there["address"], there["auth_password"]) == ("new.example.com:5060", "s3cret-of-acme")

    assert request(served, "DELETE", path)[0] == 204
    assert outbound(livekit, changed["providerId"]) == []


@pytest.mark.proves("nebrija: provider failure")
def test_what_livekit_refuses_is_a_502_and_nothing_changes(livekit: LiveKit, served: Installation) -> None:
    number, phone = served.imported()
    path = f"/phone-numbers/{phone}"
    foreign = api.SIPInboundTrunkInfo(name="foreign", numbers=[number])
    made = ask(livekit, lambda sip: sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=foreign)))
    before, stored = held(livekit), request(served, "GET", path)
    agent = api_agent(served)
    status, said = request(served, "PATCH", path, {"inbound": {"assistantId": agent}})
    assert (status, said["statusCode"], said["error"]) == (502, 502, "Bad Gateway")
    assert "Conflicting inbound SIP Trunks" in said["message"]
    assert (held(livekit), request(served, "GET", path)) == (before, stored)
    ask(livekit, lambda sip: sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=made.sip_trunk_id)))
    assert request(served, "PATCH", path, {"inbound": {"assistantId": agent}})[0] == 200


def api_agent(served: Installation) -> str:
    """The id of the installation's one agent."""
    token = (served.server.data / "admin.token").read_text().strip()
    tenants = call("GET", f"{served.server.url}/cordboard/v1/tenants", token)[1]["data"]
    url = f"{served.server.url}/cordboard/v1/tenants/{tenants[0]['id']}/agents"
    return str(call("GET", url, token)[1]["data"][0]["agent_id"])


@pytest.mark.slow
@pytest.mark.proves("nebrija: provider failure")
def test_a_livekit_that_is_not_there_is_a_502_and_nothing_is_stored(tmp_path: Path) -> None:
    with installation(tmp_path, "http://127.0.0.1:9") as served:
        status, said = request(served, "POST", "/sip-trunks", TRUNK)
        assert (status, said["error"]) == (502, "Bad Gateway")
        assert request(served, "GET", "/sip-trunks") == (200, [])
