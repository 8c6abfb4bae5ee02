"""The console's pages of numbers."""

import pytest

from tests.builders import fresh_number
from tests.console.conftest import Customer
from tests.console.person import Person
from tests.processes import call

pytestmark = [pytest.mark.slow, pytest.mark.calls]


def test_a_number_is_imported_found_changed_and_released(customer: Customer, member: Person) -> None:
    agent = customer.done("POST", f"/tenants/{customer.id}/agents", {"name": "Anna", "sip_uri": "sip:a@127.0.2.1"})
    number = fresh_number()
    member.open("/numbers")
    assert "no numbers yet" in member.text
    member.is_sound("numbers-empty")
    member.follow("Import a number")
    member.fill(
        number=f"{number[:3]} {number[3:6]}-{number[6:]}", nickname="Front desk", allowed_addresses="127.0.1.0/24"
    )
    member.page.get_by_label("Calls are answered by").select_option("Anna")
    member.is_sound("number-import")
    member.follow("Import")
    assert f"{number} is imported." in member.text
    assert "127.0.1.0/24" in member.text
    member.is_sound("number")
    (made,) = customer.done("GET", "/numbers")["data"]
    assert (made["number"], made["nickname"]) == (number, "Front desk")
    assert made["inbound_agent_id"] == agent["agent_id"]

    member.open("/numbers")
    member.fill(prefix=number[1:6])
    member.page.get_by_label("Status").select_option("Assigned")
    member.page.get_by_label("Calls answered by").select_option("Anna")
    member.follow("Show")
    member.follow(number)
    member.follow("Change")
    member.fill(nickname="Back desk")
    member.page.get_by_label("Calls are answered by").select_option("Nobody")
    member.follow("Save")
    assert "Back desk" in member.text
    assert "no-agent" in member.text
    member.follow("Release")
    assert "No call is up on it." in member.text
    assert "the trunk of its own" in member.text
    member.is_sound("number-release")
    member.follow(f"Release {number}")
    assert f"{number} is released." in member.text
    assert customer.done("GET", "/numbers")["data"] == []


def test_numbers_are_found_by_how_they_begin_and_pages_go_on(customer: Customer, member: Person) -> None:
    trunk = customer.done("POST", "/trunks", {"tenant_id": customer.id, "name": "Carrier"})
    numbers = [fresh_number() for _ in range(51)]
    for number in numbers:
        customer.done("POST", f"/tenants/{customer.id}/numbers", {"number": number, "trunk_id": trunk["id"]})
    member.open("/numbers")
    assert member.page.locator("tbody tr").count() == 50
    member.is_sound("numbers")
    labels = member.page.locator(".filters label").all()
    assert len({round(box["y"]) for each in labels if (box := each.bounding_box())}) == 1
    member.follow("Next page")
    assert member.page.locator("tbody tr").count() == 1
    member.follow("First page")
    member.fill(prefix=f"{numbers[7][1:4]} {numbers[7][4:]}")
    member.follow("Show")
    assert member.page.locator("tbody th a").all_inner_texts() == [numbers[7]]
    member.fill(prefix="+34 000")
    member.follow("Show")
    assert "No number is like this." in member.text
    member.fill(prefix="+34?")
    member.follow("Show")
    assert member.page.locator("[name=prefix]").get_attribute("aria-invalid") == "true"
    assert member.page.locator("[name=prefix]").input_value() == "+34?"
    member.is_sound("numbers-refused")


def test_a_number_of_no_form_is_said_at_its_field_and_nothing_entered_is_lost(
    customer: Customer, member: Person
) -> None:
    member.open("/numbers/new")
    member.fill(number="12", nickname="Desk", allowed_addresses="nonsense", termination_uri="carrier.example")
    member.follow("Import")
    assert "Nothing was changed." in member.text
    for name in ("number", "allowed_addresses"):
        assert member.page.locator(f"[name={name}]").get_attribute("aria-invalid") == "true"
    assert member.page.locator("[name=nickname]").input_value() == "Desk"
    assert member.page.locator("[name=termination_uri]").input_value() == "carrier.example"
    assert customer.done("GET", "/numbers")["data"] == []


def test_what_a_key_may_not_do_with_numbers_is_not_offered(customer: Customer, onlooker: Person) -> None:
    made = customer.done("POST", f"/tenants/{customer.id}/numbers", {"number": fresh_number()})
    agent = customer.done("POST", f"/tenants/{customer.id}/agents", {"name": "Anna", "sip_uri": "sip:a@127.0.2.1"})
    customer.done("PATCH", f"/numbers/{made['id']}", {"inbound_agent_id": agent["agent_id"]})
    onlooker.open("/numbers")
    assert "Anna" in onlooker.text
    onlooker.every_way_is_open()
    assert onlooker.page.get_by_role("link", name="Import a number").count() == 0
    onlooker.follow(made["number"])
    assert made["number"] in onlooker.text
    onlooker.every_way_is_open()
    for name in ("Change", "Release"):
        assert onlooker.page.get_by_role("link", name=name).count() == 0


def test_a_platform_number_is_added_assigned_answered_by_an_account_and_released(
    customer: Customer, admin: Person
) -> None:
    account = customer.done("POST", f"/tenants/{customer.id}/accounts", {})
    number = fresh_number()
    admin.open("/numbers")
    admin.follow("Add a platform number")
    admin.fill(number=f"{number[:3]} ({number[3:6]}) {number[6:]}")
    admin.follow("Add number")
    assert "in the inventory" in admin.text
    admin.follow("Assign to a customer")
    admin.page.get_by_label("Customer").select_option(customer.name)
    admin.follow("Assign")
    assert "It is assigned." in admin.text
    admin.follow("a SIP account")
    admin.fill(username="nobody-at-all")
    admin.follow("Assign")
    assert "nobody-at-all" in admin.text
    admin.fill(username=account["username"])
    admin.follow("Assign")
    assert f"{account['username']} (SIP account)" in admin.text
    admin.follow("Change")
    admin.fill(nickname="Reception")
    admin.follow("Save")
    (shown,) = customer.done("GET", "/numbers")["data"]
    assert (shown["account_id"], shown["nickname"]) == (account["id"], "Reception")
    admin.follow("Release")
    assert "end of its month" in admin.text
    admin.follow(f"Release {number}")
    assert "to be released" in admin.text


def test_an_object_is_its_customer_s_whoever_was_chosen(customer: Customer, admin: Person, admin_token: str) -> None:
    trunk = customer.done("POST", "/trunks", {"tenant_id": customer.id, "name": "Carrier"})
    number = customer.done("POST", f"/tenants/{customer.id}/numbers", {"number": fresh_number()})
    other = {"name": f"Other {customer.id[:8]}"}
    url = f"{customer.server.url}/cordboard/v1/tenants"
    chosen = call("POST", url, admin_token, other)[1]["id"]
    admin.open(f"/trunks/{trunk['id']}?tenant={chosen}")
    assert admin.page.locator(".chosen b").inner_text() == customer.name
    for query in ("", f"?tenant={chosen}"):
        admin.open(f"/numbers/{number['id']}/edit{query}")
        admin.page.get_by_label("Trunk", exact=True).select_option("Carrier")
    admin.page.locator(".chosen").get_by_role("link", name="all").click()
    assert "Whose?" in admin.text


def test_customers_that_are_not_on_the_first_page_are_reached(customer: Customer, admin: Person) -> None:
    admin.open(f"/numbers?after={customer.id}")
    assert customer.name not in admin.text
    assert admin.page.get_by_role("link", name="search").count() == 1
    admin.follow("First page")
    assert admin.path == "/numbers"


def test_of_more_agents_than_a_list_holds_one_is_written(customer: Customer, member: Person) -> None:
    for each in range(101):
        agent = {"name": f"Agent {each}", "sip_uri": "sip:a@127.0.2.1"}
        customer.done("POST", f"/tenants/{customer.id}/agents", agent)
    number = customer.done("POST", f"/tenants/{customer.id}/numbers", {"number": fresh_number()})
    member.open(f"/numbers/{number['id']}/edit")
    member.fill(inbound_agent_id="Agent")
    member.follow("Save")
    assert member.page.locator("[name=inbound_agent_id]").get_attribute("aria-invalid") == "true"
    member.fill(inbound_agent_id="agent 100")
    member.follow("Save")
    assert "Agent 100" in member.text
    member.open("/numbers?agent=Agent+100")
    member.follow(number["number"])
