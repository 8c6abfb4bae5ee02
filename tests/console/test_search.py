"""The console's search: the box on every page, and the page of what is found."""

import pytest

from tests.builders import fresh_number
from tests.console.conftest import Customer
from tests.console.person import Person

pytestmark = [pytest.mark.slow, pytest.mark.calls]


def test_what_begins_so_is_found_from_any_page(customer: Customer, member: Person, admin: Person) -> None:
    number = fresh_number()
    customer.done("POST", f"/tenants/{customer.id}/numbers", {"number": number})
    made = customer.done(
        "POST", f"/tenants/{customer.id}/agents", {"name": f"Anna {customer.id[:8]}", "sip_uri": "sip:a@127.0.2.1"}
    )
    member.open("/agents")
    box = member.page.get_by_role("searchbox", name="Search")
    box.fill(number[1:])
    box.press("Enter")
    assert number in member.text
    member.is_sound("search")
    member.page.get_by_role("searchbox", name="Search").fill(f"anna {customer.id[:8]}")
    member.page.get_by_role("searchbox", name="Search").press("Enter")
    member.follow(made["name"])
    assert member.path == f"/agents/{made['agent_id']}"
    admin.open(f"/search?q=ANNA {customer.id[:8]}")
    admin.follow(made["name"])
    assert admin.page.locator(".chosen b").inner_text() == customer.name


def test_what_is_not_there_is_said_and_what_can_be_looked_for(member: Person) -> None:
    member.open("/search")
    assert "What are you looking for?" in member.text
    member.open("/search?q=nothing is called so at all")
    assert "Nothing is called so." in member.text
    member.is_sound("search-nothing")
    assert "country code: write" not in member.text
    member.open("/search?q=911 234 567")
    assert "country code: write" in member.text
    member.open(f"/search?q={'x' * 600}", status=422)
    assert member.page.get_by_role("alert").count() == 1
