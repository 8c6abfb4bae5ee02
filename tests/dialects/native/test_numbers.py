"""The native API's numbers and agents: one by one, and in lists."""

from typing import Any

import pytest

from cordboard.domain.tenants import TenantId
from tests.builders import (
    add_platform_number,
    add_version,
    create_agent,
    create_key,
    create_tenant,
    dump,
    fresh_number,
    import_number,
    unknown_id,
)
from tests.dialects.native.admin import Admin

pytestmark = pytest.mark.anyio


async def listed(admin: Admin, path: str, **query: Any) -> list[dict[str, Any]]:
    """All pages of two."""
    found: list[dict[str, Any]] = []
    after = {}
    while True:
        page = (await admin.send("GET", path, params={"limit": 2, **after, **query})).json()
        assert len(page["data"]) <= 2
        found += page["data"]
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


async def test_a_number_is_imported_shown_changed_and_released(admin: Admin, tenant: TenantId) -> None:
    number = fresh_number()
    body = {"number": number, "nickname": "Desk", "allowed_addresses": ["192.0.2.0/24"], "media_in": "require"}
    made = await admin.done("POST", f"/tenants/{tenant}/numbers", body)
    path = f"/numbers/{made['id']}"
    answer = await admin.send("GET", path)
    assert answer.json() == made
    assert answer.json()["nickname"] == "Desk"
    alone = {"data": [made], "next": None, "names": {made["trunk_id"]: number}}
    assert (await admin.send("GET", "/numbers", params={"number": number})).json() == alone
    trunk = (await admin.send("GET", f"/trunks/{made['trunk_id']}")).json()
    assert (trunk["allowed_addresses"], trunk["media_in"], trunk["gateways"]) == (["192.0.2.0/24"], "require", [])

    other = await admin.done("POST", "/trunks", {"tenant_id": tenant, "name": "Carrier"})
    agent, version = await create_agent(admin.world, tenant)
    newer = await add_version(admin.world, agent)
    change = {"nickname": None, "trunk_id": other["id"], "inbound_agent_id": agent.id}
    changed = await admin.send("PATCH", path, change, headers={"If-Match": answer.headers["etag"]})
    assert changed.json() == made | change
    names = (await admin.send("GET", "/numbers", params={"tenant_id": tenant})).json()["names"]
    assert names == {other["id"]: "Carrier", agent.id: agent.name}
    await admin.refused("GET", f"/trunks/{made['trunk_id']}", status=404, code="unknown-trunk")
    changed = await admin.send("PATCH", path, {"outbound_version_id": newer.id, "inbound_agent_id": None})
    assert changed.json()["outbound_agent_id"] == agent.id
    assert (await admin.send("GET", f"/agents/{agent.id}")).json()["published_version_id"] == newer.id
    assert version.id != newer.id
    await admin.done("DELETE", path, status=204)
    await admin.refused("GET", path, status=404, code="unknown-number")


async def test_a_number_is_imported_onto_a_trunk_that_stands(admin: Admin, tenant: TenantId) -> None:
    trunk = await admin.done("POST", "/trunks", {"tenant_id": tenant, "name": "Carrier"})
    agent, _ = await create_agent(admin.world, tenant)
    body = {"number": fresh_number(), "trunk_id": trunk["id"], "inbound_agent_id": agent.id}
    made = await admin.done("POST", f"/tenants/{tenant}/numbers", body)
    assert (made["trunk_id"], made["inbound_agent_id"]) == (trunk["id"], agent.id)
    path = f"/tenants/{tenant}/numbers"
    await admin.refused("POST", path, body, status=409, code="number-taken")
    another = {**body, "number": fresh_number()}
    await admin.refused("POST", path, {**another, "trunk_id": unknown_id()}, status=404, code="unknown-trunk")
    await admin.refused("POST", path, {**another, "media_in": "allow"}, status=422, code="invalid")
    credentials = {"number": fresh_number(), "username": "u", "password": "secret-of-the-carrier"}
    problem = await admin.refused("POST", path, credentials, status=422, code="invalid")
    assert "secret-of-the-carrier" not in str(problem)


async def test_numbers_are_listed_by_what_they_are_connected_to_and_by_how_they_begin(
    admin: Admin, tenant: TenantId
) -> None:
    trunk = await admin.done("POST", "/trunks", {"tenant_id": tenant, "name": "Carrier"})
    agent, _ = await create_agent(admin.world, tenant)
    numbers = [f"+3495123{n:04d}" for n in (5, 3, 9, 1, 7)]
    for number in numbers:
        await admin.done("POST", f"/tenants/{tenant}/numbers", {"number": number})
    other = await admin.done(
        "POST",
        f"/tenants/{tenant}/numbers",
        {"number": "+34952000000", "trunk_id": trunk["id"], "inbound_agent_id": agent.id},
    )
    bought = await add_platform_number(admin.world, tenant=tenant)
    theirs = await import_number(admin.world, await create_tenant(admin.world), "+34951239999")

    async def found(**query: Any) -> list[str]:
        return [row["number"] for row in await listed(admin, "/numbers", tenant_id=tenant, **query)]

    assert theirs
    assert await found(prefix="+34951") == sorted(numbers)
    assert await found(prefix="+3495") == [*sorted(numbers), other["number"]]
    assert await found(prefix="+3495", inbound_agent_id=agent.id) == [other["number"]]
    assert await found(trunk_id=trunk["id"]) == [other["number"]]
    assert await found(inbound_agent_id=agent.id) == [other["number"]]
    assert await found(status="reserved") == [bought.number]
    assert len(await found()) == 7
    await admin.refused(
        "GET", "/numbers", status=400, code="unknown-cursor", params={"tenant_id": tenant, "after": unknown_id()}
    )
    gone = {"tenant_id": tenant, "prefix": "+3495", "after": unknown_id()}
    await admin.refused("GET", "/numbers", status=400, code="unknown-cursor", params=gone)


async def test_an_agent_is_shown_renamed_and_deleted(admin: Admin, tenant: TenantId) -> None:
    agent, version = await create_agent(admin.world, tenant)
    path = f"/agents/{agent.id}"
    shown = (await admin.send("GET", path)).json()
    assert (shown["name"], shown["published_version_id"]) == ("Support", version.id)
    answer = await admin.send("PATCH", path, {"name": " Sales "})
    assert answer.json() == shown | {"name": "Sales"}
    assert (await admin.send("PATCH", path, {})).json()["name"] == "Sales"
    one = (await admin.send("GET", f"{path}/versions/{version.id}")).json()
    assert one == (await admin.send("GET", f"{path}/versions")).json()["data"][0]
    other, _ = await create_agent(admin.world, tenant)
    elsewhere = f"/agents/{other.id}/versions/{version.id}"
    await admin.refused("GET", elsewhere, status=404, code="unknown-version")
    await admin.done("DELETE", path, status=204)
    await admin.refused("GET", path, status=404, code="unknown-agent")


async def test_an_agent_in_use_goes_only_if_it_is_taken_from_its_numbers(admin: Admin, tenant: TenantId) -> None:
    agent, _ = await create_agent(admin.world, tenant)
    trunk = await admin.done("POST", "/trunks", {"tenant_id": tenant, "name": "Carrier"})
    rows = "number\n" + "".join(f"{fresh_number()}\n" for _ in range(600))
    choices = {"tenant_id": tenant, "trunk": trunk["id"], "inbound_agent": agent.id, "outbound_agent": agent.id}
    begun = await admin.done("POST", "/imports", choices)
    await admin.send("PUT", f"/imports/{begun['id']}/rows", params={"from": 0}, content=rows.encode())
    path = f"/agents/{agent.id}"
    problem = await admin.refused("DELETE", path, status=409, code="agent-in-use")
    assert "600 numbers" in problem["detail"]
    assert (await admin.send("DELETE", path, params={"detach": True})).status_code == 204
    log = [row for row in (await dump(admin.world))["change"] if row["tenant_id"] == tenant]
    left = [row["object_id"] for row in log if row["kind"] == "number" and row["action"] == "update"]
    assert len(left) == 1200
    assert len(set(left)) == 600
    where = {"tenant_id": tenant, "inbound_agent_id": agent.id}
    assert (await admin.send("GET", "/numbers", params=where)).json()["data"] == []


async def test_agents_versions_and_keys_come_in_pages_oldest_first(admin: Admin, tenant: TenantId) -> None:
    agents = [(await create_agent(admin.world, tenant))[0] for _ in range(5)]
    versions = [await add_version(admin.world, agents[0]) for _ in range(4)]
    for _ in range(5):
        await create_key(admin.world, tenant)
    found = await listed(admin, f"/tenants/{tenant}/agents")
    assert sorted(row["agent_id"] for row in found) == sorted(agent.id for agent in agents)
    found = await listed(admin, f"/agents/{agents[0].id}/versions")
    assert [row["version_id"] for row in found][1:] == [version.id for version in versions]
    keys = await listed(admin, f"/tenants/{tenant}/keys")
    assert len({row["id"] for row in keys}) == 5
    assert (await admin.send("GET", f"/keys/{keys[0]['id']}")).json() == keys[0]
    gone = {"after": unknown_id()}
    for path in (f"/tenants/{tenant}/agents", f"/agents/{agents[0].id}/versions", f"/tenants/{tenant}/keys"):
        await admin.refused("GET", path, status=400, code="unknown-cursor", params=gone)
