"""What the native API does not take, and from whom: a problem that says why, and nothing changed."""

import re
from dataclasses import replace
from typing import Any

import pytest

from cordboard.domain.addresses import HostPolicy
from cordboard.domain.tenants import TenantId
from tests.builders import (
    ADMIN_TOKEN,
    World,
    create_tenant,
    dump,
    fresh_number,
    unknown_id,
)
from tests.dialects.native.admin import Admin, Problem, pointers

pytestmark = pytest.mark.anyio


UNKNOWN = {
    "create_key": ("POST", "/tenants/{id}/keys", {}, "unknown-tenant"),
    "list_keys": ("GET", "/tenants/{id}/keys", ..., "unknown-tenant"),
    "revoke_key": ("DELETE", "/keys/{id}", ..., "unknown-key"),
    "create_agent": ("POST", "/tenants/{id}/agents", {"name": "x", "sip_uri": "sip:a.example"}, "unknown-tenant"),
    "list_agents": ("GET", "/tenants/{id}/agents", ..., "unknown-tenant"),
    "create_version": ("POST", "/agents/{id}/versions", {"sip_uri": "sip:a.example"}, "unknown-agent"),
    "list_versions": ("GET", "/agents/{id}/versions", ..., "unknown-agent"),
    "publish_version": ("PUT", "/agents/{id}/published-version", {"version_id": None}, "unknown-agent"),
    "list_trunks": ("GET", "/trunks?tenant_id={id}", ..., "unknown-tenant"),
    "get_trunk": ("GET", "/trunks/{id}", ..., "unknown-trunk"),
    "update_trunk": ("PATCH", "/trunks/{id}", {"name": "x"}, "unknown-trunk"),
    "list_numbers": ("GET", "/numbers?tenant_id={id}", ..., "unknown-tenant"),
}


@pytest.mark.parametrize("operation", UNKNOWN)
async def test_an_unknown_id_is_404_and_what_is_no_id_is_422(admin: Admin, operation: str) -> None:
    method, path, body, code = UNKNOWN[operation]
    id = unknown_id()
    problem = await admin.refused(method, path.format(id=id), body, status=404, code=code)
    assert id in problem["detail"]
    for bad in ("5", "x", "%00", "'--"):
        await admin.refused(method, path.format(id=bad), body, status=422, code="invalid")


async def test_a_number_for_an_unknown_tenant_is_404_and_an_unknown_number_too(admin: Admin, tenant: TenantId) -> None:
    body = {"number": fresh_number(), "tenant_id": unknown_id()}
    await admin.refused("POST", "/numbers", body, status=404, code="unknown-tenant")
    await admin.refused("POST", "/numbers/assign", body, status=404, code="unknown-tenant")
    body = {"number": fresh_number(), "tenant_id": tenant}
    await admin.refused("POST", "/numbers/assign", body, status=404, code="unknown-number")


AGENT = {"name": "x", "sip_uri": "sip:a.example"}


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/tenants", {}, "/name"),
        ("/tenants", {"name": ""}, "/name"),
        ("/tenants", {"name": "a\0b"}, "/name"),
        ("/tenants", {"name": "x" * 256}, "/name"),
        ("/tenants", {"name": 5}, "/name"),
        ("/tenants", {"name": "x", "reference": ""}, "/reference"),
        ("/tenants", {"name": "x", "colour": "red"}, "/colour"),  # a field that is not known is refused by name
        ("/tenants", {"name": "x", "a/b~c": 1}, "/a~1b~0c"),  # RFC 6901
        ("/tenants", [], ""),
        ("/tenants", None, ""),
        ("/tenants/{tenant}/keys", {"permissions": ["phones.fly"]}, "/permissions"),
        ("/tenants/{tenant}/keys", {"permissions": "phones.view"}, "/permissions"),
        ("/tenants/{tenant}/keys", {"name": ""}, "/name"),
        ("/tenants/{tenant}/agents", {"sip_uri": "sip:a.example"}, "/name"),
        ("/tenants/{tenant}/agents", {"name": "x"}, "/sip_uri"),
        ("/tenants/{tenant}/agents", {**AGENT, "sip_uri": "a.example"}, "/sip_uri"),
        ("/tenants/{tenant}/agents", {**AGENT, "sip_uri": "sip:a.example?Route=x"}, "/sip_uri"),
        ("/tenants/{tenant}/agents", {**AGENT, "sip_uri": "sip:a.example:0"}, "/sip_uri"),
        ("/tenants/{tenant}/agents", {**AGENT, "from_addresses": ["10.0.0.0/33"]}, "/from_addresses/0"),
        ("/tenants/{tenant}/agents", {**AGENT, "from_addresses": None}, "/from_addresses"),
        ("/tenants/{tenant}/agents", {**AGENT, "version_name": ""}, "/version_name"),
        ("/tenants/{tenant}/agents", {**AGENT, "is_draft": "maybe"}, "/is_draft"),
        ("/numbers", {}, "/number"),
        ("/numbers", {"number": "911234567"}, "/number"),
        ("/numbers", {"number": "sip:a@b"}, "/number"),
        ("/numbers", {"number": "+34911234567", "status": "released"}, "/status"),
        ("/numbers", {"number": "+34911234567", "status": "assigned"}, ""),  # an assigned number needs a tenant
        ("/numbers", {"number": "+34911234567", "tenant_id": "x"}, "/tenant_id"),
        ("/numbers", {"number": "+34911234567", "region_codes": ["'--"]}, "/region_codes/0"),
        ("/numbers", {"number": "+34911234567", "allowed_addresses": ["x"]}, "/allowed_addresses/0"),
        ("/numbers/assign", {"number": "+34911234567"}, ""),
    ],
)
async def test_what_is_not_taken_is_refused_with_its_place(
    admin: Admin, tenant: TenantId, path: str, body: Any, pointer: str
) -> None:
    problem = await admin.refused("POST", path.format(tenant=tenant), body, status=422, code="invalid")
    assert pointers(problem) == [pointer]


@pytest.mark.parametrize("query", ["ref=a%00b", "limit=0", "limit=1001", "limit=x", "after=x", "limit=" + "9" * 5000])
async def test_a_query_outside_the_schema_is_refused(admin: Admin, query: str) -> None:
    problem = await admin.refused("GET", f"/tenants?{query}", status=422, code="invalid")
    assert pointers(problem) == [query.partition("=")[0]]


async def test_bodies_that_are_not_json_or_too_large_are_refused(admin: Admin) -> None:
    for content in (b"", b"{", b"\xff", b'{"name": "\\ud800"}', b"[" * 100_000, b'{"name": ' + b"9" * 10_000 + b"}"):
        problem = await admin.refused("POST", "/tenants", status=422, code="invalid", content=content)
        assert problem["status"] == 422
    large = b" " * 11_000_000
    await admin.refused("POST", "/tenants", status=413, code="body-too-large", content=large)


async def test_what_is_no_operation_is_a_problem_too(admin: Admin) -> None:
    await admin.refused("GET", "/nothing", status=404, code="no-such-path")
    await admin.refused("PATCH", "/tenants", {}, status=405, code="method-not-allowed")
    answer = await admin.send("PATCH", "/tenants", {})
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


async def test_a_private_agent_is_refused_where_the_installation_does_not_allow_it(sqlite_world: World) -> None:
    sqlite_world.context = replace(sqlite_world.context, hosts=HostPolicy(allow_private=False))
    tenant = await create_tenant(sqlite_world)
    async with sqlite_world.client(ADMIN_TOKEN) as http:
        admin = Admin(world=sqlite_world, http=http)
        for host in ("127.0.0.1", "10.0.0.1:5070", "[::1]", "localhost", "agent.local"):
            body = {"name": "x", "sip_uri": f"sip:agent@{host}"}
            problem = await admin.refused("POST", f"/tenants/{tenant}/agents", body, status=422, code="invalid")
            assert pointers(problem) == ["/sip_uri"]
        await admin.done("POST", f"/tenants/{tenant}/agents", AGENT)


@pytest.mark.parametrize("token", [None, "", "wrong", ADMIN_TOKEN + "x", ADMIN_TOKEN[:-1], "\xff"])
async def test_without_credentials_every_operation_is_401(admin: Admin, tenant: TenantId, token: str | None) -> None:
    headers = {} if token is None else {"Authorization": f"Bearer {token}".encode("latin-1")}
    document = (await admin.send("GET", "/openapi.json")).json()
    before = await dump(admin.world)
    tried = 0
    async with admin.world.client() as stranger:
        for path, methods in document["paths"].items():
            for method in methods:
                answer = await stranger.request(
                    method.upper(), re.sub(r"\{\w+\}", tenant, path), json={}, headers=headers
                )
                tried += 1
                assert answer.status_code == 401, (method, path)
                assert answer.headers["www-authenticate"].startswith("Bearer, Basic ")
                assert Problem.model_validate(answer.json()).code == "unauthenticated"
    assert tried >= 35
    assert await dump(admin.world) == before


async def test_the_administrator_s_token_opens_no_tenant(admin: Admin) -> None:
    async with admin.world.client(ADMIN_TOKEN) as client:
        assert (await client.get("/v1/phone/")).status_code == 401
