"""Calls by trunks of Nebrija's API, on a whole installation: what a request changed, the next call meets."""

import json
from typing import Any

import pytest

from tests.calls.phone import Agent, Phone
from tests.processes import call, cordboard
from tests.serve.installations import Installation

pytestmark = pytest.mark.calls

CALLED = "+15125550100"


def ask(installed: Installation, method: str, path: str, body: Any = None) -> Any:
    """The body of an answer that must be a success."""
    status, answer = call(method, f"{installed.server.url}/api/v1{path}", installed.key, body)
    assert status in (200, 201, 204), answer
    return answer


def gateway(agent: Agent) -> dict[str, Any]:
    host, port = agent.address
    return {"ipOrDomain": host, "port": port}


def caller(installed: Installation) -> None:
    """An agent at 127.0.2.9 may show the installation's number."""
    arguments = ("--tenant", "Acme", "--name", "caller", "--sip-uri", "sip:bot@127.0.2.9")
    made = cordboard(installed.server.data, "agent", "create", *arguments, "--from-address", "127.0.2.9")
    assert installed.patch("", {"outbound_version_id": json.loads(made.stdout)["version_id"]}) == 200


@pytest.mark.proves("nebrija: the same trunk in Diga's words", "nebrija: PATCH /phone-numbers/:id")
def test_the_next_call_goes_where_either_dialect_has_put_the_trunk(installed: Installation) -> None:
    caller(installed)
    with Agent("127.0.1.7") as first, Agent("127.0.1.8") as second, Phone("127.0.2.9") as bot:

        def called() -> int:
            made = bot.call(installed.sip, CALLED, caller=installed.number)
            if made.status == 200:
                made.hang_up()
            return made.status

        first.wants = ("acme", "s3cret of the carrier")
        body = {
            "name": "Main office",
            "gateways": [gateway(first)],
            "authentication": {"username": first.wants[0], "password": first.wants[1]},
        }
        trunk = ask(installed, "POST", "/sip-trunks", body)["id"]
        ask(installed, "PATCH", f"/phone-numbers/{installed.phone}", {"sipTrunkId": trunk})
        assert (called(), len(first.calls), len(second.calls)) == (200, 1, 0)
        # masked and sent back, the password is still what the challenge is answered with
        shown = ask(installed, "GET", f"/sip-trunks/{trunk}")
        ask(installed, "PATCH", f"/sip-trunks/{trunk}", shown)
        assert (called(), len(first.calls)) == (200, 2)

        ask(installed, "PATCH", f"/sip-trunks/{trunk}", {"gateways": [gateway(second)]})
        assert (called(), len(first.calls), len(second.calls)) == (200, 2, 1)
        assert installed.patch("/sip-config", {"outbound_config": {"termination_uri": first.at}}) == 200
        assert (called(), len(first.calls), len(second.calls)) == (200, 3, 1)

        ask(installed, "DELETE", f"/sip-trunks/{trunk}")
        assert (called(), len(first.calls), len(second.calls)) == (403, 3, 1)


@pytest.mark.proves("nebrija: system trunks")
def test_a_system_trunk_carries_the_number_of_a_tenant(installed: Installation) -> None:
    caller(installed)
    with Agent("127.0.1.7") as carrier, Phone("127.0.2.9") as bot:
        arguments = ("--system", "--name", "Everybody's", "--gateway", carrier.at)
        made = cordboard(installed.server.data, "trunk", "create", *arguments, "--json")
        trunk = json.loads(made.stdout)["id"]
        ask(installed, "PATCH", f"/phone-numbers/{installed.phone}", {"sipTrunkId": trunk})
        placed = bot.call(installed.sip, CALLED, caller=installed.number)
        assert (placed.status, len(carrier.calls)) == (200, 1)
        placed.hang_up()


@pytest.mark.proves("nebrija: number assistantId", "nebrija: advanced.allowedAddresses")
def test_an_assistant_answers_whom_the_trunk_lets_in(installed: Installation) -> None:
    trunk = ask(installed, "POST", "/sip-trunks", {"name": "x", "gateways": [{"ipOrDomain": "127.0.1.7"}]})["id"]
    agents = json.loads(cordboard(installed.server.data, "agent", "list", "--tenant", "Acme", "--json").stdout)
    agent = next(each for each in agents["data"] if each["name"] == installed.agents[0].address[0])
    body = {"sipTrunkId": trunk, "inbound": {"assistantId": agent["agent_id"]}}
    ask(installed, "PATCH", f"/phone-numbers/{installed.phone}", body)
    with Phone("127.0.1.1") as carrier, Phone("127.0.1.9") as stranger:
        for allowed, statuses in ((["127.0.1.1"], (200, 403)), (["127.0.1.9"], (403, 200)), (None, (200, 200))):
            ask(installed, "PATCH", f"/sip-trunks/{trunk}", {"advanced": {"allowedAddresses": allowed}})
            for phone, status in zip((carrier, stranger), statuses, strict=True):
                made = installed.call(phone)
                assert made.status == status, (allowed, phone)
                if status == 200:
                    made.hang_up()
        ask(installed, "DELETE", f"/sip-trunks/{trunk}")
        assert installed.call(carrier).status == 480
