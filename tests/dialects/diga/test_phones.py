"""Diga's operations on phones, each row of the contract's sections 3, 6 and 7 with its test.

https://docs.diga.io/api-reference/phones/import-phone-number, update-phone, update-sip-config,
release-phone-number, get-phone
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from cordboard.domain.addresses import HostPolicy
from cordboard.domain.numbers import Status
from tests.builders import (
    World,
    add_platform_number,
    add_version,
    create_agent,
    create_tenant,
    dump,
    fresh_number,
    import_body,
    unknown_id,
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
        "status": "assigned",  # section 7: status right after import
        "nickname": "Front desk",
        "released_at": None,
        "scheduled_release_at": None,
        "assigned_at": "2026-01-10T12:00:00.000000Z",  # section 7: assigned_at = now; dates in UTC with Z
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
        # phone_number: required, a string, at least one character, E.164 or user@domain (section 7)
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


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("PATCH", ""), ("PATCH", "/sip-config"), ("DELETE", "")])
async def test_an_unknown_phone_is_404_with_its_id(caller: Caller, method: str, path: str) -> None:
    id = unknown_id()
    body = {} if method == "PATCH" else None
    assert await caller.refused(method, f"/v1/phone/{id}{path}", 404, json=body) == {
        "status": "error",
        "error_code": "PHONE_NOT_FOUND",
        "message": f"Phone {id} not found",
    }


@pytest.mark.parametrize(
    ("method", "path", "parameter"),
    [
        ("GET", "/v1/phone/{}", "phone_id"),
        ("PATCH", "/v1/phone/{}", "phone_id"),
        ("PATCH", "/v1/phone/{}/sip-config", "phone_id"),
        ("DELETE", "/v1/phone/{}", "id"),  # the parameter's name differs on release
    ],
)
@pytest.mark.parametrize("id", ["5", "not-a-uuid", "00000000-0000-0000-0000-00000000000", "%00", "'--"])
async def test_an_id_that_is_no_uuid_is_422(caller: Caller, method: str, path: str, parameter: str, id: str) -> None:
    body = {} if method == "PATCH" else None
    assert locations(await caller.refused(method, path.format(id), 422, json=body)) == [["path", parameter]]


async def test_an_id_is_found_in_capitals_too(caller: Caller) -> None:
    phone = await caller.imported()
    assert await caller.phone(phone["id"].upper()) == phone


async def test_an_imported_phone_is_gone_at_once_and_can_be_imported_again(caller: Caller) -> None:
    number = fresh_number()
    phone = await caller.imported(number=number)
    answer = await caller.send("DELETE", f"/v1/phone/{phone['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    await caller.refused("GET", f"/v1/phone/{phone['id']}", 404)
    await caller.refused("DELETE", f"/v1/phone/{phone['id']}", 404)
    assert (await caller.send("GET", "/v1/phone/")).json()["data"] == []
    assert (await caller.imported(number=number))["id"] != phone["id"]


async def test_a_bought_phone_is_released_at_the_end_of_its_month(caller: Caller) -> None:
    row = await add_platform_number(caller.world, tenant=caller.tenant, status=Status.ASSIGNED)
    before = await caller.phone(row.id)
    assert (before["telephony_provider"], before["sip_config"]) == ("netelip", None)
    assert (await caller.send("DELETE", f"/v1/phone/{row.id}")).status_code == 204
    after = await caller.phone(row.id)
    assert after == {**before, "scheduled_release_at": "2026-02-10T12:00:00.000000Z"}
    assert (await caller.send("DELETE", f"/v1/phone/{row.id}")).status_code == 204, "ordering twice is harmless"
    assert await caller.phone(row.id) == after


async def test_a_reserved_phone_cannot_be_released(caller: Caller) -> None:
    row = await add_platform_number(caller.world, tenant=caller.tenant)
    phone = await caller.phone(row.id)
    assert (phone["status"], phone["reservation_expires_at"]) == ("reserved", "2026-01-11T12:00:00.000000Z")
    refused = await caller.refused("DELETE", f"/v1/phone/{row.id}", 400)
    assert refused["error_code"] == "BAD_PARAMETER"


async def test_the_sip_config_of_a_bought_phone_cannot_be_changed(caller: Caller) -> None:
    row = await add_platform_number(caller.world, tenant=caller.tenant, status=Status.ASSIGNED)
    for body in ({}, {"inbound_config": {"allowed_addresses": []}}):
        refused = await caller.refused("PATCH", f"/v1/phone/{row.id}/sip-config", 400, json=body)
        assert refused["error_code"] == "BAD_PARAMETER"


async def test_a_phone_takes_versions_and_shows_their_agents(caller: Caller) -> None:
    agent, version = await create_agent(caller.world, caller.tenant)
    phone = await caller.imported()
    body = {"inbound_version_id": version.id, "outbound_version_id": version.id}
    answer = await caller.send("PATCH", f"/v1/phone/{phone['id']}", json=body)
    assert answer.status_code == 200
    assert answer.json() == {**phone, "inbound_agent_id": agent.id, "outbound_agent_id": agent.id}
    assert await caller.phone(phone["id"]) == answer.json()


async def test_an_outbound_version_is_accepted_on_a_number_without_outbound_config(caller: Caller) -> None:
    agent, version = await create_agent(caller.world, caller.tenant)
    phone = await caller.imported(outbound_config=None)
    answer = await caller.send("PATCH", f"/v1/phone/{phone['id']}", json={"outbound_version_id": version.id})
    assert answer.json()["outbound_agent_id"] == agent.id


async def test_an_unknown_version_is_404_with_its_id(caller: Caller) -> None:
    phone = await caller.imported()
    id = unknown_id()
    for field in ("inbound_version_id", "outbound_version_id"):
        assert await caller.refused("PATCH", f"/v1/phone/{phone['id']}", 404, json={field: id}) == {
            "status": "error",
            "error_code": "AGENT_VERSION_NOT_FOUND",
            "message": f"Agent version {id} not found",
        }


async def test_an_agent_s_id_for_a_version_is_404_and_names_the_published_version(caller: Caller) -> None:
    agent, version = await create_agent(caller.world, caller.tenant)
    phone = await caller.imported()
    body = {"inbound_version_id": agent.id}
    refused = await caller.refused("PATCH", f"/v1/phone/{phone['id']}", 404, json=body)
    assert refused["error_code"] == "AGENT_VERSION_NOT_FOUND"
    assert version.id in refused["message"]


async def test_a_draft_and_a_version_published_elsewhere_are_400_and_change_nothing(caller: Caller) -> None:
    _, draft = await create_agent(caller.world, caller.tenant, draft=True)
    agent, version = await create_agent(caller.world, caller.tenant)
    newer = await add_version(caller.world, agent)
    phone, other = await caller.imported(), await caller.imported()
    await caller.send("PATCH", f"/v1/phone/{other['id']}", json={"inbound_version_id": version.id})
    before = await dump(caller.world)
    for body in (
        {"inbound_version_id": draft.id},
        {"outbound_version_id": newer.id},
        {"inbound_version_id": version.id, "outbound_version_id": newer.id},
    ):
        refused = await caller.refused("PATCH", f"/v1/phone/{phone['id']}", 400, json={"nickname": "x", **body})
        assert refused["error_code"] == "BAD_PARAMETER"
    assert await dump(caller.world) == before


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({"nickname": 5}, ["body", "nickname"]),
        ({"nickname": "x" * 256}, ["body", "nickname"]),
        ({"inbound_version_id": "x"}, ["body", "inbound_version_id"]),
        ({"inbound_version_id": 5}, ["body", "inbound_version_id"]),
        ({"outbound_version_id": ""}, ["body", "outbound_version_id"]),
        ({"outbound_version_id": []}, ["body", "outbound_version_id"]),
        ([], ["body"]),
        ("x", ["body"]),
        (None, ["body"]),
    ],
)
async def test_what_an_update_does_not_take_is_refused_with_its_place(
    caller: Caller, body: Any, loc: list[str | int]
) -> None:
    phone = await caller.imported()
    content = {"content": b"null"} if body is None else {"json": body}
    assert locations(await caller.refused("PATCH", f"/v1/phone/{phone['id']}", 422, **content)) == [loc]
    assert await caller.phone(phone["id"]) == phone


async def test_both_spellings_of_the_list_are_served(caller: Caller) -> None:
    await caller.imported()
    with_slash, without = await caller.send("GET", "/v1/phone/"), await caller.send("GET", "/v1/phone")
    assert (with_slash.status_code, without.status_code) == (200, 200)
    assert with_slash.json() == without.json()


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


async def test_another_tenant_cannot_be_told_from_nobody(caller: Caller) -> None:
    other = await create_tenant(caller.world)
    row = await add_platform_number(caller.world, tenant=other)
    refused = await caller.refused("GET", f"/v1/phone/{row.id}", 404)
    assert refused["message"] == f"Phone {row.id} not found"
