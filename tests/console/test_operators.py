"""The console's pages of operators."""

import pytest

from tests.builders import unknown_id
from tests.console.conftest import NewPerson
from tests.console.person import Person

pytestmark = [pytest.mark.slow, pytest.mark.calls]


def test_an_operator_is_made_logs_in_gets_a_new_password_and_is_deleted(admin: Person, new_person: NewPerson) -> None:
    name = f"op-{unknown_id()[:8]}"
    admin.open("/operators")
    admin.follow("New operator")
    admin.fill(name="not a name")
    admin.follow("Create operator")
    assert admin.page.locator("[name=name]").get_attribute("aria-invalid") == "true"
    admin.fill(name=name)
    admin.follow("Create operator")
    first = admin.page.locator("#secret").inner_text()
    admin.is_sound("operator-password")
    operator = new_person()
    operator.log_in(first, name)
    assert operator.page.locator(".me").inner_text() == name
    admin.follow("Done")
    admin.is_sound("operators")
    row = admin.page.get_by_role("row", name=name)
    row.get_by_role("link", name="New password").click()
    admin.is_sound("operator-renew")
    admin.follow("Make a new password")
    second = admin.page.locator("#secret").inner_text()
    assert second != first
    operator.open("/")
    assert operator.path == "/login"
    operator.log_in(second, name)
    operator.open("/tenants")
    operator.follow("New customer")
    operator.fill(name="Acme")
    operator.follow("Create customer")
    admin.open("/operators")
    admin.page.get_by_role("row", name=name).get_by_role("link", name="Delete").click()
    assert "Delete its customers first." in admin.text
    admin.is_sound("operator-kept")
    operator.follow("Delete")
    operator.fill(name="Acme")
    operator.follow("Delete Acme")
    admin.open("/operators")
    admin.page.get_by_role("row", name=name).get_by_role("link", name="Delete").click()
    admin.follow(f"Delete {name}")
    assert name not in admin.text


def test_operators_are_the_administrators_alone(member: Person) -> None:
    assert member.page.get_by_role("link", name="Operators").count() == 0
    member.open("/operators", status=403)
