"""The native API: tenants, keys, agents and their versions, platform-owned numbers."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import httpx2
import pytest
from pydantic import BaseModel, ConfigDict, Field

from cordboard.domain.addresses import HostPolicy
from cordboard.domain.tenants import TenantId
from tests.builders import (
    ADMIN_TOKEN,
    World,
    add_version,
    create_agent,
    create_key,
    create_tenant,
    dump,
    fresh_number,
    import_number,
    route,
    unknown_id,
)

pytestmark = pytest.mark.anyio

BASE = "/cordboard/v1"
UUID = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
INSTANT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$"


class Problem(BaseModel):
    """https://www.rfc-editor.org/rfc/rfc9457: problem details, with our code and what belongs to it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: Literal["about:blank"]
    title: str = Field(min_length=1)
    status: int
    code: str = Field(pattern=r"^[a-z]+(-[a-z]+)*$")
    detail: str = Field(min_length=1)
    errors: list[dict[str, str]] | None = None
    ids: list[str] | None = None


@dataclass
class Admin:
    """The administrator's client."""

    world: World
    http: httpx2.AsyncClient

    async def send(self, method: str, path: str, body: Any = ..., **options: Any) -> httpx2.Response:
        if body is not ...:
            options["json"] = body
        answer = await self.http.request(method, BASE + path, **options)
        if not answer.is_success:
            assert answer.headers["content-type"] == "application/problem+json"
            assert Problem.model_validate(answer.json()).status == answer.status_code
        return answer

    async def done(self, method: str, path: str, body: Any = ..., status: int = 201) -> Any:
        answer = await self.send(method, path, body)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def refused(self, method: str, path: str, body: Any = ..., *, status: int, code: str, **options: Any) -> Any:
        """The problem of an operation that must fail, and change nothing."""
        before = await dump(self.world)
        answer = await self.send(method, path, body, **options)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert await dump(self.world) == before
        return answer.json()


@pytest.fixture
async def admin(shared_world: World) -> AsyncIterator[Admin]:
    async with shared_world.client(ADMIN_TOKEN) as http:
        yield Admin(world=shared_world, http=http)


@pytest.fixture
async def tenant(shared_world: World) -> TenantId:
    return await create_tenant(shared_world, f"Tenant {unknown_id()}")


def pointers(problem: Any) -> list[str]:
    return [error["pointer"] for error in problem["errors"]]


async def test_a_tenant_is_made_and_found_by_name_reference_and_id(admin: Admin) -> None:
    name, reference = f"Acme {unknown_id()}", unknown_id()[:8]
    made = await admin.done("POST", "/tenants", {"name": f" {name} ", "reference": reference})
    assert made == {"id": made["id"], "name": name, "reference": reference, "created_at": made["created_at"]}
    assert re.match(UUID, made["id"])
    assert re.match(INSTANT, made["created_at"])
    for ref in (name, reference, made["id"]):
        answer = await admin.send("GET", "/tenants", params={"ref": ref})
        assert answer.json() == {"data": [made]}


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
    assert listed == {"data": [{name: value for name, value in made.items() if name != "key"}]}
    async with admin.world.client(made["key"]) as client:
        assert (await client.get("/v1/phone/")).status_code == 200
        assert await admin.done("DELETE", f"/keys/{made['id']}", status=204) is None
        assert (await client.get("/v1/phone/")).status_code == 401
    assert await admin.done("GET", f"/tenants/{tenant}/keys", status=200) == {"data": []}
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
    }
    listed = await admin.done("GET", f"/tenants/{tenant}/agents", status=200)
    assert listed == {"data": [{name: value for name, value in made.items() if name != "version_id"}]}
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
                "is_draft": False,
                "version_created_at": made["created_at"],
            }
        ]
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
    assert listed == {"data": [assigned], "next": None}
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


UNKNOWN = {
    "create_key": ("POST", "/tenants/{id}/keys", {}, "unknown-tenant"),
    "list_keys": ("GET", "/tenants/{id}/keys", ..., "unknown-tenant"),
    "revoke_key": ("DELETE", "/keys/{id}", ..., "unknown-key"),
    "create_agent": ("POST", "/tenants/{id}/agents", {"name": "x", "sip_uri": "sip:a.example"}, "unknown-tenant"),
    "list_agents": ("GET", "/tenants/{id}/agents", ..., "unknown-tenant"),
    "create_version": ("POST", "/agents/{id}/versions", {"sip_uri": "sip:a.example"}, "unknown-agent"),
    "list_versions": ("GET", "/agents/{id}/versions", ..., "unknown-agent"),
    "publish_version": ("PUT", "/agents/{id}/published-version", {"version_id": None}, "unknown-agent"),
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
        ("/numbers/assign", {"number": "+34911234567"}, "/tenant_id"),
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


@pytest.mark.parametrize("token", [None, "", "wrong", ADMIN_TOKEN + "x", ADMIN_TOKEN[:-1], "tenant's", "\xff"])
async def test_without_the_administrator_s_token_every_operation_is_401(
    admin: Admin, tenant: TenantId, token: str | None
) -> None:
    if token == "tenant's":
        token = await create_key(admin.world, tenant)
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
                assert answer.headers["www-authenticate"] == "Bearer"
                assert Problem.model_validate(answer.json()).code == "unauthenticated"
    assert tried == 13
    assert await dump(admin.world) == before


async def test_the_administrator_s_token_opens_no_tenant(admin: Admin) -> None:
    async with admin.world.client(ADMIN_TOKEN) as client:
        assert (await client.get("/v1/phone/")).status_code == 401
