"""The console's first page: numbers and pictures of now, which renew themselves."""

import math
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from cordboard.domain.times import to_wire
from tests.builders import fresh_number
from tests.calls.phone import Agent, Phone
from tests.calls.standing import until
from tests.console.conftest import Customer, NewPerson
from tests.console.person import Person
from tests.processes import Server, call, cordboard

pytestmark = [pytest.mark.slow, pytest.mark.calls]


def edge_at(customer: Customer) -> tuple[str, int]:
    (edge,) = customer.done("GET", "/edges")["data"]
    _, host, port = edge["signalling"][0].split(":")
    return host, int(port)


def an_hour_of_calls(customer: Customer) -> None:
    """The counts of an hour that nobody wants to wait for, as they are taken in."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    minutes = [(to_wire(now - timedelta(minutes=back)), back) for back in range(1, 60)]
    with closing(sqlite3.connect(customer.server.data / "store.sqlite", timeout=10)) as store, store:
        for at, back in minutes:
            calls = round(14 + 9 * math.sin(back / 7) + back % 3)
            refusals = {"source-not-allowed": 6 if 20 < back < 24 else back % 7 // 5, "no-agent": back % 5 // 4}
            refused = sum(refusals.values())
            store.execute(
                "insert or replace into tally (owner, at, calls, answered, failed, refused) values (?,?,?,?,?,?)",
                (customer.id, at, calls, calls - 2, 2, refused),
            )
            # one came, one went, and so on
            store.execute(
                "update tally set registered = ? where owner = ? and at = ?",
                ({50: 1, 35: 1, 20: -1, 5: 1}.get(back, 0), customer.id, at),
            )
            for reason, count in refusals.items():
                store.execute("insert into refusal_tally values (?,?,?,?)", (customer.id, at, reason, count))
        store.execute("insert into registered values ('elsewhere', ?, 2)", (customer.id,))


def test_a_new_customer_is_told_what_to_do_first(customer: Customer, member: Person) -> None:
    member.open("/")
    assert "To take the first call" in member.text
    member.is_sound("overview-empty")
    member.follow("Make an agent")
    assert member.path == "/agents/new"


def test_the_pictures_show_real_calls_a_moment_later_and_nobody_loses_the_place(
    customer: Customer, member: Person
) -> None:
    number = fresh_number()
    with Agent("127.0.2.41") as bot, Phone("127.0.1.41") as carrier:
        agent = customer.done(
            "POST", f"/tenants/{customer.id}/agents", {"name": "Anna", "sip_uri": f"sip:anna@{bot.at}"}
        )
        trunk = {"name": "Carrier", "gateways": [{"host": "127.0.1.41"}], "allowed_addresses": ["127.0.1.41"]}
        made = customer.done("POST", "/trunks", trunk)
        for newer in range(6):
            customer.done(
                "POST", "/trunks", {"name": f"Inbound {newer}", "allowed_addresses": [f"127.0.3.{newer + 1}"]}
            )
        imported = customer.done("POST", f"/tenants/{customer.id}/numbers", {"number": number, "trunk_id": made["id"]})
        for _ in range(3):
            customer.done("POST", f"/tenants/{customer.id}/accounts", {})
        an_hour_of_calls(customer)
        member.open("/")
        assert "2 of 3" in member.page.locator(".tiles").inner_text()
        live = member.page.locator("#live-calls")
        assert live.inner_text() == "0"
        member.page.locator("summary").click()
        assert carrier.call(edge_at(customer), number).status == 480
        customer.done("PATCH", f"/numbers/{imported['id']}", {"inbound_agent_id": agent["agent_id"]})
        call = carrier.call(edge_at(customer), number)
        assert call.status == 200
        assert until(lambda: live.inner_text() == "1", 15)
        assert until(lambda: "no agent" in member.page.locator("#reasons").inner_text(), 5)
        assert member.page.evaluate("document.activeElement.tagName") == "SUMMARY"
        newest = member.page.locator("#minutes tr").first
        assert newest.inner_text().split("\t")[1:] == ["1", "1", "0", "1", "2"]
        assert "127.0.1.41" in member.page.locator("#trunks").inner_text()
        member.is_sound("overview-table")
        member.page.locator("summary").click()
        member.is_sound("overview", documented=True)
        assert call.hang_up() == 200
        assert until(lambda: live.inner_text() == "0", 15)


def test_the_administrator_sees_the_whole_installation(admin: Person) -> None:
    admin.open("/")
    assert "ready" in admin.page.locator("#edges").inner_text()
    assert "The system's trunks" in admin.text
    admin.is_sound("overview-administrator")


def test_an_operator_sees_its_customers_together_and_one_by_one(
    server: Server, customer: Customer, admin_token: str, new_person: NewPerson
) -> None:
    name, _, password = (
        cordboard(server.data, "operator", "create", f"op-{customer.id[:8]}").stdout.strip().partition(":")
    )
    api = f"{server.url}/cordboard/v1"
    (operator,) = call("GET", f"{api}/operators?ref={name}", admin_token)[1]["data"]
    _, made = call("POST", f"{api}/tenants", admin_token, {"name": "Acme", "operator_id": operator["id"]})
    number = fresh_number()
    assert call("POST", f"{api}/tenants/{made['id']}/numbers", admin_token, {"number": number})[0] == 201
    person = new_person()
    person.log_in(password, name)
    refused = person.page.locator("#refused")
    assert refused.inner_text() == "0"
    with Phone("127.0.1.42") as carrier:
        assert carrier.call(edge_at(customer), number).status == 480
    assert until(lambda: refused.inner_text() == "1", 15)
    person.open(f"/?tenant={made['id']}")
    assert refused.inner_text() == "1"
    person.open(f"/?tenant={customer.id}", status=404)
