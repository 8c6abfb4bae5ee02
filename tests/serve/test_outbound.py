"""An agent's call through a whole installation: what the API was told is what the carrier sees."""

import json

import pytest

from tests.calls.phone import Agent, Phone
from tests.processes import call, cordboard
from tests.serve.installations import Installation

pytestmark = pytest.mark.calls

CALLED = "+15125550100"


def test_an_imported_number_places_calls_by_its_carriers_credentials(installed: Installation) -> None:
    """Import with the carrier's credentials, assign the agent, call: the carrier's challenge is answered."""
    created = cordboard(
        *(installed.server.data, "agent", "create", "--tenant", "Acme", "--name", "caller"),
        *("--sip-uri", "sip:bot@127.0.2.9", "--from-address", "127.0.2.9"),
    )
    version = json.loads(created.stdout)["version_id"]
    with Agent("127.0.1.7", name="carrier.example") as carrier, Phone("127.0.2.9") as bot:
        carrier.wants = ("acme", "s3cret of the carrier")
        outbound = {"termination_uri": carrier.at, "username": carrier.wants[0], "password": carrier.wants[1]}
        assert installed.patch("/sip-config", {"outbound_config": outbound}) == 200
        assert installed.patch("", {"outbound_version_id": version}) == 200
        made = bot.call(installed.sip, CALLED, caller=installed.number)
        assert made.status == 200
        assert carrier.calls[-1].first == f"INVITE sip:{CALLED}@{carrier.at} SIP/2.0"
        assert made.hang_up() == 200

        # a new password is what the next challenge is answered with
        carrier.wants = ("acme", "another")
        assert bot.call(installed.sip, CALLED, caller=installed.number).status == 503
        assert installed.patch("/sip-config", {"outbound_config": {"password": "another"}}) == 200
        made = bot.call(installed.sip, CALLED, caller=installed.number)
        assert made.status == 200
        made.hang_up()

        assert installed.patch("", {"outbound_version_id": None}) == 200
        assert bot.call(installed.sip, CALLED, caller=installed.number).status == 403


def test_no_secret_of_a_carrier_is_in_any_log(installed: Installation) -> None:
    for log in installed.server.data.glob("*.log"):
        assert "s3cret of the carrier" not in log.read_text(errors="replace"), log
    assert call("GET", f"{installed.server.url}/v1/phone/{installed.phone}", installed.key)[0] == 200
