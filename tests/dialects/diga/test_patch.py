"""Absent and null are two things, for every field of both PATCH operations.

https://docs.diga.io/api-reference/phones/update-phone
https://docs.diga.io/api-reference/phones/update-sip-config
"""

import itertools
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from cordboard.domain.numbers import NumberId
from cordboard.domain.trunks import TrunkId
from cordboard.storage import numbers, trunks
from tests.builders import World, create_agent, dump, fresh_number
from tests.dialects.diga.caller import Caller, calling, locations

pytestmark = pytest.mark.anyio

ABSENT = ...
#: What the phone has before each patch.
BEFORE = {
    "termination_uri": "127.0.1.1:5080",
    "username": "carrier-user",
    "inbound_media_encryption": "require",
    "outbound_media_encryption": "disable",
    "allowed_addresses": ["127.0.1.0/24"],
}


@pytest.fixture
async def caller(shared_world: World) -> AsyncIterator[Caller]:
    async with calling(shared_world) as made:
        yield made


async def phone_with_everything(caller: Caller) -> dict[str, Any]:
    answer = await caller.send(
        "POST",
        "/v1/phone/import",
        json={
            "phone_number": fresh_number(),
            "nickname": "Front desk",
            "inbound_config": {"media_encryption": "require", "allowed_addresses": ["127.0.1.0/24"]},
            "outbound_config": {
                "termination_uri": "127.0.1.1:5080",
                "username": "carrier-user",
                "password": "carrier-secret",
                "media_encryption": "disable",
            },
        },
    )
    phone: dict[str, Any] = answer.json()
    assert phone["sip_config"] == BEFORE
    return phone


async def password(caller: Caller, id: str) -> str | None:
    """The stored password, opened."""
    shown = await caller.world.store.read(partial(numbers.show, tenant=caller.tenant, id=NumberId(id)))
    trunk = await caller.world.store.read(partial(trunks.get, id=TrunkId(shown.trunk_id)))
    if trunk.password is None:
        return None
    sealer: Any = caller.world.context.sealer
    opened: str = sealer.unseal(trunk.password, trunk.id)
    return opened


def sent(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not ABSENT}


#: Field, value sent, what the phone's `nickname`, inbound and outbound agent then are (`old` and `new` stand for ids).
PHONE_FIELDS = [
    ("nickname", ABSENT, "Front desk", "old", "old"),
    ("nickname", None, None, "old", "old"),
    ("nickname", "Reception", "Reception", "old", "old"),
    ("nickname", "", "", "old", "old"),
    ("inbound_version_id", None, "Front desk", None, "old"),
    ("inbound_version_id", "new", "Front desk", "new", "old"),
    ("outbound_version_id", None, "Front desk", "old", None),
    ("outbound_version_id", "new", "Front desk", "old", "new"),
]


@pytest.mark.parametrize(("field", "value", "nickname", "inbound", "outbound"), PHONE_FIELDS)
async def test_each_field_of_a_phone_absent_null_and_given(
    caller: Caller, field: str, value: Any, nickname: str | None, inbound: str | None, outbound: str | None
) -> None:
    agents = {name: await create_agent(caller.world, caller.tenant) for name in ("old", "new")}
    phone = await phone_with_everything(caller)
    path = f"/v1/phone/{phone['id']}"
    old = agents["old"][1].id
    await caller.send("PATCH", path, json={"inbound_version_id": old, "outbound_version_id": old})

    answer = await caller.send("PATCH", path, json=sent(**{field: agents["new"][1].id if value == "new" else value}))
    assert answer.status_code == 200
    assert answer.json() == {
        **phone,
        "nickname": nickname,
        "inbound_agent_id": None if inbound is None else agents[inbound][0].id,
        "outbound_agent_id": None if outbound is None else agents[outbound][0].id,
    }
    assert await caller.phone(phone["id"]) == answer.json()


#: Half, field, value sent, what then differs from BEFORE, and the password that is then stored.
SIP_FIELDS: list[tuple[str, str, Any, dict[str, Any], str | None]] = [
    ("inbound_config", "media_encryption", ABSENT, {}, "carrier-secret"),
    ("inbound_config", "media_encryption", None, {}, "carrier-secret"),
    ("inbound_config", "media_encryption", "disable", {"inbound_media_encryption": "disable"}, "carrier-secret"),
    ("inbound_config", "allowed_addresses", ABSENT, {}, "carrier-secret"),
    ("inbound_config", "allowed_addresses", None, {"allowed_addresses": None}, "carrier-secret"),
    ("inbound_config", "allowed_addresses", [], {"allowed_addresses": []}, "carrier-secret"),
    ("inbound_config", "allowed_addresses", ["10.0.0.1"], {"allowed_addresses": ["10.0.0.1"]}, "carrier-secret"),
    ("outbound_config", "media_encryption", None, {}, "carrier-secret"),
    ("outbound_config", "media_encryption", "require", {"outbound_media_encryption": "require"}, "carrier-secret"),
    ("outbound_config", "username", ABSENT, {}, "carrier-secret"),
    ("outbound_config", "username", None, {"username": None}, "carrier-secret"),
    ("outbound_config", "username", "other", {"username": "other"}, "carrier-secret"),
    ("outbound_config", "password", ABSENT, {}, "carrier-secret"),
    ("outbound_config", "password", None, {}, None),
    ("outbound_config", "password", "other-secret", {}, "other-secret"),
    ("outbound_config", "termination_uri", ABSENT, {}, "carrier-secret"),
    # removes the outbound side, and the credentials with it
    ("outbound_config", "termination_uri", None, {"termination_uri": None, "username": None}, None),
    ("outbound_config", "termination_uri", "c.example", {"termination_uri": "c.example"}, "carrier-secret"),
]


@pytest.mark.parametrize(("half", "field", "value", "changed", "stored"), SIP_FIELDS)
async def test_each_field_of_a_sip_config_absent_null_and_given(
    caller: Caller, half: str, field: str, value: Any, changed: dict[str, Any], stored: str | None
) -> None:
    phone = await phone_with_everything(caller)
    answer = await caller.send("PATCH", f"/v1/phone/{phone['id']}/sip-config", json={half: sent(**{field: value})})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {**phone, "sip_config": {**BEFORE, **changed}}
    assert await caller.phone(phone["id"]) == answer.json()
    assert await password(caller, phone["id"]) == stored


@pytest.mark.parametrize(("inbound", "outbound"), list(itertools.product((ABSENT, None, {}), repeat=2)))
async def test_a_half_that_is_absent_null_or_empty_changes_nothing(caller: Caller, inbound: Any, outbound: Any) -> None:
    phone = await phone_with_everything(caller)
    before = await dump(caller.world)
    body = sent(inbound_config=inbound, outbound_config=outbound)
    answer = await caller.send("PATCH", f"/v1/phone/{phone['id']}/sip-config", json=body)
    assert (answer.status_code, answer.json()) == (200, phone)
    assert await dump(caller.world) == before


async def test_a_null_termination_drops_the_credentials_even_if_new_ones_come_with_it(caller: Caller) -> None:
    phone = await phone_with_everything(caller)
    body = {"outbound_config": {"termination_uri": None, "username": "u", "password": "p", "media_encryption": "allow"}}
    answer = await caller.send("PATCH", f"/v1/phone/{phone['id']}/sip-config", json=body)
    assert answer.json()["sip_config"] == {
        **BEFORE,
        "termination_uri": None,
        "username": None,
        "outbound_media_encryption": "allow",
    }
    assert await password(caller, phone["id"]) is None


@pytest.mark.parametrize(
    "outbound", [{}, {"username": "u"}, {"password": None}, {"media_encryption": "require"}, {"unknown": 1}]
)
async def test_outbound_settings_without_a_termination_are_422_on_a_phone_that_has_none(
    caller: Caller, outbound: dict[str, Any]
) -> None:
    phone = await caller.imported(outbound_config=None)
    path = f"/v1/phone/{phone['id']}/sip-config"
    body = {"inbound_config": {"allowed_addresses": []}, "outbound_config": outbound}
    refused = await caller.refused("PATCH", path, 422, json=body)
    assert refused == {
        "detail": [{"loc": ["body", "outbound_config", "termination_uri"], "msg": "Field required", "type": "missing"}]
    }
    assert await caller.phone(phone["id"]) == phone, "the inbound half was stored"


async def test_a_phone_gains_its_outbound_side_later_and_can_lose_it_twice(caller: Caller) -> None:
    phone = await caller.imported(outbound_config=None)
    path = f"/v1/phone/{phone['id']}/sip-config"
    outbound = {"termination_uri": "c.example:5061", "username": "u", "password": "p"}
    gained = (await caller.send("PATCH", path, json={"outbound_config": outbound})).json()["sip_config"]
    assert (gained["termination_uri"], gained["username"]) == ("c.example:5061", "u")
    assert await password(caller, phone["id"]) == "p"
    for _ in range(2):
        lost = await caller.send("PATCH", path, json={"outbound_config": {"termination_uri": None}})
        assert lost.json() == phone


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({"inbound_config": 5}, ["body", "inbound_config"]),
        ({"outbound_config": "x"}, ["body", "outbound_config"]),
        ({"inbound_config": {"media_encryption": "x"}}, ["body", "inbound_config", "media_encryption"]),
        ({"inbound_config": {"allowed_addresses": ["x"]}}, ["body", "inbound_config", "allowed_addresses", 0]),
        ({"outbound_config": {"termination_uri": "sip:x"}}, ["body", "outbound_config", "termination_uri"]),
        ({"outbound_config": {"termination_uri": ""}}, ["body", "outbound_config", "termination_uri"]),
        ({"outbound_config": {"termination_uri": "x:99999"}}, ["body", "outbound_config", "termination_uri"]),
        ({"outbound_config": {"username": {}}}, ["body", "outbound_config", "username"]),
        ({"outbound_config": {"password": 5}}, ["body", "outbound_config", "password"]),
        ({"outbound_config": {"password": "a\nb"}}, ["body", "outbound_config", "password"]),
    ],
)
async def test_what_a_sip_config_does_not_take_is_refused_with_its_place(
    caller: Caller, body: Any, loc: list[str | int]
) -> None:
    phone = await phone_with_everything(caller)
    before = await dump(caller.world)
    refused = await caller.refused("PATCH", f"/v1/phone/{phone['id']}/sip-config", 422, json=body)
    assert locations(refused) == [loc]
    assert await dump(caller.world) == before
