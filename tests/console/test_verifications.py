"""The console's pages of verifications and their schedules."""

from collections.abc import Iterator

import pytest

from tests.calls.phone import Address
from tests.console.conftest import Customer, NewPerson
from tests.console.lines import Line, line
from tests.console.person import Person

pytestmark = [pytest.mark.slow, pytest.mark.calls]


@pytest.fixture
def connected(customer: Customer, sip: Address) -> Iterator[Line]:
    with line(customer, sip) as made:
        yield made


def test_a_number_is_verified_and_what_changed_is_told(connected: Line, member: Person) -> None:
    member.open("/verifications")
    assert "Nothing has been verified yet." in member.text
    member.is_sound("verifications-empty")
    member.open(f"/verifications/new?kind=agent&subject={connected.agent_id}")
    member.is_sound("verifications-new")
    member.follow("Verify")
    member.page.get_by_text("Look again").wait_for(state="detached", timeout=40_000)
    assert "OPTIONS" in member.text
    assert connected.agent.calls == []  # nothing rings unasked
    connected.agent.answers_options = 503
    member.follow("Verify again")
    member.page.get_by_label("Place an echo call, too").check()
    member.page.get_by_role("button", name="Verify", exact=True).click()
    member.page.get_by_text("Look again").wait_for(state="detached", timeout=40_000)
    assert len(connected.agent.calls) == 1
    assert "What changed since" in member.text
    assert "options-unavailable" in member.text
    assert "What to do:" in member.text
    member.is_sound("verification", documented=True)
    member.open("/verifications?status=failed")
    assert member.page.locator("tbody tr").count() == 1


def test_what_is_to_be_verified_must_be_there(member: Person) -> None:
    member.open("/verifications/new")
    member.page.get_by_label("What", exact=True).select_option("number")
    member.fill(subject_id="+34999999999")
    member.page.get_by_role("button", name="Verify", exact=True).click()
    assert member.page.locator(".problem").count() == 1
    assert member.page.locator("[name=subject_id]").input_value() == "+34999999999"


def test_a_schedule_is_made_and_taken_away_without_scripts(connected: Line, new_person: NewPerson) -> None:
    person = new_person(scripts=False)
    person.log_in(connected.customer.key)
    person.open("/verifications/schedules")
    person.page.locator(".empty").get_by_role("link", name="New schedule").click()
    person.page.get_by_label("What", exact=True).select_option("agent")
    person.fill(subject_id=connected.agent_id, every_minutes="1")
    person.follow("Add schedule")
    assert person.page.locator("[name=every_minutes]").get_attribute("aria-invalid") == "true"
    person.fill(every_minutes="360")
    person.follow("Add schedule")
    assert "every 6 hours" in person.text
    (schedule,) = connected.customer.done("GET", "/verification-schedules")["data"]
    assert schedule["every_minutes"] == 360
    person.page.get_by_role("button", name="Delete the schedule of").click()
    assert "Nothing is verified by itself." in person.text
