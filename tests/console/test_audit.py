"""The console's page of who changed what."""

import pytest

from tests.console.conftest import Customer
from tests.console.person import Person

pytestmark = [pytest.mark.slow, pytest.mark.calls]


def test_a_change_is_told_from_what_to_what_and_a_secret_never(customer: Customer, member: Person) -> None:
    member.open("/audit")
    version = {"name": "Anna", "sip_uri": "sip:a@127.0.2.1", "auth_username": "u", "auth_password": "hidden-word-7"}
    made = customer.done("POST", f"/tenants/{customer.id}/agents", version)
    customer.done("PATCH", f"/agents/{made['agent_id']}", {"name": "Bruno"})
    member.open("/audit?kind=agent")
    assert member.page.locator("del").first.inner_text() == "Anna"
    assert member.page.locator("ins").first.inner_text() == "Bruno"
    member.open("/audit")
    assert "hidden-word-7" not in member.page.content()
    member.is_sound("audit")
    member.page.get_by_role("link", name=f"All changes of agent {made['agent_id'][:8]}").first.click()
    assert {row.split()[0] for row in member.page.locator("tbody th").all_inner_texts()} == {"agent"}
    member.open("/audit?actor=nobody")
    assert "Nothing of the kind has been changed." in member.text


@pytest.mark.parametrize(
    "path",
    ["/calls", "/refusals", "/explain", "/verifications", "/verifications/schedules", "/registrations", "/audit"],
)
def test_the_administrator_sees_what_everybody_does_or_one_customer(
    customer: Customer, admin: Person, path: str
) -> None:
    admin.open(path)
    admin.open(f"{path}?tenant={customer.id}")
    assert admin.page.locator(".chosen b").inner_text() == customer.name
