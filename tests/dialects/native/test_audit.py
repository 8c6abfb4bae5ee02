"""The audit log as it is read: who changed what, newest first, and never a secret."""

import secrets
from datetime import timedelta
from typing import Any

import pytest

from cordboard.domain.tenants import TenantId
from cordboard.domain.times import to_wire
from tests.builders import (
    ADMIN_TOKEN,
    World,
    create_agent,
    create_key,
    create_tenant,
    fresh_number,
    import_number,
    unknown_id,
)
from tests.dialects.native.admin import Admin

pytestmark = pytest.mark.anyio


async def entries(admin: Admin, **query: Any) -> list[dict[str, Any]]:
    """All of them, in pages."""
    found: list[dict[str, Any]] = []
    after = None
    while True:
        params = {"limit": 100, **query, **({} if after is None else {"after": after})}
        answer = await admin.send("GET", "/audit", params=params)
        assert answer.status_code == 200, answer.text
        found += answer.json()["data"]
        after = answer.json()["next"]
        if after is None:
            return found


async def test_a_change_says_who_what_when_from_what_to_what(admin: Admin, tenant: TenantId) -> None:
    trunk = await admin.done("POST", "/trunks", {"tenant_id": tenant, "name": "Carrier"})
    key = await create_key(admin.world, tenant)
    async with admin.world.client(key) as http:
        await http.patch(f"/cordboard/v1/trunks/{trunk['id']}", json={"name": "Other"})
    newest, oldest = await entries(admin, object_id=trunk["id"])
    assert newest == {
        "id": newest["id"],
        "at": to_wire(admin.world.clock()),
        "actor": newest["actor"],
        "action": "update",
        "kind": "trunk",
        "object_id": trunk["id"],
        "tenant_id": tenant,
        "fields": {"name": ["Carrier", "Other"]},
    }
    assert newest["actor"].startswith("key:")
    assert (oldest["actor"], oldest["action"], oldest["id"] < newest["id"]) == ("admin", "create", True)


async def test_entries_are_found_by_tenant_kind_actor_and_time_each_once_over_pages(world: World) -> None:
    tenant, other = await create_tenant(world), await create_tenant(world)
    async with world.client(ADMIN_TOKEN) as http:
        admin = Admin(world=world, http=http)
        made: list[str] = []
        instants = []
        for _ in range(12):
            world.clock.advance(minutes=10)
            instants.append(world.clock())
            made.append(await import_number(world, tenant))
            await import_number(world, other)
        rows = "number,allowed_addresses\n" + "".join(f"{fresh_number()},192.0.2.1\n" for _ in range(250))
        begun = await admin.done("POST", "/imports", {"tenant_id": tenant})
        world.clock.advance(minutes=10)
        await admin.send("PUT", f"/imports/{begun['id']}/rows", params={"from": 0}, content=rows.encode())

        everything = await entries(admin)
        ids = [each["id"] for each in everything]
        assert ids == sorted(set(ids), reverse=True)
        numbers = await entries(admin, tenant_id=tenant, kind="number")
        assert [each["object_id"] for each in numbers[250:]] == made[::-1]
        assert len({each["object_id"] for each in numbers}) == 262
        assert {each["tenant_id"] for each in await entries(admin, tenant_id=other)} == {other}
        assert await entries(admin, tenant_id=tenant, actor="clockwork") == []
        between = {"from": to_wire(instants[4]), "to": to_wire(instants[7])}
        found = await entries(admin, tenant_id=tenant, kind="number", **between)
        assert [each["object_id"] for each in found] == made[4:7][::-1]
        later = to_wire(world.clock() + timedelta(days=1))
        assert await entries(admin, **{"from": later}) == []
        assert await entries(admin, to="2025-01-01") == []
        assert await entries(admin, to=later) == everything


async def test_a_key_reads_its_own_tenant_s_entries_alone(admin: Admin, tenant: TenantId) -> None:
    theirs = await create_tenant(admin.world, f"Tenant {unknown_id()}")
    id = await import_number(admin.world, theirs)
    async with admin.world.client(await create_key(admin.world, tenant)) as http:
        own = Admin(world=admin.world, http=http)
        assert {each["tenant_id"] for each in await entries(own)} == {tenant}
        assert await entries(own, object_id=id) == []
        await own.refused("GET", "/audit", status=404, code="unknown-tenant", params={"tenant_id": theirs})


async def test_no_secret_is_in_the_audit_log_wherever_one_can_be_set(admin: Admin, tenant: TenantId) -> None:
    known: list[str] = []

    def secret() -> str:
        known.append(f"S{secrets.token_hex(12)}")
        return known[-1]

    trunk = await admin.done(
        "POST",
        "/trunks",
        {
            "tenant_id": tenant,
            "name": "Carrier",
            "gateways": [{"host": "sip.carrier.example"}],
            "username": "u",
            "password": secret(),
            "inbound_username": f"in-{unknown_id()[:8]}",
            "inbound_password": secret(),
            "options": {"headers": [{"name": "X-Token", "value": secret()}]},
        },
    )
    changes = {"password": secret(), "inbound_password": secret()}
    await admin.done("PATCH", f"/trunks/{trunk['id']}", changes, status=200)
    headers = {"options": {"headers": [{"name": "X-Token", "value": secret()}]}}
    await admin.done("PATCH", f"/trunks/{trunk['id']}", headers, status=200)
    assert next(each["fields"] for each in await entries(admin, object_id=trunk["id"])) == {"headers": ["set"]}
    agent = {
        "name": "A",
        "sip_uri": "sip:a@agent.example",
        "auth_username": "u",
        "auth_password": secret(),
        "username": f"a-{unknown_id()[:8]}",
        "headers": [{"name": "X-Token", "value": secret()}],
    }
    known.append((await admin.done("POST", f"/tenants/{tenant}/agents", agent))["password"])
    account = await admin.done("POST", f"/tenants/{tenant}/accounts", {"password": secret()})
    await admin.done("PATCH", f"/accounts/{account['id']}", {"password": secret()}, status=200)
    known.append((await admin.done("POST", f"/tenants/{tenant}/keys", {}))["key"])
    operator = await admin.done("POST", "/operators", {"name": f"o-{unknown_id()[:8]}"})
    known.append(operator["password"])
    body = {"number": fresh_number(), "termination_uri": "sip.example", "username": "u", "password": secret()}
    await admin.done("POST", f"/tenants/{tenant}/numbers", body)
    begun = await admin.done("POST", "/imports", {"tenant_id": tenant})
    rows = f"number,termination_uri,username,password\n{fresh_number()},sip.example,u,{secret()}\n"
    answer = await admin.send("PUT", f"/imports/{begun['id']}/rows", params={"from": 0}, content=rows.encode())
    assert answer.json()["imported"] == 1
    webhook = {"url": "https://hooks.example/x", "tenant_id": tenant}
    known.append((await admin.done("POST", "/webhooks", webhook))["secret"])

    told = [await entries(admin), await entries(admin, tenant_id=tenant)]
    assert len(told[1]) >= 10
    assert [each for each in known if each in str(told)] == []
    assert str(told).count("['set']") >= 4


async def test_an_agent_s_changes_are_found_by_its_id(admin: Admin, tenant: TenantId) -> None:
    agent, version = await create_agent(admin.world, tenant)
    found = await entries(admin, object_id=agent.id)
    assert [(each["action"], each["fields"]) for each in found] == [
        ("publish", {"published": [None, version.id]}),
        ("create", {"name": [None, "Support"]}),
    ]
