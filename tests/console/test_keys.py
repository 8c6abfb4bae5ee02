"""The console's pages of API keys."""

import pytest

from tests.console.conftest import Customer, NewPerson
from tests.console.person import Person
from tests.processes import call

pytestmark = [pytest.mark.slow, pytest.mark.calls]


def test_a_key_is_shown_once_works_and_is_revoked(customer: Customer, admin: Person, new_person: NewPerson) -> None:
    admin.open(f"/keys?after={customer.before}")
    assert "Whose?" in admin.text
    admin.follow(customer.name)
    admin.follow("New API key")
    admin.fill(name="Reports")
    admin.page.get_by_label("It may do everything").uncheck()
    admin.follow("Create key")
    assert "tick at least one" in admin.text
    admin.is_sound("keys-new-refused")
    admin.page.get_by_label("calls.view").check()
    admin.follow("Create key")
    key = admin.page.locator("#secret").inner_text()
    admin.is_sound("key-made")
    url = f"{customer.server.url}/cordboard/v1"
    assert call("GET", f"{url}/calls", key)[0] == 200
    assert call("GET", f"{url}/numbers", key)[0] == 403
    # the same form sent again is the same key
    admin.page.reload()
    assert admin.page.locator("#secret").inner_text() == key
    admin.follow("Done")
    assert key not in admin.text
    assert "calls.view" in admin.text
    admin.is_sound("keys")
    person = new_person()
    person.log_in(key)
    admin.page.get_by_role("row", name="Reports").get_by_role("link", name="Revoke").click()
    assert "people who logged in by it are logged out" in admin.text
    admin.is_sound("key-revoke")
    admin.follow("Revoke key")
    assert "refused from now on" in admin.text
    assert call("GET", f"{url}/calls", key)[0] == 401
    person.open("/")
    assert person.path == "/login"


def test_a_customer_without_keys_is_told_what_they_are_for(customer: Customer, admin: Person) -> None:
    admin.open(f"/keys?tenant={customer.id}")
    admin.page.get_by_role("link", name="Revoke").click()
    admin.follow("Revoke key")
    assert "no keys yet" in admin.text
    admin.is_sound("keys-empty")


def test_a_tenant_has_no_way_to_keys_and_is_told_why(member: Person) -> None:
    assert member.page.get_by_role("link", name="API keys").count() == 0
    member.open("/keys", status=403)
    assert "an operator or the administrator" in member.page.inner_text("body")
