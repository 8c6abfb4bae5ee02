"""The console's pages of SIP accounts."""

from types import SimpleNamespace
from typing import Any

import pytest

from tests.builders import fresh_number
from tests.calls.accounts import register
from tests.calls.phone import Phone
from tests.console.conftest import Customer, NewPerson
from tests.console.person import Person
from tests.processes import call, cordboard

pytestmark = [pytest.mark.slow, pytest.mark.calls]


def test_an_account_is_made_changed_and_deleted(customer: Customer, member: Person) -> None:
    number = fresh_number()
    customer.done("POST", f"/tenants/{customer.id}/numbers", {"number": number})
    member.open("/accounts")
    assert "no SIP accounts yet" in member.text
    member.follow("Make a SIP account")
    member.is_sound("account-new")
    member.page.get_by_label("It registers and calls from these addresses alone").check()
    member.fill(internal_caller_id="0101")
    member.follow("Create account")
    for name in ("allowed_ips", "internal_caller_id"):
        assert member.page.locator(f"[name={name}]").get_attribute("aria-invalid") == "true", name
    member.page.get_by_label("It registers and calls from these addresses alone").uncheck()
    member.fill(caller_id_name="Front desk", internal_caller_id="101", external_caller_id=f"{number[:4]} {number[4:]}")
    member.page.get_by_label("It may call outside").check()
    member.page.get_by_label("In, from outside").check()
    member.follow("Create account")
    (made,) = customer.done("GET", "/accounts")["data"]
    password = member.page.locator("#secret").inner_text()
    assert len(password) >= 8
    assert made["username"] in member.text
    member.is_sound("account-password")
    member.follow("Done")
    assert password not in member.page.content()
    assert (made["internal_caller_id"], made["external_caller_id"]) == (101, int(number[1:]))
    assert (made["allow_external_calls"], made["record"]) == (True, ["incoming-external"])
    member.follow("Change")
    member.fill(caller_id_name="Back desk", allowed_ips="127.0.3.0/24")
    member.page.get_by_label("It registers and calls from these addresses alone").check()
    member.follow("Save")
    assert "127.0.3.0/24" in member.text
    member.follow("Delete")
    member.follow(f"Delete {made['username']}")
    assert "no SIP accounts yet" in member.text


def test_a_phone_that_registers_is_seen_and_so_is_what_was_before(customer: Customer, member: Person) -> None:
    made = customer.done("POST", f"/tenants/{customer.id}/accounts", {"caller_id_name": "Front desk"})
    (edge,) = customer.done("GET", "/edges")["data"]
    host, port = next(each for each in edge["signalling"] if "udp" in each).removeprefix("udp:").rsplit(":", 1)
    sip: Any = SimpleNamespace(sip=(host, int(port)))
    with Phone("127.0.3.1", name="desk") as phone:
        assert register(phone, sip, made["username"], password=made["password"]).status == 200
        member.open("/accounts")
        assert member.page.get_by_text("online", exact=True).count() == 1
        member.is_sound("accounts")
        member.follow(made["username"])
        assert "127.0.3.1" in member.text
        member.is_sound("account")


def test_the_button_is_locked_with_the_reason_when_the_limit_is_reached(
    customer: Customer, admin_token: str, new_person: NewPerson
) -> None:
    server = customer.server
    name, _, password = (
        cordboard(server.data, "operator", "create", f"op-{customer.id[:8]}").stdout.strip().partition(":")
    )
    url = f"{server.url}/cordboard/v1"
    operators = call("GET", f"{url}/operators?ref={name}", admin_token)[1]["data"]
    tenant = {"name": f"Limited {customer.id[:8]}", "operator_id": operators[0]["id"], "account_limit": 1}
    made = call("POST", f"{url}/tenants", admin_token, tenant)[1]
    person = new_person()
    person.log_in(password, name)
    person.open(f"/accounts/new?tenant={made['id']}")
    # somebody else is faster
    call("POST", f"{url}/tenants/{made['id']}/accounts", admin_token, {"username": f"first-{made['id'][:8]}"})
    person.fill(caller_id_name="Front desk")
    person.follow("Create account")
    assert "limit of 1 SIP account" in person.text
    assert person.page.locator("[name=caller_id_name]").input_value() == "Front desk"
    person.open(f"/accounts?tenant={made['id']}")
    assert person.page.get_by_role("link", name="New SIP account").count() == 0
    button = person.page.get_by_role("button", name="New SIP account")
    assert button.get_attribute("aria-disabled") == "true"
    assert "1 account in all." in person.text
    why = person.page.locator(f"#{button.get_attribute('aria-describedby')}")
    assert "limit of 1 SIP account" in why.inner_text()
    person.is_sound("accounts-locked", documented=True)
    person.follow(f"first-{made['id'][:8]}")
    person.follow("Delete")
    person.follow(f"Delete first-{made['id'][:8]}")
    assert person.page.get_by_role("link", name="New SIP account").count() == 1
