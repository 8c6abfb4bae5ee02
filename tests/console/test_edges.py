"""The console's pages of edges, bans and LiveKit."""

import pytest

from tests.console.conftest import Customer
from tests.console.person import Person
from tests.processes import call

pytestmark = [pytest.mark.slow, pytest.mark.calls]


def test_the_edge_says_where_carriers_reach_it(customer: Customer, member: Person) -> None:
    (edge,) = customer.done("GET", "/edges")["data"]
    member.open("/edges")
    assert edge["signalling"][0] in member.text
    assert "the newest change" in member.text
    member.is_sound("edges")


def test_a_source_is_banned_and_heard_again(customer: Customer, admin: Person, admin_token: str) -> None:
    admin.open("/bans")
    assert "Nobody is banned." in admin.text
    admin.is_sound("bans-empty")
    admin.fill(address="nobody's address")
    admin.follow("Ban")
    assert admin.page.locator("[name=address]").get_attribute("aria-invalid") == "true"
    admin.is_sound("bans-refused")
    admin.fill(address="192.0.2.66")
    admin.follow("Ban")
    assert "192.0.2.66 is not heard for a while." in admin.text
    assert "banned by hand" in admin.text
    admin.is_sound("bans")
    _, bans = call("GET", f"{customer.server.url}/cordboard/v1/bans", admin_token)
    assert [each["address"] for each in bans["data"]] == ["192.0.2.66"]
    admin.follow("Hear it again at 192.0.2.66")
    assert "Nobody is banned." in admin.text
    admin.fill(address="2001:db8::66")
    admin.follow("Ban")
    admin.follow("Hear it again at 2001:db8::66")
    assert "2001:db8::66 is heard again." in admin.text


def test_without_livekit_the_page_says_how_to_have_it(admin: Person) -> None:
    admin.open("/livekit")
    assert "CORDBOARD_LIVEKIT_URL" in admin.text
    admin.is_sound("livekit-none")


def test_bans_and_livekit_are_the_administrators_alone(member: Person) -> None:
    assert member.page.get_by_role("link", name="Banned sources").count() == 0
    for path in ("/bans", "/livekit"):
        member.open(path, status=403)
