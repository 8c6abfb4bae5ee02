"""The console's pages of the catalogue."""

import pytest

from tests.console.conftest import Customer
from tests.console.person import Person

pytestmark = [pytest.mark.slow, pytest.mark.calls]


def test_an_agent_is_made_of_a_platform_s_entry(customer: Customer, member: Person) -> None:
    member.open("/catalogue")
    member.is_sound("catalogue")
    member.follow("OpenAI Realtime and GPT-Live")
    assert "checked on 2026-" in member.text
    member.is_sound("catalogue-entry")
    member.follow("Make an agent of it")
    member.fill(name="Realtime")
    member.follow("Create agent")
    assert "Nothing was changed." in member.text
    assert member.page.locator("[name='set/project']").get_attribute("aria-invalid") == "true"
    assert member.page.locator("[name=name]").input_value() == "Realtime"
    member.is_sound("catalogue-use-refused")
    member.fill(set__project="proj_0123456789abcdef")
    member.follow("Create agent")
    assert "Realtime is there." in member.text
    assert "sip:proj_0123456789abcdef@sip.api.openai.com;transport=tls" in member.text
    (agent,) = customer.done("GET", f"/tenants/{customer.id}/agents")["data"]
    (version,) = customer.done("GET", f"/agents/{agent['agent_id']}/versions")["data"]
    assert (version["encryption"], version["codecs"]) == ("require", ["PCMU", "PCMA"])


def test_a_trunk_is_made_of_a_carrier_s_entry(customer: Customer, member: Person) -> None:
    member.open("/trunks/new")
    member.follow("Telnyx SIP Trunking")
    member.is_sound("catalogue-use")
    assert member.page.locator("[name=username]").count() == 0, "the entry has it"
    member.fill(set__username="acme4711", password="secret-of-the-connection")
    member.follow("Create trunk")
    assert "Telnyx SIP Trunking is there." in member.text
    assert "sip.telnyx.com" in member.text
    (trunk,) = customer.done("GET", "/trunks")["data"]
    assert (trunk["name"], trunk["username"], trunk["has_password"]) == ("Telnyx SIP Trunking", "acme4711", True)
    assert trunk["options"]["headers"] == [{"name": "X-Telnyx-Username", "value": "acme4711"}]


def test_whose_it_is_to_be_is_asked_of_the_administrator(customer: Customer, admin: Person) -> None:
    admin.open(f"/catalogue/vapi/use?after={customer.before}")
    admin.follow(customer.name)
    admin.fill(set__name="acme-support")
    admin.follow("Create agent")
    assert "Vapi is there." in admin.text
    (agent,) = customer.done("GET", f"/tenants/{customer.id}/agents")["data"]
    assert agent["name"] == "Vapi"
