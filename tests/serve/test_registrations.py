"""Registrations as an operator's client sees them, on both stores: true to the second."""

import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.calls.accounts import register
from tests.calls.edges import EDGE_ADDRESS, data_directory, free_port
from tests.calls.phone import Address, Phone
from tests.calls.standing import until
from tests.processes import Server, call_as_operator, cordboard, serving

pytestmark = pytest.mark.calls

FIGURES = "/cordboard/v1/figures"
ACCOUNTS = "/api/rest/public/operator/sip_device_routes"


@dataclass
class Registering:
    """A running server, an operator's credentials, and one account."""

    server: Server
    #: Read by `register` as of an edge.
    sip: Address
    login: str
    id: str
    username: str
    password: str

    def request(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        return call_as_operator(method, self.server.url + path, self.login, body)

    def shown(self) -> tuple[bool, str | None]:
        """`is_online` and `user_agent`."""
        status, document = self.request("GET", f"{ACCOUNTS}/{self.id}")
        assert status == 200, document
        return document["data"]["attributes"]["is_online"], document["data"]["attributes"]["user_agent"]

    def patch(self, **attributes: Any) -> Any:
        body = {"data": {"id": self.id, "type": "sip_device_routes", "attributes": attributes}}
        status, document = self.request("PATCH", f"{ACCOUNTS}/{self.id}", body)
        assert status == 200, document
        return document["data"]["attributes"]

    def registers(self, phone: Phone, **options: Any) -> int:
        answer = register(phone, self, self.username, password=self.password, **options)  # type: ignore[arg-type]
        assert answer.status is not None
        return answer.status


@pytest.fixture(params=["sqlite", "postgresql"])
def registering(request: pytest.FixtureRequest) -> Iterator[Registering]:
    sip = (EDGE_ADDRESS, free_port())
    environment = {"CORDBOARD_REGISTER_MIN_SECONDS": "1"}
    if request.param == "postgresql":
        environment["CORDBOARD_DATABASE_URL"] = request.getfixturevalue("postgres_url")
    with (
        data_directory() as folder,
        serving(folder / "data", "--sip-listen", f"{sip[0]}:{sip[1]}", environment=environment) as server,
    ):
        login = cordboard(server.data, "operator", "create", "op").stdout.strip()
        cordboard(server.data, "tenant", "create", "Acme", "--operator", "op")
        made = json.loads(cordboard(server.data, "account", "create", "--tenant", "Acme").stdout)
        yield Registering(
            server=server,
            sip=sip,
            login=login,
            id=made["id"],
            username=made["username"],
            password=made["password"],
        )


@pytest.fixture
def phone() -> Iterator[Phone]:
    with Phone("127.0.3.1") as made:
        yield made


@pytest.mark.proves("is_online", "user_agent")
def test_a_phone_is_seen_online_with_its_name_until_it_leaves(registering: Registering, phone: Phone) -> None:
    assert registering.shown() == (False, None)
    assert registering.registers(phone) == 200
    assert registering.shown() == (True, "test phone/1.0")
    _, listed = registering.request("GET", ACCOUNTS)
    assert [each["attributes"]["is_online"] for each in listed["data"]] == [True]
    assert registering.registers(phone, expires=0) == 200
    assert registering.shown() == (False, None)


@pytest.mark.proves("is_online")
def test_a_registration_that_runs_out_is_gone_within_a_second(registering: Registering, phone: Phone) -> None:
    assert registering.registers(phone, expires=2) == 200
    assert registering.shown()[0]
    time.sleep(3)
    assert registering.shown() == (False, None)


@pytest.mark.proves("use_allowed_ips", "allowed_ips")
def test_whoever_is_allowed_no_longer_is_offline_when_the_change_is_answered(
    registering: Registering, phone: Phone
) -> None:
    assert registering.registers(phone) == 200
    changed = registering.patch(use_allowed_ips="true", allowed_ips="127.0.3.2")
    assert (changed["use_allowed_ips"], changed["allowed_ips"]) == (True, "127.0.3.2/32")
    assert (changed["is_online"], changed["user_agent"]) == (False, None)
    assert registering.registers(phone) == 403
    assert not registering.patch(use_allowed_ips=False)["is_online"], "what was ended does not come back"
    assert registering.registers(phone) == 200
    assert registering.patch(use_allowed_ips=True, allowed_ips="127.0.3.0/24")["is_online"]


def test_who_is_registered_is_counted_in_the_figures(registering: Registering, phone: Phone) -> None:
    def counted() -> tuple[int, int]:
        status, figures = call_as_operator("GET", f"{registering.server.url}{FIGURES}", registering.login)
        assert status == 200, figures
        assert figures["registered"]["minutes"][-1]["count"] == figures["registered"]["now"]
        return figures["registered"]["now"], figures["registered"]["accounts"]

    assert counted() == (0, 1)
    assert registering.registers(phone) == 200
    assert until(lambda: counted() == (1, 1), 15)
    assert registering.registers(phone, expires=0) == 200
    assert until(lambda: counted() == (0, 1), 15)


def test_another_password_or_no_account_ends_registrations(registering: Registering, phone: Phone) -> None:
    assert registering.registers(phone) == 200
    cordboard(registering.server.data, "account", "update", registering.username, "--password", "another-one")
    assert registering.shown() == (False, None)
    registering.password = "another-one"
    assert registering.registers(phone) == 200
    assert registering.shown()[0]
    cordboard(registering.server.data, "account", "delete", registering.username, "--yes")
    assert registering.registers(phone) == 401
    assert registering.request("GET", f"{ACCOUNTS}/{registering.id}")[0] == 404


@pytest.mark.proves("DELETE /customers/{id}")
def test_a_deleted_customer_s_phones_are_nobody_s(registering: Registering, phone: Phone) -> None:
    assert registering.registers(phone) == 200
    customers = ACCOUNTS.replace("sip_device_routes", "customers")
    (customer,) = registering.request("GET", customers)[1]["data"]
    assert registering.request("DELETE", f"{customers}/{customer['id']}") == (204, None)
    assert registering.registers(phone) == 401
    assert registering.request("GET", ACCOUNTS)[1]["data"] == []


def test_an_edge_that_comes_back_knows_who_is_registered(registering: Registering, phone: Phone) -> None:
    assert registering.registers(phone) == 200
    # until it is written down
    time.sleep(3)
    pid = int((registering.server.data / "edge" / "kamailio.pid").read_text())
    os.killpg(os.getpgid(pid), signal.SIGKILL)
    # it is answered all the while
    assert until(lambda: registering.shown() == (True, "test phone/1.0"), 15)


def test_a_change_while_the_edge_is_away_counts_when_it_is_back(registering: Registering, phone: Phone) -> None:
    assert registering.registers(phone) == 200
    time.sleep(3)
    pid = int((registering.server.data / "edge" / "kamailio.pid").read_text())
    os.killpg(os.getpgid(pid), signal.SIGKILL)
    registering.patch(use_allowed_ips=True, allowed_ips="127.0.3.2")
    registering.server.wait("/readyz")
    assert until(lambda: registering.registers(phone) == 403, 10)
    assert until(lambda: registering.shown() == (False, None), 5)


def test_what_became_of_an_account_can_be_read_and_is_told_as_events(registering: Registering, phone: Phone) -> None:
    data = registering.server.data
    assert registering.registers(phone) == 200
    assert registering.registers(phone, expires=0) == 200
    assert register(phone, registering, "nobody").status == 401  # type: ignore[arg-type]

    def history(*arguments: str) -> list[dict[str, Any]]:
        shown = cordboard(data, "account", "registrations", *arguments, "--json").stdout
        return [each for each in json.loads(shown)["data"] if each["what"] != "expired"]

    assert until(lambda: len(history()) == 3)
    gone, came = history(registering.username)
    assert (came["what"], came["bindings"], came["place"]) == ("registered", 1, f"udp:{phone.at}")
    assert (gone["what"], gone["account_id"]) == ("unregistered", registering.id)
    assert history(registering.id) == [gone, came] == history("--tenant", "Acme")
    (refused,) = history("nobody")
    assert (refused["reason"], refused["account_id"], refused["tenant_id"]) == ("unknown-username", None, None)
    told = json.loads(cordboard(data, "event", "list", "--type", "account.*", "--json").stdout)["data"]
    turns = [each for each in told if each["type"] in ("account.online", "account.offline")]
    assert [(each["type"], each["data"]["account_id"]) for each in turns][:2] == [
        ("account.offline", registering.id),
        ("account.online", registering.id),
    ]
