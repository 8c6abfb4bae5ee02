"""Importing a phone: both bodies, every field, and what is refused.

https://docs.diga.io/api-reference/phones/import-phone-number
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from cordboard.domain.addresses import HostPolicy
from tests.builders import (
    World,
    dump,
    fresh_number,
    import_body,
)
from tests.dialects.diga.caller import Caller, calling, locations

pytestmark = pytest.mark.anyio


@pytest.fixture
async def caller(shared_world: World) -> AsyncIterator[Caller]:
    async with calling(shared_world) as made:
        yield made


async def test_an_import_answers_200_with_every_field(caller: Caller) -> None:
    number = fresh_number()
    phone = await caller.imported(number=number)
    assert phone == {
        "id": phone["id"],
        "number": number,
        "telephony_provider": "custom",
        "status": "assigned",  # right after the import
        "nickname": "Front desk",
        "released_at": None,
        "scheduled_release_at": None,
        "assigned_at": "2026-01-10T12:00:00.000000Z",  # now, in UTC with Z
        "inbound_agent_id": None,
        "outbound_agent_id": None,
        "sip_config": {
            "termination_uri": "127.0.1.1:5080",
            "username": "carrier-user",
            "inbound_media_encryption": "allow",
            "outbound_media_encryption": "allow",
            "allowed_addresses": ["127.0.1.0/24"],
        },
        "checkout_url": None,
        "reservation_expires_at": None,
        "region_codes": [],
    }
    assert await caller.phone(phone["id"]) == phone


INBOUND_ONLY = {
    "termination_uri": None,
    "username": None,
    "inbound_media_encryption": "allow",
    "outbound_media_encryption": "allow",
    "allowed_addresses": None,
}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        # the number alone: defaults, inbound only
        ({}, INBOUND_ONLY),
        # each part is nullable
        ({"nickname": None, "inbound_config": None, "outbound_config": None, "sip_config": None}, INBOUND_ONLY),
        # an inbound part of nothing: defaults
        ({"inbound_config": {}}, INBOUND_ONLY),
        ({"inbound_config": {"allowed_addresses": None}}, INBOUND_ONLY),
        # an empty list accepts all, and is shown as it is
        ({"inbound_config": {"allowed_addresses": []}}, {**INBOUND_ONLY, "allowed_addresses": []}),
        # addresses as sent, trimmed: no /32, host bits kept
        (
            {"inbound_config": {"allowed_addresses": [" 10.0.0.1 ", "10.1.2.3/8", "2001:DB8::1"]}},
            {**INBOUND_ONLY, "allowed_addresses": ["10.0.0.1", "10.1.2.3/8", "2001:DB8::1"]},
        ),
        # each encryption of each direction
        (
            {"inbound_config": {"media_encryption": "require"}},
            {**INBOUND_ONLY, "inbound_media_encryption": "require"},
        ),
        (
            {"inbound_config": {"media_encryption": "disable"}},
            {**INBOUND_ONLY, "inbound_media_encryption": "disable"},
        ),
        (
            {"outbound_config": {"termination_uri": "sip.carrier.example", "media_encryption": "require"}},
            {
                **INBOUND_ONLY,
                "termination_uri": "sip.carrier.example",
                "outbound_media_encryption": "require",
            },
        ),
        # host and port, trimmed; credentials are optional and nullable
        (
            {"outbound_config": {"termination_uri": " sip.carrier.example:5060 ", "username": None, "password": None}},
            {**INBOUND_ONLY, "termination_uri": "sip.carrier.example:5060"},
        ),
        # IPv6 in brackets
        (
            {"outbound_config": {"termination_uri": "[2001:db8::1]:5061", "username": "u"}},
            {**INBOUND_ONLY, "termination_uri": "[2001:db8::1]:5061", "username": "u"},
        ),
        # the older body: sip_config is the outbound part
        (
            {"sip_config": {"termination_uri": "sip.carrier.example", "username": "u", "password": "carrier-secret"}},
            {**INBOUND_ONLY, "termination_uri": "sip.carrier.example", "username": "u"},
        ),
        # the older outbound part with the newer inbound part
        (
            {
                "sip_config": {"termination_uri": "sip.carrier.example"},
                "inbound_config": {"allowed_addresses": ["192.0.2.1"]},
            },
            {**INBOUND_ONLY, "termination_uri": "sip.carrier.example", "allowed_addresses": ["192.0.2.1"]},
        ),
        # fields that nobody knows are ignored, at each depth
        ({"transport": "tls", "inbound_config": {"codec": "opus"}}, INBOUND_ONLY),
    ],
)
async def test_an_import_body_becomes_a_sip_config(
    caller: Caller, body: dict[str, Any], expected: dict[str, Any]
) -> None:
    answer = await caller.send("POST", "/v1/phone/import", json={"phone_number": fresh_number(), **body})
    assert answer.status_code == 200, answer.text
    assert answer.json()["sip_config"] == expected


@pytest.mark.parametrize(
    ("changes", "loc"),
    [
        # phone_number: required, a string, at least one character, E.164 or user@domain
        ({"phone_number": ...}, ["body", "phone_number"]),
        ({"phone_number": None}, ["body", "phone_number"]),
        ({"phone_number": ""}, ["body", "phone_number"]),
        ({"phone_number": 34911234567}, ["body", "phone_number"]),
        ({"phone_number": ["+34911234567"]}, ["body", "phone_number"]),
        ({"phone_number": "911234567"}, ["body", "phone_number"]),
        ({"phone_number": "sip:user@domain.com"}, ["body", "phone_number"]),
        ({"phone_number": "+34911234567'; drop table number; --"}, ["body", "phone_number"]),
        # nickname: a string or null
        ({"nickname": 5}, ["body", "nickname"]),
        ({"nickname": "x" * 256}, ["body", "nickname"]),
        ({"nickname": "a\0b"}, ["body", "nickname"]),
        # inbound_config
        ({"inbound_config": "x"}, ["body", "inbound_config"]),
        ({"inbound_config": []}, ["body", "inbound_config"]),
        # media_encryption is not nullable on import
        ({"inbound_config": {"media_encryption": None}}, ["body", "inbound_config", "media_encryption"]),
        ({"inbound_config": {"media_encryption": "ALLOW"}}, ["body", "inbound_config", "media_encryption"]),
        ({"inbound_config": {"allowed_addresses": "10.0.0.1"}}, ["body", "inbound_config", "allowed_addresses"]),
        (
            {"inbound_config": {"allowed_addresses": ["10.0.0.1", "10.0.0.0/33"]}},
            ["body", "inbound_config", "allowed_addresses", 1],
        ),
        ({"inbound_config": {"allowed_addresses": [None]}}, ["body", "inbound_config", "allowed_addresses", 0]),
        ({"inbound_config": {"allowed_addresses": [1]}}, ["body", "inbound_config", "allowed_addresses", 0]),
        (
            {"inbound_config": {"allowed_addresses": [f"10.{n // 100}.{n % 100}.1" for n in range(1001)]}},
            ["body", "inbound_config", "allowed_addresses"],
        ),
        # outbound_config: termination_uri is required inside it, and not nullable
        ({"outbound_config": {}}, ["body", "outbound_config", "termination_uri"]),
        ({"outbound_config": {"termination_uri": None}}, ["body", "outbound_config", "termination_uri"]),
        ({"outbound_config": {"termination_uri": ""}}, ["body", "outbound_config", "termination_uri"]),
        ({"outbound_config": {"termination_uri": 5}}, ["body", "outbound_config", "termination_uri"]),
        ({"outbound_config": {"termination_uri": "sip:c.example"}}, ["body", "outbound_config", "termination_uri"]),
        ({"outbound_config": {"termination_uri": "sips:c.example"}}, ["body", "outbound_config", "termination_uri"]),
        ({"outbound_config": {"termination_uri": "c example"}}, ["body", "outbound_config", "termination_uri"]),
        ({"outbound_config": {"termination_uri": "c.example:0"}}, ["body", "outbound_config", "termination_uri"]),
        ({"outbound_config": {"termination_uri": "c.example:65536"}}, ["body", "outbound_config", "termination_uri"]),
        ({"outbound_config": {"termination_uri": "2001:db8::1"}}, ["body", "outbound_config", "termination_uri"]),
        (
            {"outbound_config": {"termination_uri": "c.example", "username": 5}},
            ["body", "outbound_config", "username"],
        ),
        (
            {"outbound_config": {"termination_uri": "c.example", "username": "a\r\nb"}},
            ["body", "outbound_config", "username"],
        ),
        (
            {"outbound_config": {"termination_uri": "c.example", "password": ["p"]}},
            ["body", "outbound_config", "password"],
        ),
        (
            {"outbound_config": {"termination_uri": "c.example", "media_encryption": None}},
            ["body", "outbound_config", "media_encryption"],
        ),
        # the older body
        ({"sip_config": {}, "outbound_config": None}, ["body", "sip_config", "termination_uri"]),
        (
            {"sip_config": {"termination_uri": None}, "outbound_config": None},
            ["body", "sip_config", "termination_uri"],
        ),
        # both bodies at once
        ({"sip_config": {"termination_uri": "c.example"}}, ["body"]),
    ],
)
async def test_what_an_import_does_not_take_is_refused_with_its_place(
    caller: Caller, changes: dict[str, Any], loc: list[str | int]
) -> None:
    body = {k: v for k, v in import_body(**changes).items() if v is not ...}
    before = await dump(caller.world)
    refused = await caller.refused("POST", "/v1/phone/import", 422, json=body)
    assert loc in locations(refused)
    assert await dump(caller.world) == before


async def test_a_number_that_is_in_use_is_409_for_its_owner_and_for_others_alike(caller: Caller) -> None:
    number = fresh_number()
    await caller.imported(number=number)
    own = await caller.refused("POST", "/v1/phone/import", 409, json=import_body(number))
    async with calling(caller.world) as other:
        before = await dump(caller.world)
        foreign = await other.refused("POST", "/v1/phone/import", 409, json=import_body(number))
        assert await dump(caller.world) == before
    assert own == foreign
    assert own == {"status": "error", "error_code": "DUPLICATE_FIELD", "message": f"{number} is already in use"}


async def test_a_sip_identifier_is_a_number_too(caller: Caller) -> None:
    phone = await caller.imported(number="Support@PBX.Example")
    assert phone["number"] == "Support@pbx.example"
    await caller.refused("POST", "/v1/phone/import", 409, json=import_body("Support@pbx.example"))
    assert (await caller.imported(number="support@pbx.example"))["id"] != phone["id"], "the user's case matters"


async def test_a_private_termination_is_refused_where_the_installation_does_not_allow_it(
    sqlite_world: World,
) -> None:
    sqlite_world.context = replace(sqlite_world.context, hosts=HostPolicy(allow_private=False))
    async with calling(sqlite_world) as caller:
        for host in ("127.0.0.1", "10.0.0.1:5060", "localhost", "[::1]", "[::ffff:10.0.0.1]:5060"):
            body = import_body(outbound_config={"termination_uri": host})
            refused = await caller.refused("POST", "/v1/phone/import", 422, json=body)
            assert locations(refused) == [["body", "outbound_config", "termination_uri"]]
            assert "CORDBOARD_ALLOW_PRIVATE_HOSTS" in refused["detail"][0]["msg"]
        phone = await caller.imported(outbound_config={"termination_uri": "sip.carrier.example"})
        path = f"/v1/phone/{phone['id']}/sip-config"
        patch = {"outbound_config": {"termination_uri": "192.168.1.1"}}
        assert locations(await caller.refused("PATCH", path, 422, json=patch)) == [
            ["body", "outbound_config", "termination_uri"]
        ]
