"""The console's page of what became of registrations."""

from typing import Any

import pytest

from tests.calls.accounts import register
from tests.calls.phone import Address, Phone
from tests.console.conftest import Customer
from tests.console.person import Person

pytestmark = [pytest.mark.slow, pytest.mark.calls]


def test_a_telephone_that_registers_and_one_that_is_refused_are_told(
    customer: Customer, sip: Address, member: Person
) -> None:
    member.open("/registrations")
    assert "Nobody has registered yet." in member.text
    name, password = f"phone-{customer.id[:8]}", "a-long-enough-secret-1"
    account = customer.done(*("POST", f"/tenants/{customer.id}/accounts"), {"username": name, "password": password})
    edge: Any = None
    with Phone("127.0.3.8") as telephone:
        assert register(telephone, edge, name, password="wrong-one", to=sip).status != 200
        assert register(telephone, edge, name, password=password, to=sip).status == 200
    rows = member.page.locator("tbody tr")
    for _ in range(40):
        member.open("/registrations")
        if rows.count() == 2:
            break
        member.page.wait_for_timeout(100)
    assert "at 1 place now" in rows.first.inner_text()
    assert "credentials came whose username is right and whose password is not" in rows.last.inner_text()
    assert "secret" not in member.page.content()
    member.is_sound("registrations")
    member.open("/registrations?what=refused")
    assert rows.count() == 1
    rows.get_by_role("link", name=name).click()
    assert member.path == f"/accounts/{account['id']}"
