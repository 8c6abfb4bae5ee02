"""The console's pages of agents."""

import pytest

from tests.builders import fresh_number
from tests.console.conftest import Customer, NewPerson
from tests.console.person import Person

pytestmark = [pytest.mark.slow, pytest.mark.calls]


def test_an_agent_is_made_changed_and_deleted(customer: Customer, member: Person) -> None:
    member.open("/agents")
    assert "no agents yet" in member.text
    member.is_sound("agents-empty")
    member.follow("New agent")
    member.is_sound("agents-new")
    member.fill(name="Anna", sip_uri="sip:{number}@127.0.2.1:5070")
    member.follow("Create agent")
    assert "Anna is there." in member.text
    member.follow("New version")
    assert member.page.locator("[name=sip_uri]").input_value() == "sip:{number}@127.0.2.1:5070"
    member.fill(sip_uri="sip:anna@127.0.2.2:5070", version_name="second", codecs="PCMU\nPCMA", headers="X-Shop: 7")
    member.page.get_by_label("Media", exact=True).select_option("require")
    member.follow("Add version")
    member.follow("Publish version 2")
    assert "Published." in member.text
    (agent,) = customer.done("GET", f"/tenants/{customer.id}/agents")["data"]
    versions = customer.done("GET", f"/agents/{agent['agent_id']}/versions")["data"]
    assert [each["encryption"] for each in versions] == ["disable", "require"]
    assert (versions[1]["codecs"], versions[1]["headers"]) == (["PCMU", "PCMA"], [{"name": "X-Shop", "value": "7"}])
    assert [each["tls_verify"] for each in versions] == [True, True]
    number = customer.done("POST", f"/tenants/{customer.id}/numbers", {"number": fresh_number()})
    customer.done("PATCH", f"/numbers/{number['id']}", {"inbound_agent_id": agent["agent_id"]})
    member.open(f"/agents/{agent['agent_id']}")
    assert number["number"] in member.text
    member.is_sound("agent-versions")
    assert agent["published_version_id"] == versions[1]["version_id"]
    member.follow("Un-publish")
    assert f"1 number: {number['number']}" in member.text
    member.is_sound("agent-unpublish")
    member.follow("Un-publish Anna")
    assert "No version is published now." in member.text
    member.follow("Rename")
    member.fill(name="Bruno")
    member.follow("Save")
    assert member.page.get_by_role("heading", level=1).inner_text() == "Bruno"
    member.follow("Delete")
    assert "1 agent" in member.text
    member.is_sound("agent-delete")
    member.follow("Delete Bruno")
    assert "no agents yet" in member.text


def test_what_is_wrong_is_said_at_its_field_and_nothing_entered_is_lost(customer: Customer, member: Person) -> None:
    member.open("/agents/new")
    member.fill(name="Anna", sip_uri="https://agent.example.com", from_addresses="127.0.2.1\nnonsense")
    member.follow("Create agent")
    assert "Nothing was changed." in member.text
    field = member.page.locator("[name=sip_uri]")
    assert field.get_attribute("aria-invalid") == "true"
    assert field.input_value() == "https://agent.example.com"
    assert member.page.locator("[name=from_addresses]").input_value() == "127.0.2.1\nnonsense"
    assert member.page.evaluate("document.activeElement.className") == "problem"
    member.is_sound("agents-new-refused")
    assert customer.done("GET", f"/tenants/{customer.id}/agents")["data"] == []


def test_a_password_is_shown_once(customer: Customer, member: Person) -> None:
    member.open("/agents/new")
    member.fill(name="Anna", sip_uri="sip:a@127.0.2.1", username=f"anna-{customer.id[:8]}")
    member.follow("Create agent")
    assert len(member.page.locator("#secret").inner_text()) >= 12
    member.is_sound("agent-password")
    member.follow("Done")
    assert member.page.locator("#secret").count() == 0


def test_a_new_version_begins_with_the_newest_where_none_is_published(customer: Customer, member: Person) -> None:
    login = {"auth_username": "cord", "auth_password": "anything"}
    draft = {"name": "Anna", "sip_uri": "sip:a@127.0.2.1", "encryption": "require", "is_draft": True, **login}
    agent = customer.done("POST", f"/tenants/{customer.id}/agents", draft)
    member.open(f"/agents/{agent['agent_id']}/versions/new")
    assert "filled with version 1, the newest" in member.text
    member.follow("Add version")
    assert member.page.locator("[name=auth_password]").get_attribute("aria-invalid") == "true"
    member.fill(auth_password="anything")
    member.follow("Add version")
    newest = customer.done("GET", f"/agents/{agent['agent_id']}/versions")["data"][-1]
    assert (newest["version_number"], newest["encryption"], newest["auth_username"]) == (2, "require", "cord")


def test_what_somebody_else_has_changed_meanwhile_is_not_overwritten(customer: Customer, member: Person) -> None:
    made = customer.done("POST", f"/tenants/{customer.id}/agents", {"name": "Anna", "sip_uri": "sip:a@127.0.2.1"})
    member.open(f"/agents/{made['agent_id']}/edit")
    customer.done("PATCH", f"/agents/{made['agent_id']}", {"name": "Clara"})
    member.fill(name="Bruno")
    member.follow("Save")
    assert "changed since" in member.text
    member.follow("Save")
    assert "changed since" in member.text
    assert customer.done("GET", f"/agents/{made['agent_id']}")["name"] == "Clara"
    member.follow("See it as it is now")
    assert member.page.locator("[name=name]").input_value() == "Clara"


def test_everything_works_without_scripts(customer: Customer, new_person: NewPerson) -> None:
    person = new_person(scripts=False)
    person.log_in(customer.key)
    person.open("/agents")
    person.follow("New agent")
    person.fill(name="Anna", sip_uri="sip:a@127.0.2.1")
    person.follow("Create agent")
    assert "Anna is there." in person.text


def test_a_new_version_is_called_from_where_the_one_before_was_unless_that_was_taken_out(
    customer: Customer, member: Person
) -> None:
    new = {"name": "Anna", "sip_uri": "sip:a@127.0.2.1", "from_addresses": ["127.0.2.9"]}
    made = customer.done("POST", f"/tenants/{customer.id}/agents", new)
    path = f"/agents/{made['agent_id']}"

    def calls_from() -> list[list[str]]:
        return [each["from_addresses"] for each in customer.done("GET", f"{path}/versions")["data"]]

    member.open(f"{path}/versions/new")
    member.follow("Add version")
    customer.done("PUT", f"{path}/published-version", {"version_id": None})
    member.open(f"{path}/versions/new")
    member.fill(sip_uri="sip:b@127.0.2.1")
    member.follow("Add version")
    assert calls_from() == [["127.0.2.9"]] * 3
    customer.done("PUT", f"{path}/published-version", {"version_id": made["version_id"]})
    member.open(f"{path}/versions/new")
    member.fill(from_addresses="")
    member.follow("Add version")
    assert calls_from()[-1] == []


def test_what_was_changed_after_the_question_is_not_deleted(customer: Customer, member: Person) -> None:
    made = customer.done("POST", f"/tenants/{customer.id}/agents", {"name": "Anna", "sip_uri": "sip:a@127.0.2.1"})
    member.open(f"/agents/{made['agent_id']}/delete")
    customer.done("PATCH", f"/agents/{made['agent_id']}", {"name": "Clara"})
    member.follow("Delete Anna")
    assert "changed since" in member.text
    assert customer.done("GET", f"/agents/{made['agent_id']}")["name"] == "Clara"


def test_a_password_that_was_entered_beside_a_mistake_is_asked_for_again(member: Person) -> None:
    member.open("/agents/new")
    member.fill(name="", sip_uri="sip:a@127.0.2.1", auth_username="anna", auth_password="a-password")
    member.follow("Create agent")
    assert "Enter it again" in member.text
    assert "Fill this in." in member.text
