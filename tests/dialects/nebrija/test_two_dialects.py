"""The same trunk through two dialects: Diga's `sip_config` of a number, and Nebrija's trunk."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.builders import World, dump, import_body
from tests.dialects.nebrija.caller import NUMBERS, TRUNKS, Caller, calling, system_trunk

pytestmark = pytest.mark.anyio

CREDENTIALS = {"username": "carrier-user", "password": "********"}


@pytest.fixture
async def caller(shared_world: World) -> AsyncIterator[Caller]:
    async with calling(shared_world) as made:
        yield made


async def diga(caller: Caller, method: str, path: str, body: Any = None) -> Any:
    answer = await caller.http.request(method, f"/v1/phone/{path}", json=body)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


async def imported(caller: Caller, **changes: Any) -> tuple[dict[str, Any], str]:
    """A number by Diga's import, and the id of its trunk."""
    phone = await diga(caller, "POST", "import", import_body(**changes))
    return phone, (await caller.done("GET", f"{NUMBERS}/{phone['id']}"))["sipTrunkId"]


@pytest.mark.proves("nebrija: the same trunk in Diga's words")
async def test_an_imported_number_s_sip_config_is_a_trunk(caller: Caller) -> None:
    phone, trunk = await imported(caller)
    shown = await caller.done("GET", f"{TRUNKS}/{trunk}")
    assert shown == {
        **shown,
        "name": phone["number"],
        "gateways": [{"ipOrDomain": "127.0.1.1", "port": 5080}],
        "authentication": CREDENTIALS,
        "advanced": {"allowedAddresses": ["127.0.1.0/24"]},
        "isSystem": False,
    }


@pytest.mark.proves("nebrija: the same trunk in Diga's words")
async def test_a_change_through_nebrija_is_at_once_the_truth_in_diga(caller: Caller) -> None:
    phone, trunk = await imported(caller)
    await caller.patched(
        trunk,
        {
            "gateways": [{"ipOrDomain": "sip.example", "port": 5070}],
            "authentication": {"username": "other"},
            "advanced": {
                "mediaEncryption": {"inbound": "require", "outbound": "disable"},
                "allowedAddresses": ["192.0.2.1"],
            },
        },
    )
    assert (await diga(caller, "GET", phone["id"]))["sip_config"] == {
        "termination_uri": "sip.example:5070",
        "username": "other",
        "inbound_media_encryption": "require",
        "outbound_media_encryption": "disable",
        "allowed_addresses": ["192.0.2.1"],
    }


@pytest.mark.proves("nebrija: the same trunk in Diga's words")
async def test_a_change_through_diga_is_at_once_the_truth_in_nebrija(caller: Caller) -> None:
    phone, trunk = await imported(caller)
    inbound = {"allowed_addresses": None, "media_encryption": "require"}
    outbound = {"termination_uri": "sip.example", "username": None, "password": None, "media_encryption": "require"}
    await diga(caller, "PATCH", f"{phone['id']}/sip-config", {"inbound_config": inbound, "outbound_config": outbound})
    shown = await caller.done("GET", f"{TRUNKS}/{trunk}")
    assert shown["gateways"] == [{"ipOrDomain": "sip.example", "port": 5060}]
    assert (shown["authentication"], shown["advanced"]) == ({}, {"mediaEncryption": "require"})
    await diga(caller, "PATCH", f"{phone['id']}/sip-config", {"outbound_config": {"termination_uri": None}})
    assert (await caller.done("GET", f"{TRUNKS}/{trunk}"))["gateways"] == []


@pytest.mark.proves("nebrija: two gateways in a sip_config")
async def test_diga_shows_the_first_gateway_and_its_writes_lose_nothing_of_the_others(caller: Caller) -> None:
    phone, trunk = await imported(caller)
    gateways = [
        {"ipOrDomain": "a.example", "port": 5061, "name": "A", "transport": "tls", "priority": 1, "weight": 9},
        {"ipOrDomain": "b.example", "port": 5070, "name": "B", "transport": "tcp", "priority": 2, "weight": 1},
    ]
    advanced = {
        "transport": "tcp",
        "codecs": ["PCMA"],
        "headers": {"X-A": "1"},
        "maxConcurrentCalls": 3,
        "registration": {"expires": 300},
        "inboundAuthentication": {"username": "carrier", "password": "their-secret"},
    }
    before = await caller.patched(trunk, {"gateways": gateways, "advanced": advanced})
    path = f"{phone['id']}/sip-config"
    assert (await diga(caller, "GET", phone["id"]))["sip_config"]["termination_uri"] == "a.example:5061"

    await diga(caller, "PATCH", path, {"outbound_config": {"termination_uri": "a.example:5099"}})
    shown = await caller.done("GET", f"{TRUNKS}/{trunk}")
    assert shown["gateways"] == [{**gateways[0], "port": 5099}, gateways[1]]

    await diga(caller, "PATCH", path, {"outbound_config": {"termination_uri": "c.example:5062", "username": "u"}})
    shown = await caller.done("GET", f"{TRUNKS}/{trunk}")
    # another host, of which nobody said that it speaks TLS
    moved = {"ipOrDomain": "c.example", "port": 5062, "name": "A", "priority": 1, "weight": 9}
    assert shown["gateways"] == [moved, gateways[1]]
    assert shown["advanced"] == before["advanced"]
    assert await caller.inbound_password(trunk) == "their-secret"
    assert await caller.password(trunk) == "carrier-secret"


@pytest.mark.proves("nebrija: two gateways in a sip_config")
async def test_a_write_of_diga_s_inbound_half_touches_no_gateway(caller: Caller) -> None:
    phone, trunk = await imported(caller)
    before = await caller.patched(trunk, {"gateways": [{"ipOrDomain": "a.example"}, {"ipOrDomain": "b.example"}]})
    body = {"inbound_config": {"allowed_addresses": []}}
    await diga(caller, "PATCH", f"{phone['id']}/sip-config", body)
    shown = await caller.done("GET", f"{TRUNKS}/{trunk}")
    assert shown == {**before, "advanced": {"allowedAddresses": []}, "updatedAt": shown["updatedAt"]}


@pytest.mark.proves("nebrija: one trunk of many numbers in Diga's words")
async def test_numbers_on_one_trunk_show_the_same_sip_config(caller: Caller) -> None:
    trunk = await caller.trunk(gateways=[{"ipOrDomain": "a.example", "port": 5070}])
    numbers = [await caller.number() for _ in range(2)]
    for number in numbers:
        await caller.done("PATCH", f"{NUMBERS}/{number}", {"sipTrunkId": trunk["id"]})
    await diga(caller, "PATCH", f"{numbers[0]}/sip-config", {"outbound_config": {"username": "both"}})
    for number in numbers:
        config = (await diga(caller, "GET", number))["sip_config"]
        assert (config["termination_uri"], config["username"]) == ("a.example:5070", "both")
    await diga(caller, "DELETE", numbers[0])
    assert (await caller.done("GET", f"{TRUNKS}/{trunk['id']}"))["name"] == "Main Office"


@pytest.mark.proves("nebrija: a number without a trunk in Diga's words")
async def test_a_number_without_a_trunk_has_no_sip_config_until_diga_gives_it_one(caller: Caller) -> None:
    phone, trunk = await imported(caller)
    await caller.done("DELETE", f"{TRUNKS}/{trunk}")
    assert (await diga(caller, "GET", phone["id"]))["sip_config"] is None
    body = {"outbound_config": {"termination_uri": "new.example"}}
    changed = await diga(caller, "PATCH", f"{phone['id']}/sip-config", body)
    assert changed["sip_config"]["termination_uri"] == "new.example"
    assert (await caller.done("GET", f"{NUMBERS}/{phone['id']}"))["sipTrunkId"] not in (None, trunk)


@pytest.mark.proves("nebrija: system trunks")
async def test_a_system_trunk_is_not_changed_by_the_sip_config_of_a_number_on_it(world: World) -> None:
    system = await system_trunk(world)
    async with calling(world) as caller:
        phone, _ = await imported(caller)
        await caller.done("PATCH", f"{NUMBERS}/{phone['id']}", {"sipTrunkId": system.id})
        before = await dump(world)
        for body in ({"inbound_config": {"allowed_addresses": []}}, {"outbound_config": {"termination_uri": None}}):
            answer = await caller.http.patch(f"/v1/phone/{phone['id']}/sip-config", json=body)
            assert answer.status_code == 400, answer.text
        assert await dump(world) == before
