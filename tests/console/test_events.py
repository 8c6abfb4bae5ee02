"""The console's feed of events."""

import pytest

from tests.calls.standing import until
from tests.console.conftest import Customer
from tests.console.person import Person

pytestmark = [pytest.mark.slow, pytest.mark.calls]


def test_what_happens_is_told_a_moment_later_without_a_reload(customer: Customer, member: Person) -> None:
    path = f"/tenants/{customer.id}/agents"
    made = customer.done("POST", path, {"name": "Anna", "sip_uri": "sip:a@127.0.2.1"})
    member.open("/events")
    assert until(lambda: member.page.reload() is not None and "agent" in member.text, 10)
    member.page.locator("#events a").first.focus()
    before = member.page.evaluate("document.activeElement.id")
    customer.done("POST", path, {"name": "Bruno", "sip_uri": "sip:b@127.0.2.1"})
    assert until(lambda: "Bruno" in member.text, 15)
    assert member.page.evaluate("document.activeElement.id") == before
    member.is_sound("events")
    member.page.get_by_label("Of what, by its id").fill(made["agent_id"])
    member.follow("Show")
    assert "Bruno" not in member.text
    member.follow("agent.created")
    assert "Anna" in member.text
    member.is_sound("event")
    member.follow(made["agent_id"])
    assert member.path == f"/agents/{made['agent_id']}"


def test_a_filter_that_leads_nowhere_says_so(member: Person) -> None:
    member.open("/events?type=call.refused")
    assert "No event is kept of this." in member.text
    member.is_sound("events-empty")
    member.open("/events?type=NOT A TYPE", status=422)
    assert member.page.get_by_role("alert").count() == 1


def test_the_administrator_looks_at_one_customers(admin: Person, customer: Customer) -> None:
    admin.open(f"/events?tenant={customer.id}")
    assert admin.page.locator(".chosen b").inner_text() == customer.name
