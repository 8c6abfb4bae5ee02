"""What the edge knows, read and changed by command: which gateways answer, and who is banned."""

import json
import time
from collections.abc import Iterator

import pytest

from tests.calls.phone import Agent, Phone
from tests.calls.registrar import Registrar
from tests.calls.standing import until
from tests.calls.test_guarding import options
from tests.processes import cordboard
from tests.serve.installations import Installation, installation

pytestmark = pytest.mark.calls


@pytest.fixture(scope="module")
def installed() -> Iterator[Installation]:
    with installation(CORDBOARD_PROBE_SECONDS="1") as made:
        yield made


def heard(phone: Phone, installed: Installation) -> bool:
    count = time.monotonic_ns()
    asked = options(phone.address[0], phone.address[1], count).replace(b"sip:x@", b"sip:", 1)
    phone.send(asked, installed.sip)
    return phone.wait(lambda m: m.get("Call-ID").startswith(f"{count}@"), 0.5) is not None


def test_an_address_is_banned_and_heard_again_by_command(installed: Installation) -> None:
    data = installed.server.data
    with Phone("127.0.9.50") as source:
        assert heard(source, installed)
        cordboard(data, "ban", "add", "127.0.9.50")
        assert not heard(source, installed)
        (ban,) = json.loads(cordboard(data, "ban", "list", "--json").stdout)["data"]
        assert (ban["address"], ban["reason"]) == ("127.0.9.50", "by-hand")
        assert ban["dropped"] >= 1
        assert "by-hand" in cordboard(data, "ban", "list").stdout
        cordboard(data, "ban", "remove", "127.0.9.50")
        assert heard(source, installed)
    again = cordboard(data, "ban", "remove", "127.0.9.50", ok=False)
    assert again.returncode == 1
    assert "not banned" in again.stderr


def test_a_trunks_gateways_are_shown_with_what_they_answered(installed: Installation) -> None:
    data = installed.server.data
    with Agent("127.0.1.21") as gateway, Phone("127.0.1.22") as deaf:
        update = ("trunk", "update", installed.number, "--gateway", gateway.at, "--gateway", deaf.at)
        cordboard(data, *update)
        assert gateway.wait(lambda m: m.method == "OPTIONS", 10)
        time.sleep(0.2)
        (told,) = json.loads(cordboard(data, "trunk", "health", installed.number, "--json").stdout)["data"]
        first, second = told["gateways"]
        assert (first["host"], first["state"], first["code"]) == (gateway.at, "up", 200)
        assert 0 < first["latency_ms"] < 1000
        assert second["state"] in ("unknown", "down")
        table = cordboard(data, "trunk", "health", "--tenant", "Acme").stdout
        assert gateway.at in table


def test_a_trunk_registers_by_command_and_says_how_that_stands(installed: Installation) -> None:
    data = installed.server.data
    with Registrar("127.0.1.23", name="carrier.example") as carrier:
        carrier.users = {"acme": "a secret of the carrier's"}
        login = ("--username", "acme", "--password", "a secret of the carrier's")
        cordboard(data, "trunk", "update", installed.number, "--gateway", carrier.at, *login, "--register")
        carrier.until_granted()
        time.sleep(0.2)
        (told,) = json.loads(cordboard(data, "trunk", "registrations", installed.number, "--json").stdout)["data"]
        (shown,) = told["gateways"]
        assert (shown["host"], shown["state"], shown["code"], shown["reason"]) == (carrier.at, "registered", 200, "OK")
        assert shown["since"] < shown["next_attempt_at"] < shown["expires_at"]
        table = cordboard(data, "trunk", "registrations", "--tenant", "Acme").stdout
        assert carrier.at in table
        assert "secret" not in table
        cordboard(data, "trunk", "update", installed.number, "--no-register")
        assert carrier.until_granted(2)[1].expires == 0
        assert "off" in cordboard(data, "trunk", "registrations", installed.number).stdout

        def past() -> list[tuple[str, int | None]]:
            told = cordboard(data, "trunk", "registrations", installed.number, "--history", "--json").stdout
            return [(each["what"], each["code"]) for each in json.loads(told)["data"]]

        until(lambda: len(past()) == 2)
        assert past() == [("unregistered", 200), ("registered", 200)]
        assert carrier.at in cordboard(data, "trunk", "registrations", installed.number, "--history").stdout
