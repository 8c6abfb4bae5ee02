"""The console's pages of trunks."""

import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from cordboard.domain.times import to_wire
from tests.builders import fresh_number
from tests.calls.phone import Agent, Phone
from tests.calls.standing import until
from tests.console.conftest import Customer, NewPerson
from tests.console.person import DESKTOP, Person
from tests.processes import call
from tests.serve.installations import installation

pytestmark = [pytest.mark.slow, pytest.mark.calls]


def test_a_trunk_is_made_changed_and_deleted(customer: Customer, member: Person) -> None:
    member.open("/trunks")
    assert "no trunks yet" in member.text
    member.is_sound("trunks-empty")
    member.follow("New trunk")
    member.is_sound("trunk-new")
    member.fill(
        name="Carrier",
        gateways="127.0.1.1:5080;transport=tcp;priority=1\n127.0.1.2;priority=2",
        username="cord",
        password="not-to-be-shown",
        allowed_addresses="127.0.1.0/24",
    )
    member.page.get_by_text("Limits", exact=True).click()
    member.fill(options__max_calls="30", options__destinations="+34\n+44")
    member.follow("Create trunk")
    assert "Carrier is there." in member.text
    assert "not-to-be-shown" not in member.page.content()
    (trunk,) = customer.done("GET", "/trunks")["data"]
    assert [(g["host"], g["port"], g["transport"], g["priority"]) for g in trunk["gateways"]] == [
        ("127.0.1.1", 5080, "tcp", 1),
        ("127.0.1.2", None, None, 2),
    ]
    assert (trunk["has_password"], trunk["options"]["max_calls"]) == (True, 30)
    customer.done("POST", f"/tenants/{customer.id}/numbers", {"number": fresh_number(), "trunk_id": trunk["id"]})
    member.open(f"/trunks/{trunk['id']}")
    member.page.get_by_text("private network").wait_for()
    member.is_sound("trunk", documented=True)

    customer.done("PATCH", f"/trunks/{trunk['id']}", {"options": {**trunk["options"], "registration": {"expires": 90}}})
    member.follow("Change")
    member.page.get_by_text("Registration", exact=True).click()
    member.page.get_by_label("Register at the gateways").uncheck()
    assert member.page.locator("[name=gateways]").input_value() == (
        "127.0.1.1:5080;transport=tcp;priority=1\n127.0.1.2;priority=2"
    )
    member.fill(name="Carrier two", username="")
    member.follow("Save")
    changed = customer.done("GET", f"/trunks/{trunk['id']}")
    kept = {key: trunk[key] for key in ("gateways", "options", "allowed_addresses", "media_in", "probe", "tls_verify")}
    assert {key: changed[key] for key in kept} == kept
    assert (changed["name"], changed["username"], changed["has_password"]) == ("Carrier two", None, False)
    assert list(customer.done("GET", "/trunks?health=true")["health"]) == [trunk["id"]]
    member.open("/trunks")
    member.is_sound("trunks")
    member.follow("Carrier two")
    member.follow("Delete")
    assert "1 number" in member.text
    member.follow("Delete Carrier two")
    assert "no trunks yet" in member.text


def test_a_gateway_that_goes_down_is_seen_at_once_with_its_time(browser: Browser, pictures: Path) -> None:
    """By an edge that asks every second."""
    with (
        installation(CORDBOARD_PROBE_SECONDS="1") as installed,
        Agent("127.0.1.61") as first,
        Agent("127.0.1.62") as second,
        browser.new_context(viewport=DESKTOP, reduced_motion="reduce") as context,  # type: ignore[arg-type]
    ):
        url = f"{installed.server.url}/cordboard/v1/trunks"
        gateways = [{"host": host, "port": port} for host, port in (first.address, second.address)]
        _, made = call("POST", url, installed.key, {"name": "Carrier", "gateways": gateways})
        spans = lambda: [  # noqa: E731
            [span["state"] for span in each["spans"]]
            for each in call("GET", f"{url}/{made['id']}/strip", installed.key)[1]["gateways"]
        ]
        assert until(lambda: spans() == [["up"], ["up"]], 15), spans()
        # the rest of the day, which nobody wants to wait for; a new one may never have answered
        with closing(sqlite3.connect(installed.server.data / "store.sqlite", timeout=10)) as store, store:
            ago = to_wire(datetime.now(UTC) - timedelta(hours=20))
            store.execute("update trunk set created_at = ? where id = ?", (ago, made["id"]))
        second.close()
        assert until(lambda: spans() == [["up"], ["up", "down"]], 30), spans()
        person = Person(page=context.new_page(), url=installed.server.url, pictures=pictures)
        person.log_in(installed.key)
        person.open(f"/trunks/{made['id']}")
        assert person.text.count("down since") == 1
        person.is_sound("trunk-down")
        person.open("/")
        assert "Of 1 trunk 1 is degraded." in person.text
        assert person.text.count("down since") == 1


def test_who_calls_and_is_not_let_in_is_let_in_by_one_click(customer: Customer, new_person: NewPerson) -> None:
    """Without scripts, too."""
    made = customer.done("POST", "/trunks", {"tenant_id": customer.id, "name": "C", "allowed_addresses": ["127.0.1.1"]})
    number = {"number": fresh_number(), "trunk_id": made["id"]}
    customer.done("POST", f"/tenants/{customer.id}/numbers", number)
    (edge,) = customer.done("GET", "/edges")["data"]
    host, port = next(each for each in edge["signalling"] if "udp" in each).removeprefix("udp:").rsplit(":", 1)
    with Phone("127.0.1.77", name="carrier") as carrier:
        assert carrier.call((host, int(port)), number["number"], caller="+15125550100").status == 403
    deadline = time.monotonic() + 10
    while not customer.done("GET", f"/trunks/{made['id']}/allow-list")["seen_but_not_allowed"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    person = new_person(scripts=False)
    person.log_in(customer.key)
    person.open(f"/trunks/{made['id']}")
    person.follow("Look at this list")
    assert "1 call" in person.text
    person.follow("Let 127.0.1.77 in")
    assert "Calls from 127.0.1.77 are let in." in person.text
    assert customer.done("GET", f"/trunks/{made['id']}")["allowed_addresses"] == ["127.0.1.1", "127.0.1.77"]


def test_what_is_wrong_with_a_list_of_addresses_is_said_in_the_forms_words(customer: Customer, member: Person) -> None:
    made = customer.done("POST", "/trunks", {"tenant_id": customer.id, "name": "C"})
    member.open(f"/trunks/{made['id']}/allow-list")
    assert "The list is empty: whoever finds out the number may call as the carrier. Name" in member.text
    assert "Name the carrier's addresses (“Calls from the carrier: Addresses”)" in member.text
    assert "--" not in member.text


def test_what_is_wrong_with_a_trunk_is_said_at_its_field(customer: Customer, member: Person) -> None:
    member.open("/trunks/new")
    member.fill(name="Carrier", gateways="127.0.1.1", password="anything", inbound_password="anything")
    member.page.get_by_text("Registration", exact=True).click()
    member.fill(options__registration__expires="600")
    member.follow("Create trunk")
    for name in ("username", "inbound_username", "options/registration/expires"):
        assert member.page.locator(f"[name='{name}']").get_attribute("aria-invalid") == "true", name
    member.open("/trunks/new")
    member.fill(name="Carrier", gateways="127.0.1.1\n127.0.1.2;transport=pigeon", allowed_addresses="nonsense")
    member.page.get_by_text("Limits", exact=True).click()
    member.fill(options__max_calls="many")
    member.follow("Create trunk")
    for name in ("gateways", "allowed_addresses", "options/max_calls"):
        field = member.page.locator(f"[name='{name}']")
        assert field.get_attribute("aria-invalid") == "true", name
        assert field.is_visible(), name
    assert member.page.locator("[name=gateways]").input_value() == "127.0.1.1\n127.0.1.2;transport=pigeon"
    assert "line 2:" in member.page.locator("#f-gateways-error").inner_text()
    member.is_sound("trunk-new-refused")
    assert customer.done("GET", "/trunks")["data"] == []


def test_the_system_s_trunks_are_shown_to_a_customer_and_changed_by_the_administrator(
    customer: Customer, admin: Person, new_person: NewPerson
) -> None:
    admin.open("/trunks")
    admin.follow("The system's trunks")
    admin.follow("New system trunk")
    admin.fill(name=f"System {customer.id[:8]}", gateways="127.0.1.9")
    admin.follow("Create trunk")
    member = new_person()
    member.log_in(customer.key)
    member.open("/trunks?system=yes")
    member.follow(f"System {customer.id[:8]}")
    for name in ("Change", "Delete"):
        assert member.page.get_by_role("link", name=name).count() == 0
    admin.follow("Delete")
    admin.follow(f"Delete System {customer.id[:8]}")
