"""Getting, updating and releasing a phone, with what the documentation leaves open decided one way.

https://docs.diga.io/api-reference/phones/get-phone
https://docs.diga.io/api-reference/phones/update-phone
https://docs.diga.io/api-reference/phones/release-phone-number
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from cordboard.domain.numbers import Status
from tests.builders import (
    World,
    add_platform_number,
    add_version,
    create_agent,
    create_tenant,
    dump,
    fresh_number,
    unknown_id,
)
from tests.dialects.diga.caller import Caller, calling, locations

pytestmark = pytest.mark.anyio


@pytest.fixture
async def caller(shared_world: World) -> AsyncIterator[Caller]:
    async with calling(shared_world) as made:
        yield made


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


async def test_another_tenant_cannot_be_told_from_nobody(caller: Caller) -> None:
    other = await create_tenant(caller.world)
    row = await add_platform_number(caller.world, tenant=other)
    refused = await caller.refused("GET", f"/v1/phone/{row.id}", 404)
    assert refused["message"] == f"Phone {row.id} not found"


async def test_an_agent_known_by_an_address_of_another_project_s_agent_needs_credentials(caller: Caller) -> None:
    _, theirs = await create_agent(caller.world, await create_tenant(caller.world), from_addresses=["198.51.100.0/24"])
    agent, _ = await create_agent(caller.world, caller.tenant, from_addresses=["198.51.100.7"], draft=True)
    version = await add_version(caller.world, agent)
    phone = await caller.imported()
    body = {"nickname": "Not stored", "outbound_version_id": version.id}
    refused = await caller.refused("PATCH", f"/v1/phone/{phone['id']}", 400, json=body)
    assert refused["error_code"] == "BAD_PARAMETER"
    assert "shared-address" in refused["message"]
    assert refused["message"].endswith("use credentials")
    assert theirs.tenant not in refused["message"]
    assert await caller.phone(phone["id"]) == phone
