"""The console's pages of refusals, and of why: of calls that the running edge has refused."""

from collections.abc import Iterator

import pytest

from tests.calls.phone import Address, Phone, sdp
from tests.console.conftest import Customer
from tests.console.lines import Line, line
from tests.console.person import Person

pytestmark = [pytest.mark.slow, pytest.mark.calls]


@pytest.fixture
def connected(customer: Customer, sip: Address) -> Iterator[Line]:
    with line(customer, sip) as made:
        yield made


def _explain_newest(member: Person, connected: Line, reason: str) -> str:
    """What the page says of the newest refusal, which is for that reason."""
    refusal = connected.told(f"/refusals?reason={reason}")
    member.open(f"/refusals?reason={reason}")
    assert refusal["detail"] in member.text
    member.page.locator("tbody a", has_text="Explain").first.click()
    return member.text


def test_a_stranger_is_understood(connected: Line, member: Person) -> None:
    member.open("/refusals")
    assert "Nothing was refused." in member.text
    member.is_sound("refusals-empty")
    with Phone("127.0.3.9") as stranger:
        assert stranger.call(connected.sip, connected.number, caller="+34600111222").status == 403
    connected.told("/refusals")
    member.page.reload()
    assert f"+34600111222 → {connected.number}" in member.text
    assert "does not let this address in Explain" in member.text
    member.is_sound("refusals")
    text = _explain_newest(member, connected, "address-not-allowed")
    assert "the number's trunk, or the account, does not let this address in" in text
    assert "127.0.3.9 is not in 127.0.1.0/24" in text
    assert "add it to the trunk's list" in text
    failed = member.page.locator("ol.steps li.failed")
    assert "Source address" in failed.inner_text()
    member.is_sound("explain-stranger", documented=True)
    member.page.locator("dl.facts").get_by_role("link").nth(1).click()
    assert member.path == f"/trunks/{connected.trunk_id}"


def test_an_encryption_mismatch_is_understood_and_seen_mended(connected: Line, member: Person) -> None:
    trunk = f"/trunks/{connected.trunk_id}"
    connected.customer.done("PATCH", trunk, {"media_in": "require"})
    assert connected.call(body=sdp("127.0.1.1")).status == 488
    text = _explain_newest(member, connected, "encryption-required")
    assert "encrypted media is required, and clear media was offered" in text
    assert "What to do" in text
    connected.customer.done("PATCH", trunk, {"media_in": "allow"})
    member.page.reload()
    assert "the same call would be taken now" in member.text


def test_a_wrong_password_is_understood(connected: Line, member: Person) -> None:
    customer, name = connected.customer, f"bot-{connected.customer.id[:8]}"
    made = customer.done(
        *("POST", f"/tenants/{customer.id}/accounts"),
        {"username": name, "password": "a-long-enough-secret-1"},
    )
    assert made["username"] == name
    with Phone("127.0.3.9") as telephone:
        telephone.call(connected.sip, "+34600111222", caller=name, credentials=(name, "not that one"))
    text = _explain_newest(member, connected, "wrong-password")
    assert f"The username {name} is right" in text
    assert "secret" not in text


def test_a_call_that_might_come_is_explained_and_its_mistakes_are_told(connected: Line, member: Person) -> None:
    member.open(f"/explain?called=%2B{connected.number.removeprefix('+')}")
    assert member.page.locator("[name=to]").input_value() == connected.number
    member.is_sound("explain")
    member.fill(source="nowhere")
    member.page.get_by_role("button", name="Explain", exact=True).click()
    assert member.page.locator("[name=source]").get_attribute("aria-invalid") == "true"
    mistyped = connected.number[:-1] + str((int(connected.number[-1]) + 5) % 10)
    member.fill(**{"from": "+34600111222", "to": mistyped, "source": "127.0.1.7"})
    member.page.get_by_role("button", name="Explain", exact=True).click()
    assert "It is refused with 404" in member.text
    assert connected.number in member.page.get_by_text("Nearest miss").locator("+ ul").inner_text()
    member.follow("Explain that call instead")
    assert "It is taken, inbound." in member.text
    assert "encryption of the caller's leg is allow, of the other disable" in member.text
    member.is_sound("explain-taken")


def test_a_call_is_found_by_what_the_far_side_knows(connected: Line, member: Person) -> None:
    made = connected.call()
    connected.told("/calls")
    member.open("/explain")
    member.fill(id=made.id)
    member.follow("Explain it")
    assert "which answered 200 OK" in member.text
    member.follow("To the call")
    assert made.id in member.text
    made.hang_up()
    member.open("/explain?id=nothing-of-the-kind", status=404)
    assert member.page.locator("[name=id]").get_attribute("aria-invalid") == "true"
