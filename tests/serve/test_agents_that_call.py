"""Agents and trunks as the commands make them are what the edge goes by at the next call, on each store."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.builders import fresh_number
from tests.calls.phone import Agent, Phone
from tests.processes import call, cordboard
from tests.serve.installations import Installation

pytestmark = pytest.mark.calls

CALLED = "+15125550100"
#: Of one AI platform: several tenants' agents call from here.
PLATFORM = "127.0.2.11"


@pytest.fixture
def carrier() -> Iterator[Agent]:
    with Agent("127.0.1.7", name="carrier") as phone:
        yield phone


@pytest.fixture
def platform() -> Iterator[Phone]:
    with Phone(PLATFORM) as phone:
        yield phone


def run(installed: Installation, *words: str) -> Any:
    """What a command prints."""
    return json.loads(cordboard(installed.server.data, *words, "--json").stdout)


def new_agent(installed: Installation, tenant: str, *options: str) -> Any:
    words = ("agent", "create", "--tenant", tenant, "--name", "caller", "--sip-uri", f"sip:bot@{PLATFORM}")
    return run(installed, *words, *options)


def another_tenant(installed: Installation, gateway: str) -> tuple[str, str, str]:
    """A tenant with a number that calls through the gateway: reference, the number, and a way to its phone."""
    reference = fresh_number()
    cordboard(installed.server.data, "tenant", "create", "Other", "--reference", reference)
    key = cordboard(installed.server.data, "key", "create", "--tenant", reference).stdout.strip()
    body = {"phone_number": fresh_number(), "outbound_config": {"termination_uri": gateway}}
    _, phone = call("POST", f"{installed.server.url}/v1/phone/import", key, body)
    return reference, phone["number"], f"{key} {installed.server.url}/v1/phone/{phone['id']}"


def patch(way: str, body: Any) -> tuple[int, Any]:
    key, url = way.split()
    return call("PATCH", url, key, body)


def test_the_password_that_is_printed_places_calls_and_goes_on_with_the_next_version(
    installed: Installation, carrier: Agent, platform: Phone
) -> None:
    made = new_agent(installed, "Acme", "--username", "bot-1")
    login = ("bot-1", made["password"])
    assert installed.patch("", {"outbound_version_id": made["version_id"]}) == 200
    run(installed, "trunk", "update", installed.number, "--gateway", carrier.at)

    def status(credentials: tuple[str, str] | None) -> int:
        placed = platform.call(installed.sip, CALLED, caller=installed.number, credentials=credentials)
        if placed.status == 200:
            placed.hang_up()
        return placed.status

    assert (status(login), status(None), status(("bot-1", "guess"))) == (200, 407, 407)
    version = ("agent", "version", "create", "--agent", made["agent_id"], "--sip-uri", f"sip:bot@{PLATFORM}")
    publish = ("agent", "version", "publish", "--agent", made["agent_id"], "--version")
    run(installed, *publish, run(installed, *version)["version_id"])
    assert status(login) == 200
    changed = run(installed, *version, "--username", "bot-1")
    run(installed, *publish, changed["version_id"])
    assert (status(login), status(("bot-1", changed["password"]))) == (407, 200)
    by_address = run(installed, *version, "--no-username", "--from-address", PLATFORM)
    run(installed, *publish, by_address["version_id"])
    assert status(None) == 200
    run(installed, *publish, made["version_id"])  # its address is another agent's to have again


def test_gateways_are_tried_in_the_order_that_the_command_gave(
    installed: Installation, carrier: Agent, platform: Phone
) -> None:
    made = new_agent(installed, "Acme", "--username", "bot-2")
    login = ("bot-2", made["password"])
    assert installed.patch("", {"outbound_version_id": made["version_id"]}) == 200
    with Agent("127.0.1.8", name="broken") as broken:
        broken.ringing = False
        broken.answers = lambda invite: (503, "")  # type: ignore[method-assign]
        gateways = ("--gateway", f"{broken.at};transport=udp", "--gateway", carrier.at)
        run(installed, "trunk", "update", installed.number, *gateways)
        placed = platform.call(installed.sip, CALLED, caller=installed.number, credentials=login)
        assert placed.status == 200
        assert (len(broken.calls), len(carrier.calls)) == (1, 1)
        placed.hang_up()
        run(installed, "trunk", "update", installed.number, "--gateway", carrier.at, "--gateway", broken.at)
        placed = platform.call(installed.sip, CALLED, caller=installed.number, credentials=login)
        assert (placed.status, len(broken.calls), len(carrier.calls)) == (200, 1, 2)
        placed.hang_up()
    run(installed, "trunk", "update", installed.number, "--no-gateway")
    assert platform.call(installed.sip, CALLED, caller=installed.number, credentials=login).status == 480


def test_two_tenants_at_one_platform_need_credentials_and_show_their_own_numbers_alone(
    installed: Installation, carrier: Agent, platform: Phone
) -> None:
    ours = new_agent(installed, "Acme", "--from-address", PLATFORM)
    other, number, way = another_tenant(installed, carrier.at)
    words = ("agent", "create", "--tenant", other, "--name", "x", "--sip-uri", f"sip:bot@{PLATFORM}")
    refused = cordboard(installed.server.data, *words, "--from-address", "127.0.2.0/24", ok=False)
    assert refused.returncode == 1
    assert "shared-address" in refused.stderr
    assert refused.stderr.strip().endswith("use credentials")

    theirs = new_agent(installed, other, "--username", "bot-3", "--from-address", PLATFORM)
    login = ("bot-3", theirs["password"])
    assert patch(way, {"outbound_version_id": theirs["version_id"]})[0] == 200
    assert installed.patch("", {"outbound_version_id": ours["version_id"]}) == 200
    run(installed, "trunk", "update", installed.number, "--gateway", carrier.at)
    for caller, credentials, status in (
        (installed.number, None, 200),
        (number, login, 200),
        (number, None, 407),
        (number, ("bot-3", "guess"), 407),
    ):
        placed = platform.call(installed.sip, CALLED, caller=caller, credentials=credentials)
        assert placed.status == status, (caller, credentials)
        if status == 200:
            placed.hang_up()
    elsewhere = Phone("127.0.2.12")
    with elsewhere:
        assert elsewhere.call(installed.sip, CALLED, caller=installed.number).status == 403
        assert elsewhere.call(installed.sip, CALLED, caller=number, credentials=login).status == 403


def test_an_agent_is_sent_its_header_fields(installed: Installation, platform: Phone) -> None:
    with Agent("127.0.2.13") as bot, Phone("127.0.1.1") as carrier:
        words = ("agent", "create", "--tenant", "Acme", "--name", "x", "--sip-uri", f"sip:bot@{bot.at}")
        made = run(installed, *words, "--header", "X-Routing: sales; $ru 'x' \"y\"", "--header", "X-Team: ä")
        assert installed.patch("", {"inbound_version_id": made["version_id"]}) == 200
        placed = installed.call(carrier)
        assert placed.status == 200
        placed.hang_up()
        (invite,) = bot.calls
        assert invite.get("X-Routing") == "sales; $ru 'x' \"y\""
        assert invite.get("X-Team") == "ä"


OFFER = (
    "v=0\r\no=- 1 1 IN IP4 127.0.1.1\r\ns=-\r\nc=IN IP4 127.0.1.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 9 96 101\r\n"
    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:9 G722/8000\r\na=rtpmap:96 opus/48000/2\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n"
)


@pytest.mark.parametrize(
    ("codecs", "offered"),
    [
        ((), "0 8 9 96 101"),
        (("PCMA", "telephone-event"), "8 101"),
        (("PCMA",), "8 101"),  # digits are never lost
        # digits at the clock rate of each codec: rtpengine adds those for opus
        (("opus", "G722", "telephone-event", "PCMU"), "96 9 0 97 101"),
        # what the caller does not have is transcoded, if the agent wants nothing that it has
        (("G729",), "18 101"),
        (("G729", "PCMA"), "8 18 101"),
    ],
)
def test_an_agent_is_offered_its_codecs_alone_in_its_order(
    installed: Installation, codecs: tuple[str, ...], offered: str
) -> None:
    with Agent("127.0.2.14") as bot, Phone("127.0.1.1") as carrier:
        words = ("agent", "create", "--tenant", "Acme", "--name", "x", "--sip-uri", f"sip:bot@{bot.at}")
        made = run(installed, *words, *(word for codec in codecs for word in ("--codec", codec)))
        assert installed.patch("", {"inbound_version_id": made["version_id"]}) == 200
        placed = carrier.call(installed.sip, installed.number, body=OFFER)
        assert placed.status == 200
        placed.hang_up()
        (invite,) = bot.calls
        (stream,) = re.findall(r"m=audio \d+ RTP/AVP (.*)\r\n", invite.body)
        assert stream == offered


def test_no_password_is_in_any_log(installed: Installation) -> None:
    made = new_agent(installed, "Acme", "--username", "bot-9", "--auth-username", "u", "--auth-password", "very-secret")
    for log in installed.server.data.glob("*.log"):
        text = log.read_text(errors="replace")
        assert made["password"] not in text, log
        assert "very-secret" not in text, log
