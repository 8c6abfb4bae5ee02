"""Updating a SIP account: who may register from where. One row for each sentence of the documentation and the picks.

https://doc.telecom.center/reference/sip-accounts.html
"""

from collections.abc import AsyncIterator
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.dialects.telecom_center.bodies import allowed_ips, boolean
from cordboard.domain.accounts import Account, networks
from tests.builders import World, dump
from tests.dialects.telecom_center.caller import ACCOUNTS, Caller, calling, resource

pytestmark = pytest.mark.anyio


@pytest.fixture
async def caller(shared_world: World) -> AsyncIterator[Caller]:
    async with calling(shared_world) as made:
        yield made


@pytest.fixture
async def account(caller: Caller) -> Account:
    return await caller.account(await caller.customer())


async def updated(caller: Caller, account: Account, **attributes: Any) -> dict[str, Any]:
    """The two attributes after a PATCH that must be taken, which a GET then shows as well."""
    path = f"{ACCOUNTS}/{account.id}"
    answer = await caller.send("PATCH", path, json=resource("sip_device_routes", account.id, **attributes))
    assert answer.status_code == 200, answer.text
    assert answer.json() == await caller.found(path)
    shown = answer.json()["data"]["attributes"]
    return {name: shown[name] for name in ("use_allowed_ips", "allowed_ips")}


@pytest.mark.proves("use_allowed_ips")
@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        # of the vendor's table: text
        ("true", True),
        ("false", False),
        (True, True),
        (False, False),
        # also 1 and 0
        (1, True),
        (0, False),
        ("1", True),
        ("0", False),
    ],
)
async def test_a_switch_is_coerced(caller: Caller, account: Account, sent: Any, taken: bool) -> None:
    await updated(caller, account, use_allowed_ips=not taken)
    assert (await updated(caller, account, use_allowed_ips=sent))["use_allowed_ips"] is taken


@pytest.mark.proves("allowed_ips")
@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        # a bare address gets its prefix
        ("127.0.0.1", "127.0.0.1/32"),
        ("2001:db8::1", "2001:db8::1/128"),
        # a list with commas
        ("192.0.2.1,198.51.100.0/24", "192.0.2.1/32,198.51.100.0/24"),
        # spaces are trimmed
        ("  192.0.2.1 ,\t198.51.100.0/24 ", "192.0.2.1/32,198.51.100.0/24"),
        # host bits are masked off
        ("192.0.2.77/24", "192.0.2.0/24"),
        ("2001:DB8::1/64", "2001:db8::/64"),
        ("8.8.8.8/0", "0.0.0.0/0"),
        # the same network once
        ("192.0.2.1,192.0.2.1/32,192.0.2.1", "192.0.2.1/32"),
        # as they were sent: neither sorted nor merged
        ("192.0.2.128/25,192.0.2.0/25", "192.0.2.128/25,192.0.2.0/25"),
        # an empty place in the list is nothing
        ("192.0.2.1,,", "192.0.2.1/32"),
        # null and empty
        (None, None),
        ("", ""),
        ("  ", ""),
    ],
)
@pytest.mark.proves("null or empty allowed_ips")
async def test_addresses_come_back_as_networks(caller: Caller, account: Account, sent: Any, shown: str | None) -> None:
    assert (await updated(caller, account, allowed_ips=sent))["allowed_ips"] == shown


@pytest.mark.proves("use_allowed_ips", "allowed_ips")
@pytest.mark.proves("true without addresses", "PATCH without attributes")
async def test_what_is_not_sent_stays(caller: Caller, account: Account) -> None:
    # true without addresses is taken: it then blocks everybody
    assert await updated(caller, account, use_allowed_ips=True) == {"use_allowed_ips": True, "allowed_ips": None}
    assert await updated(caller, account, allowed_ips="192.0.2.1") == {
        "use_allowed_ips": True,
        "allowed_ips": "192.0.2.1/32",
    }
    assert await updated(caller, account) == {"use_allowed_ips": True, "allowed_ips": "192.0.2.1/32"}
    body = {"data": {"type": "sip_device_routes", "id": account.id}}
    answer = await caller.send("PATCH", f"{ACCOUNTS}/{account.id}", json=body)
    assert (answer.status_code, answer.json()["data"]["attributes"]["use_allowed_ips"]) == (200, True)


@pytest.mark.proves("error 100")
@pytest.mark.parametrize(
    ("attribute", "sent", "message"),
    [
        # anything but the eight spellings (Rails would take it for true)
        ("use_allowed_ips", "yes", "must be true or false"),
        ("use_allowed_ips", "TRUE", "must be true or false"),
        ("use_allowed_ips", "", "must be true or false"),
        ("use_allowed_ips", None, "must be true or false"),
        ("use_allowed_ips", 2, "must be true or false"),
        ("use_allowed_ips", 1.0, "must be true or false"),
        ("use_allowed_ips", [True], "must be true or false"),
        # an address that is none
        ("allowed_ips", "nowhere", None),
        ("allowed_ips", "192.0.2.256", None),
        ("allowed_ips", "192.0.2.1/33", None),
        ("allowed_ips", "192.0.2.1/255.255.255.0", None),
        ("allowed_ips", "192.0.2.1 192.0.2.2", None),
        ("allowed_ips", "192.0.2.1;192.0.2.2", None),
        ("allowed_ips", "192.0.2.1,nowhere", None),
        ("allowed_ips", "fe80::1%eth0", None),
        ("allowed_ips", "\u0661.1.1.1", None),
        ("allowed_ips", "192.0.2.1\u0000", None),
        # more than the edge can hold
        ("allowed_ips", ",".join(f"10.{i // 256}.{i % 256}.0/24" for i in range(0, 2400, 2)), None),
        # no text
        ("allowed_ips", 3221225985, "must be a string"),
        ("allowed_ips", ["192.0.2.1"], "must be a string"),
        ("allowed_ips", False, "must be a string"),
    ],
)
@pytest.mark.proves("an address that is none")
async def test_what_fails_validation_points_at_its_attribute(
    caller: Caller, account: Account, attribute: str, sent: Any, message: str | None
) -> None:
    before = await dump(caller.world)
    # with the other attribute as it may be: all or nothing
    others = {"use_allowed_ips": True, "allowed_ips": "192.0.2.9", attribute: sent}
    (error,) = await caller.refused(
        "PATCH", f"{ACCOUNTS}/{account.id}", 422, json=resource("sip_device_routes", account.id, **others)
    )
    assert error == {
        "title": message or error["title"],
        "detail": f"{attribute} - {error['title']}",
        "code": "100",
        "source": {"pointer": f"/data/attributes/{attribute}"},
        "status": "422",
    }
    assert await dump(caller.world) == before


@pytest.mark.proves("several faults")
async def test_all_attributes_that_fail_are_told_at_once(caller: Caller, account: Account) -> None:
    body = resource("sip_device_routes", account.id, use_allowed_ips="x", allowed_ips="y")
    errors = await caller.refused("PATCH", f"{ACCOUNTS}/{account.id}", 422, json=body)
    assert [error["source"]["pointer"] for error in errors] == [
        "/data/attributes/use_allowed_ips",
        "/data/attributes/allowed_ips",
    ]


@pytest.mark.proves("parameter include", "parameter fields", "parameters of lists at one object")
async def test_an_update_is_shown_as_was_asked_for(caller: Caller, account: Account) -> None:
    query = "include=customer&fields[sip_device_routes]=allowed_ips,customer&fields[customers]=name&page[size]=0&sort=x"
    answer = await caller.send(
        "PATCH",
        f"{ACCOUNTS}/{account.id}?{query}",
        json=resource("sip_device_routes", account.id, allowed_ips="192.0.2.1"),
    )
    document = answer.json()
    assert document["data"]["attributes"] == {"allowed_ips": "192.0.2.1/32"}
    assert list(document["data"]["relationships"]) == ["customer"]
    assert document["included"][0]["attributes"] == {"name": "Acme"}


async def test_an_update_that_asks_for_a_view_that_there_is_not_changes_nothing(
    caller: Caller, account: Account
) -> None:
    before = await dump(caller.world)
    for query, code in (("include=trunk", "112"), ("fields=x", "119"), ("fields[sip_device_routes]=x", "104")):
        body = resource("sip_device_routes", account.id, use_allowed_ips=True)
        (error,) = await caller.refused("PATCH", f"{ACCOUNTS}/{account.id}?{query}", 400, json=body)
        assert error["code"] == code
    assert await dump(caller.world) == before


v4 = st.tuples(st.ip_addresses(v=4), st.none() | st.integers(0, 32))
v6 = st.tuples(st.ip_addresses(v=6), st.none() | st.integers(0, 128))
one = (v4 | v6).map(lambda pair: str(pair[0]) if pair[1] is None else f"{pair[0]}/{pair[1]}")
spaced = st.tuples(st.sampled_from(["", " ", "\t"]), one | st.just(""), st.sampled_from(["", " "])).map("".join)


@given(texts=st.lists(spaced, max_size=8))
def test_any_list_of_networks_comes_back_as_the_same_set(texts: list[str]) -> None:
    text = ",".join(texts)
    sent = {ip_network(part.strip(), strict=False) for part in texts if part.strip()}
    assert allowed_ips(text) == text
    shown = ",".join(networks(text))
    assert {ip_network(part) for part in shown.split(",") if part} == sent
    # and again: what was shown can be sent
    assert ",".join(networks(shown)) == shown


@pytest.mark.proves("allowed_ips")
@given(text=st.text() | st.text(alphabet="0123456789abcdef.:/, %x"))
def test_any_text_is_refused_or_is_networks(text: str) -> None:
    try:
        allowed_ips(text)
    except ValueError as error:
        assert str(error)  # noqa: PT017  what the pointer goes with
    else:
        parts = [part.strip() for part in text.split(",") if part.strip()]
        assert {ip_network(part, strict=False) for part in parts} == set(map(ip_network, networks(text)))


@given(value=st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.booleans()))
def test_any_value_is_a_switch_or_refused(value: Any) -> None:
    try:
        taken = boolean(value)
    except ValueError:
        assert not (isinstance(value, str | int) and str(value).lower() in ("true", "false", "0", "1")) or (
            isinstance(value, str) and value != value.lower()
        )
    else:
        assert taken is (str(value).lower() in ("true", "1"))
