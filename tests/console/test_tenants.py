"""The console's pages of customers and their limits."""

import pytest

from tests.builders import unknown_id
from tests.console.conftest import Customer, NewPerson
from tests.console.person import PHONE, Person
from tests.processes import Server, call, cordboard

pytestmark = [pytest.mark.slow, pytest.mark.calls]


@pytest.fixture
def operator(server: Server, new_person: NewPerson) -> Person:
    """An operator without customers, logged in."""
    made = cordboard(server.data, "operator", "create", f"op-{unknown_id()[:8]}").stdout.strip()
    name, _, password = made.partition(":")
    person = new_person()
    person.log_in(password, name)
    return person


def test_an_operator_makes_a_customer_changes_its_limit_and_deletes_it(operator: Person) -> None:
    operator.open("/tenants")
    assert "no customers yet" in operator.text
    operator.is_sound("tenants-empty")
    operator.follow("New customer")
    operator.fill(name="Acme", account_limit="plenty")
    operator.page.get_by_label("Language").select_option("LV")
    operator.follow("Create customer")
    assert "Nothing was changed." in operator.text
    assert operator.page.locator("[name=account_limit]").get_attribute("aria-invalid") == "true"
    assert operator.page.locator("[name=account_limit]").input_value() == "plenty"
    operator.is_sound("tenants-new-refused")
    operator.fill(account_limit="1", reference="acme-1")
    operator.follow("Create customer")
    assert "Acme is there." in operator.text
    assert operator.page.locator(".chosen b").inner_text() == "Acme"
    assert "1 at most" in operator.text
    operator.is_sound("tenant")
    operator.follow("Change")
    operator.fill(account_limit="")
    operator.follow("Save")
    assert "no limit" in operator.text
    operator.open("/tenants")
    operator.is_sound("tenants")
    operator.follow("Acme")
    operator.follow("Delete")
    assert "Nothing else depends on it" in operator.text
    operator.is_sound("tenant-delete")
    operator.follow("Delete Acme")
    assert "Type Acme" in operator.text
    operator.fill(name="Acme")
    operator.follow("Delete Acme")
    assert "no customers yet" in operator.text


def test_a_deletion_says_what_goes_with_it(customer: Customer, admin: Person) -> None:
    customer.done("POST", f"/tenants/{customer.id}/agents", {"name": "Anna", "sip_uri": "sip:a@127.0.2.1"})
    admin.open(f"/tenants/{customer.id}/delete?tenant={customer.id}")
    assert "1 agent" in admin.text
    assert "1 API key" in admin.text
    admin.follow("Keep it")
    assert admin.path.startswith(f"/tenants/{customer.id}")


def test_what_somebody_else_has_changed_meanwhile_is_not_overwritten(customer: Customer, admin: Person) -> None:
    admin.open(f"/tenants/{customer.id}/edit")
    other = admin.page.context.new_page()
    other.goto(f"{admin.url}/tenants/{customer.id}/edit")
    other.locator("[name=account_limit]").fill("7")
    other.get_by_role("button", name="Save").click()
    admin.fill(account_limit="9")
    admin.follow("Save")
    assert "changed since" in admin.text
    admin.open(f"/tenants/{customer.id}")
    assert "7 at most" in admin.text


def test_a_tenant_sees_itself_and_changes_nothing(customer: Customer, member: Person) -> None:
    member.follow("Your account")
    assert member.path == f"/tenants/{customer.id}"
    assert member.page.get_by_role("heading", level=1).inner_text() == customer.name
    assert member.page.get_by_role("link", name="Change", exact=True).count() == 0
    member.open(f"/tenants/{customer.id}/edit", status=200)
    member.follow("Save")
    assert "an operator or the administrator" in member.page.inner_text("body")


def test_the_longest_names_stick_out_nowhere_on_a_telephone(server: Server, admin_token: str, admin: Person) -> None:
    def made(path: str, body: dict[str, object]) -> str:
        status, answer = call("POST", f"{server.url}/cordboard/v1{path}", admin_token, body)
        assert status < 300, answer
        return str(answer.get("id") or answer["agent_id"])

    longest = unknown_id().replace("-", "W").ljust(255, "W")
    tenant = made("/tenants", {"name": longest})
    host = f"{'a' * 60}.{'b' * 60}.example.com"
    trunk = made("/trunks", {"tenant_id": tenant, "name": longest, "gateways": [{"host": host}]})
    agent = made(f"/tenants/{tenant}/agents", {"name": longest, "sip_uri": f"sip:{'x' * 100}@{host}"})
    tried = made("/verifications", {"kind": "trunk", "subject_id": trunk, "steps": ["dns"]})
    of_tenant = (f"/{noun}?tenant={tenant}" for noun in ("trunks", "agents", "numbers", "accounts", "keys"))
    of_each = (f"/tenants/{tenant}", f"/trunks/{trunk}", f"/agents/{agent}", f"/verifications/{tried}")
    deletions = (f"/tenants/{tenant}/delete", f"/trunks/{trunk}/delete")
    admin.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    out = {}
    for path in (f"/search?q={longest[:36]}", "/tenants", "/numbers", *of_tenant, *of_each, *deletions):
        admin.open(path)
        out[path] = admin.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert max(out.values()) <= 0, out
