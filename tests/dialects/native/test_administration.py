"""The native API: tenants, keys, agents and their versions, platform-owned numbers."""

import re
from typing import Any

import pytest

from cordboard.domain.tenants import TenantId
from tests.builders import (
    add_version,
    create_agent,
    create_tenant,
    fresh_number,
    import_number,
    route,
    unknown_id,
)
from tests.dialects.native.admin import Admin

pytestmark = pytest.mark.anyio

UUID = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
INSTANT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$"


async def test_a_tenant_is_made_and_found_by_name_reference_and_id(admin: Admin) -> None:
    name, reference = f"Acme {unknown_id()}", unknown_id()[:8]
    made = await admin.done("POST", "/tenants", {"name": f" {name} ", "reference": reference})
    assert made == {
        "id": made["id"],
        "name": name,
        "reference": reference,
        "operator_id": None,
        "language": "EN",
        "capacity_limit": None,
        "account_limit": None,
        "termination_mode": "operator",
        "accounts": 0,
        "created_at": made["created_at"],
    }
    assert re.match(UUID, made["id"])
    assert re.match(INSTANT, made["created_at"])
    for ref in (name, reference, made["id"]):
        answer = await admin.send("GET", "/tenants", params={"ref": ref})
        assert answer.json() == {"data": [made], "next": None}


async def test_a_name_of_several_tenants_is_ambiguous_and_their_ids_are_listed(admin: Admin) -> None:
    name = f"Twin {unknown_id()}"
    ids = sorted([(await admin.done("POST", "/tenants", {"name": name}))["id"] for _ in range(3)])
    problem = await admin.refused("GET", "/tenants", status=409, code="ambiguous-tenant", params={"ref": name})
    assert problem["ids"] == ids
    # what one tenant is called by, wins over what another is named
    owner = await admin.done("POST", "/tenants", {"name": "Other", "reference": name})
    assert (await admin.send("GET", "/tenants", params={"ref": name})).json()["data"] == [owner]


@pytest.mark.parametrize("ref", ["nobody", "", "' or 1=1 --", "%", "x" * 5000, "00000000-0000-4000-8000-000000000000"])
async def test_a_tenant_that_is_not_there_is_404(admin: Admin, ref: str) -> None:
    await admin.refused("GET", "/tenants", status=404, code="unknown-tenant", params={"ref": ref})


async def test_a_reference_belongs_to_one_tenant(admin: Admin) -> None:
    reference = unknown_id()
    await admin.done("POST", "/tenants", {"name": "First", "reference": reference})
    await admin.refused(
        "POST", "/tenants", {"name": "Second", "reference": reference}, status=409, code="reference-taken"
    )


async def test_tenants_are_listed_in_pages(admin: Admin) -> None:
    for _ in range(5):
        await create_tenant(admin.world)
    everything = (await admin.send("GET", "/tenants?limit=1000")).json()["data"]
    assert [t["id"] for t in everything] == sorted(t["id"] for t in everything)
    walked: list[Any] = []
    while True:
        after = f"&after={walked[-1]['id']}" if walked else ""
        page = (await admin.send("GET", f"/tenants?limit=2{after}")).json()["data"]
        if not page:
            break
        walked += page
    assert walked == everything


async def test_a_key_is_shown_once_and_works_at_once_and_no_more_once_revoked(admin: Admin, tenant: TenantId) -> None:
    body = {"name": "CI", "permissions": ["phones.import", "phones.view"]}
    made = await admin.done("POST", f"/tenants/{tenant}/keys", body)
    assert made == {
        "id": made["id"],
        "tenant_id": tenant,
        "name": "CI",
        "permissions": ["phones.view", "phones.import"],
        "last_four_digits": made["key"][-4:],
        "created_at": made["created_at"],
        "key": made["key"],
    }
    listed = await admin.done("GET", f"/tenants/{tenant}/keys", status=200)
    assert listed == {"data": [{name: value for name, value in made.items() if name != "key"}], "next": None}
    async with admin.world.client(made["key"]) as client:
        assert (await client.get("/v1/phone/")).status_code == 200
        assert await admin.done("DELETE", f"/keys/{made['id']}", status=204) is None
        assert (await client.get("/v1/phone/")).status_code == 401
    assert await admin.done("GET", f"/tenants/{tenant}/keys", status=200) == {"data": [], "next": None}
    await admin.refused("DELETE", f"/keys/{made['id']}", status=404, code="unknown-key")


@pytest.mark.parametrize(
    ("permissions", "shown"),
    [(None, None), ([], []), (["phones.view", "phones.view"], ["phones.view"])],
)
async def test_a_key_without_permissions_named_is_unrestricted_and_an_empty_list_is_none_at_all(
    admin: Admin, tenant: TenantId, permissions: Any, shown: Any
) -> None:
    made = await admin.done("POST", f"/tenants/{tenant}/keys", {"permissions": permissions})
    assert made["permissions"] == shown
    assert (await admin.done("POST", f"/tenants/{tenant}/keys", {}))["permissions"] is None


async def test_an_agent_is_made_with_its_first_version_published(admin: Admin, tenant: TenantId) -> None:
    body = {
        "name": "Support",
        "sip_uri": "sip:{number}@agent.example;transport=tcp",
        "version_name": "first",
        "from_addresses": [" 192.0.2.1 ", "2001:db8::/32"],
    }
    made = await admin.done("POST", f"/tenants/{tenant}/agents", body)
    assert made == {
        "agent_id": made["agent_id"],
        "tenant_id": tenant,
        "name": "Support",
        "published_version_id": made["version_id"],
        "created_at": made["created_at"],
        "version_id": made["version_id"],
        "username": None,
        "password": None,
    }
    listed = await admin.done("GET", f"/tenants/{tenant}/agents", status=200)
    first = ("version_id", "username", "password")
    assert listed == {"data": [{name: value for name, value in made.items() if name not in first}], "next": None}
    versions = await admin.done("GET", f"/agents/{made['agent_id']}/versions", status=200)
    assert versions == {
        "data": [
            {
                "version_id": made["version_id"],
                "agent_id": made["agent_id"],
                "tenant_id": tenant,
                "version_number": 1,
                "version_name": "first",
                "sip_uri": "sip:{number}@agent.example;transport=tcp",
                "from_addresses": ["192.0.2.1", "2001:db8::/32"],
                "username": None,
                "encryption": "disable",
                "auth_username": None,
                "headers": [],
                "codecs": [],
                "tls_verify": True,
                "is_draft": False,
                "version_created_at": made["created_at"],
            }
        ],
        "next": None,
    }


async def test_a_draft_is_not_published_and_a_version_is_published_by_hand(admin: Admin, tenant: TenantId) -> None:
    body = {"name": "Support", "sip_uri": "sip:agent.example", "is_draft": True}
    agent = await admin.done("POST", f"/tenants/{tenant}/agents", body)
    assert agent["published_version_id"] is None
    path = f"/agents/{agent['agent_id']}/published-version"
    await admin.refused("PUT", path, {"version_id": agent["version_id"]}, status=409, code="refused")
    saved = await admin.done("POST", f"/agents/{agent['agent_id']}/versions", {"sip_uri": "sip:agent.example"})
    assert (saved["version_number"], saved["is_draft"]) == (2, False)
    shown = await admin.done("PUT", path, {"version_id": saved["version_id"]}, status=200)
    assert shown["published_version_id"] == saved["version_id"]
    shown = await admin.done("PUT", path, {"version_id": None}, status=200)
    assert shown["published_version_id"] is None


async def test_publishing_by_hand_reaches_every_number_of_the_agent(admin: Admin, tenant: TenantId) -> None:
    agent, first = await create_agent(admin.world, tenant)
    second = await add_version(admin.world, agent)
    for _ in range(2):
        number = await import_number(admin.world, tenant)
        await route(admin.world, tenant, number, inbound_version=first.id)
    path = f"/agents/{agent.id}/published-version"
    assert (await admin.done("PUT", path, {"version_id": second.id}, status=200))["published_version_id"] == second.id


async def test_a_version_of_another_agent_or_nobody_is_404(admin: Admin, tenant: TenantId) -> None:
    agent, _ = await create_agent(admin.world, tenant)
    _, foreign = await create_agent(admin.world, await create_tenant(admin.world))
    _, sibling = await create_agent(admin.world, tenant)
    for id in (foreign.id, sibling.id, agent.id, unknown_id()):
        path = f"/agents/{agent.id}/published-version"
        await admin.refused("PUT", path, {"version_id": id}, status=404, code="unknown-version")


async def test_a_platform_number_waits_is_assigned_and_is_listed(admin: Admin, tenant: TenantId) -> None:
    number = fresh_number()
    waiting = await admin.done("POST", "/numbers", {"number": number, "region_codes": ["M"]})
    assert (waiting["status"], waiting["provider"], waiting["tenant_id"]) == ("reserved", "netelip", None)
    assert (waiting["reservation_expires_at"], waiting["region_codes"]) == (None, ["M"])
    assigned = await admin.done("POST", "/numbers/assign", {"number": number, "tenant_id": tenant}, status=200)
    assert assigned == {
        **waiting,
        "tenant_id": tenant,
        "status": "assigned",
        "assigned_at": "2026-01-10T12:00:00.000000Z",
    }
    listed = await admin.done("GET", f"/numbers?tenant_id={tenant}", status=200)
    assert listed == {"data": [assigned], "next": None, "names": {assigned["trunk_id"]: assigned["number"]}}
    again = {"number": number, "tenant_id": tenant}
    await admin.refused("POST", "/numbers/assign", again, status=409, code="refused")
    await admin.refused("POST", "/numbers", {"number": number}, status=409, code="number-taken")


async def test_a_platform_number_can_be_a_tenant_s_at_once(admin: Admin, tenant: TenantId) -> None:
    body = {"number": fresh_number(), "tenant_id": tenant, "status": "assigned", "allowed_addresses": ["192.0.2.0/24"]}
    made = await admin.done("POST", "/numbers", body)
    assert (made["status"], made["tenant_id"]) == ("assigned", tenant)
    reserved = await admin.done("POST", "/numbers", {"number": fresh_number(), "tenant_id": tenant})
    assert (reserved["status"], reserved["reservation_expires_at"]) == ("reserved", "2026-01-11T12:00:00.000000Z")
    other = await create_tenant(admin.world)
    body = {"number": reserved["number"], "tenant_id": other}
    await admin.refused("POST", "/numbers/assign", body, status=409, code="refused")


async def test_numbers_are_listed_in_pages_in_both_orders(admin: Admin, tenant: TenantId) -> None:
    ids = [await import_number(admin.world, tenant) for _ in range(5)]
    for order in ("asc", "desc"):
        walked: list[str] = []
        query: dict[str, Any] = {"tenant_id": tenant, "limit": 2, "order": order}
        while True:
            page = (await admin.send("GET", "/numbers", params=query)).json()
            walked += [number["id"] for number in page["data"]]
            if page["next"] is None:
                break
            query["after"] = page["next"]
        assert walked == sorted(ids, reverse=order == "desc")
    query = {"tenant_id": tenant, "after": unknown_id()}
    await admin.refused("GET", "/numbers", status=400, code="unknown-cursor", params=query)
