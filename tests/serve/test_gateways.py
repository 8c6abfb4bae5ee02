"""A trunk's gateways as an operator sets them: shares, failover by response, and calls by a registration's Contact."""

import contextlib
import json
from collections.abc import Iterator

import pytest

from tests.calls.phone import Agent, Phone
from tests.calls.registrar import Registrar
from tests.processes import cordboard
from tests.serve.installations import Installation, installation

pytestmark = pytest.mark.calls

CALLED = "+15125550100"


@pytest.fixture(scope="module")
def installed() -> Iterator[Installation]:
    with installation() as made:
        yield made


def test_gateways_of_one_priority_share_calls_and_a_named_response_leads_on(installed: Installation) -> None:
    data = installed.server.data
    arguments = ("--tenant", "Acme", "--name", "caller", "--sip-uri", "sip:bot@127.0.2.9")
    made = cordboard(data, "agent", "create", *arguments, "--from-address", "127.0.2.9")
    assert installed.patch("", {"outbound_version_id": json.loads(made.stdout)["version_id"]}) == 200
    with contextlib.ExitStack() as stack:
        first, second, last = (stack.enter_context(Agent(f"127.0.1.{i}")) for i in (31, 32, 33))
        bot = stack.enter_context(Phone("127.0.2.9"))
        for gateway in (first, second):
            gateway.ringing = False
        places = (f"{first.at};priority=5", f"{second.at};priority=5;weight=1", f"{last.at};priority=7")
        options = [word for place in places for word in ("--gateway", place)]
        cordboard(data, "trunk", "update", installed.number, *options, "--failover-code", "404")
        for _ in range(20):
            call = bot.call(installed.sip, CALLED, caller=installed.number)
            assert (call.status, call.hang_up()) == (200, 200)
        assert len(first.calls) + len(second.calls) == 20
        # all of 20 at one of two comes about twice in a million
        assert first.calls
        assert second.calls
        for gateway in (first, second):
            gateway.answers = lambda invite: (404, "")
        call = bot.call(installed.sip, CALLED, caller=installed.number)
        assert call.status == 200
        assert len(last.calls) == 1
        assert call.hang_up() == 200


def test_a_carrier_that_knows_us_by_our_registration_reaches_the_number_s_agent(installed: Installation) -> None:
    data = installed.server.data
    installed.assign(0)
    with Registrar("127.0.1.34", name="carrier.example") as carrier:
        carrier.users = {"acme": "the carrier's secret"}
        login = ("--username", "acme", "--password", "the carrier's secret")
        addresses = ("--allowed-address", "127.0.1.34")
        cordboard(data, "trunk", "update", installed.number, "--gateway", carrier.at, *login, *addresses, "--register")
        contact = carrier.until_granted()[0].contact.removeprefix("sip:").partition("@")[0]
        call = carrier.call(installed.sip, contact, to=f"sip:{installed.number}@carrier.example")
        assert call.status == 200
        assert len(installed.agents[0].calls) == 1
        assert call.hang_up() == 200
        assert carrier.call(installed.sip, contact, to="sip:+15125550199@carrier.example").status == 404
        trunk = json.loads(cordboard(data, "trunk", "show", installed.number, "--json").stdout)
        cordboard(data, "trunk", "delete", trunk["id"], "--yes")
        assert carrier.until_granted(2)[1].expires == 0
        assert carrier.call(installed.sip, contact, to=f"sip:{installed.number}@carrier.example").status != 200
