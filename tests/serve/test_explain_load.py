"""What only a running edge knows, in explanations: limits, gateways, telephones."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from cordboard.engines.edge.rpc import Rpc
from tests.calls.accounts import register
from tests.calls.edges import running_as
from tests.calls.phone import Agent, Phone
from tests.processes import cordboard
from tests.serve.installations import Installation, installation

pytestmark = pytest.mark.calls

CALLED, THEIRS = "+15125550100", "+34600111222"


@pytest.fixture(scope="module")
def installed() -> Iterator[Installation]:
    with installation() as made:
        made.assign(0)
        yield made


def ask(installed: Installation, *words: str) -> Any:
    return json.loads(cordboard(installed.server.data, "explain", *words, "--json").stdout)


def comes_in(installed: Installation) -> Any:
    return ask(installed, "--from", THEIRS, "--to", installed.number, "--source", "127.0.1.1")


def goes_out(installed: Installation) -> Any:
    return ask(installed, "--from", installed.number, "--to", CALLED, "--source", "127.0.2.9")


def said(told: Any, rule: str) -> list[str]:
    return [step["found"] for step in told["steps"] if step["rule"] == rule]


def test_calls_at_once_are_counted_as_the_edge_counts_them(installed: Installation) -> None:
    cordboard(installed.server.data, "trunk", "update", installed.number, "--max-calls", "1")
    with Phone("127.0.1.1") as carrier:
        assert said(comes_in(installed), "calls-at-once") == ["0 of 1 stand"]
        first = carrier.call(installed.sip, installed.number, caller=THEIRS)
        assert first.status == 200
        told = comes_in(installed)
        assert (told["reason"], told["failed"]) == ("trunk-calls-at-once", "calls-at-once")
        assert said(told, "calls-at-once") == ["1 of 1 stand"]
        (command,) = told["remedies"][0]["commands"]
        assert command == f"cordboard trunk update {installed.number} --max-calls 2"
        assert carrier.call(installed.sip, installed.number, caller=THEIRS).status == 503
        cordboard(installed.server.data, *command.split()[1:])
        assert comes_in(installed)["accepted"]
        second = carrier.call(installed.sip, installed.number, caller=THEIRS)
        assert second.status == 200
        assert (first.hang_up(), second.hang_up()) == (200, 200)
    cordboard(installed.server.data, "trunk", "update", installed.number, "--default", "max_calls")


def test_outbound_limits_minutes_and_gateways_are_told(installed: Installation) -> None:
    words = ("--tenant", "Acme", "--name", "caller", "--sip-uri", "sip:bot@127.0.2.9", "--from-address", "127.0.2.9")
    made = json.loads(cordboard(installed.server.data, "agent", "create", *words).stdout)
    assert installed.patch("", {"outbound_version_id": made["version_id"]}) == 200
    with Agent("127.0.1.7") as gateway, Phone("127.0.2.9") as bot:
        limits = ("--gateway", gateway.at, "--max-minutes-per-day", "1")
        cordboard(installed.server.data, "trunk", "update", installed.number, *limits)
        call = bot.call(installed.sip, CALLED, caller=installed.number)
        assert call.status == 200
        told = goes_out(installed)
        assert told["accepted"]
        assert said(told, "minutes") == ["0 of 1 are used"]
        assert said(told, "calls-at-once") == ["1 of 100 stand", "1 of 300 stand"]
        assert gateway.at in said(told, "gateway-health")[0]
        assert call.hang_up() == 200
        # as if it had lasted for a minute
        day = int(time.time()) // 86400
        rpc(installed, "htable.seti", "spoken", f"{told['trunk_id']}::{day}", 60)
        told = goes_out(installed)
        assert (told["reason"], told["failed"]) == ("minutes-used-up", "minutes")
        assert bot.call(installed.sip, CALLED, caller=installed.number).status == 403


def rpc(installed: Installation, method: str, *params: str | int) -> None:
    """Ask Kamailio itself."""

    async def asked() -> None:
        here = Rpc(installed.server.data / "edge", running_as(), running_as()).open()
        try:
            await here.call(method, *params)
        finally:
            here.close()

    asyncio.run(asked())


def test_an_account_that_is_registered_nowhere_is_told_and_then_where_it_is(installed: Installation) -> None:
    made = json.loads(cordboard(installed.server.data, "account", "create", "--tenant", "Acme").stdout)
    cordboard(installed.server.data, "number", "assign", installed.number, "--account", made["username"])
    told = comes_in(installed)
    assert (told["code"], told["reason"], told["failed"]) == (480, "account-offline", "telephone")
    with Phone("127.0.3.1") as phone, Phone("127.0.1.1") as carrier:
        assert carrier.call(installed.sip, installed.number, caller=THEIRS).status == 480
        to = {"password": made["password"], "to": installed.sip}
        edge: Any = None
        assert register(phone, edge, made["username"], **to).status == 200
        told = comes_in(installed)
        assert told["accepted"]
        assert "127.0.3.1" in said(told, "telephone")[0]
    installed.assign(0)
