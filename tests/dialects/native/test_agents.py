"""The native API: how an agent is reached, and by what it is known when it places calls."""

import re
from typing import Any

import pytest

from cordboard.domain.tenants import TenantId
from tests.builders import create_tenant, dump, unknown_id
from tests.dialects.native.admin import Admin, pointers

pytestmark = pytest.mark.anyio

FULL = {
    "sip_uri": "sips:{number}@agent.example",
    "encryption": "require",
    "auth_username": "platform-user",
    "auth_password": "platform-secret",
    "headers": [{"name": "X-Routing", "value": " sales; team=2 "}, {"name": "X-Routing", "value": "again"}],
    "codecs": ["opus", "PCMA", "telephone-event"],
    "tls_verify": False,
}


def fresh_username() -> str:
    return f"agent.{unknown_id()[:8]}"


async def versions(admin: Admin, agent: Any) -> list[Any]:
    shown: list[Any] = (await admin.done("GET", f"/agents/{agent['agent_id']}/versions", status=200))["data"]
    return shown


async def test_a_version_says_how_the_agent_is_reached_and_no_password_is_shown(admin: Admin, tenant: TenantId) -> None:
    agent = await admin.done("POST", f"/tenants/{tenant}/agents", {"name": "A", **FULL})
    made = await admin.done("POST", f"/agents/{agent['agent_id']}/versions", FULL)
    first, second = await versions(admin, agent)
    for shown in (first, second, made):
        assert shown["encryption"] == "require"
        assert shown["auth_username"] == "platform-user"
        assert shown["headers"] == [
            {"name": "X-Routing", "value": "sales; team=2"},
            {"name": "X-Routing", "value": "again"},
        ]
        assert shown["codecs"] == ["opus", "PCMA", "telephone-event"]
        assert shown["tls_verify"] is False
        assert "platform-secret" not in str(shown)
    assert "platform-secret" not in str(await dump(admin.world)), "it is not sealed"


async def test_a_username_s_password_is_made_shown_once_and_sealed(admin: Admin, tenant: TenantId) -> None:
    username = fresh_username()
    body = {"name": "A", "sip_uri": "sip:a.example", "username": username}
    agent = await admin.done("POST", f"/tenants/{tenant}/agents", body)
    assert agent["username"] == username
    assert re.fullmatch(r"[A-Za-z0-9]{22,}", agent["password"]), "less than 128 bits"
    (first,) = await versions(admin, agent)
    assert (first["username"], "password" in first) == (username, False)
    assert agent["password"] not in str(await dump(admin.world))
    another = {"sip_uri": "sip:a.example", "username": username}
    again = await admin.done("POST", f"/agents/{agent['agent_id']}/versions", another)
    assert again["username"] == username
    assert again["password"] not in (None, agent["password"])


async def test_a_version_without_a_word_about_the_caller_is_known_by_what_the_one_before_was(
    admin: Admin, tenant: TenantId
) -> None:
    username, addresses = fresh_username(), ["192.0.2.0/24"]
    body = {"name": "A", "sip_uri": "sip:a.example", "username": username, "from_addresses": addresses}
    agent = await admin.done("POST", f"/tenants/{tenant}/agents", body)
    path = f"/agents/{agent['agent_id']}/versions"
    made = await admin.done("POST", path, {"sip_uri": "sip:b.example"})
    assert (made["username"], made["from_addresses"], made["password"]) == (username, addresses, None)
    made = await admin.done("POST", path, {"sip_uri": "sip:b.example", "username": None, "from_addresses": []})
    assert (made["username"], made["from_addresses"], made["password"]) == (None, [], None)
    # the published version counts, not the newest
    made = await admin.done("POST", path, {"sip_uri": "sip:b.example", "from_addresses": []})
    assert (made["username"], made["from_addresses"]) == (username, [])


async def test_a_username_belongs_to_one_agent_of_the_installation(admin: Admin, tenant: TenantId) -> None:
    body = {"name": "A", "sip_uri": "sip:a.example", "username": fresh_username()}
    await admin.done("POST", f"/tenants/{tenant}/agents", body)
    for other in (tenant, await create_tenant(admin.world)):
        problem = await admin.refused("POST", f"/tenants/{other}/agents", body, status=409, code="username-taken")
        assert body["username"] in problem["detail"]


async def test_an_address_that_is_another_tenant_s_agent_s_needs_credentials(admin: Admin, tenant: TenantId) -> None:
    body = {"name": "A", "sip_uri": "sip:a.example", "from_addresses": ["198.51.100.0/25"]}
    await admin.done("POST", f"/tenants/{tenant}/agents", body)
    other = await create_tenant(admin.world)
    for network in ("198.51.100.7", "198.51.100.0/24"):
        problem = await admin.refused(
            "POST", f"/tenants/{other}/agents", {**body, "from_addresses": [network]}, status=409, code="shared-address"
        )
        assert "shared-address" in problem["detail"]
        assert problem["detail"].endswith("use credentials")
        assert tenant not in problem["detail"]
    await admin.done("POST", f"/tenants/{other}/agents", {**body, "username": fresh_username()})
    draft = await admin.done("POST", f"/tenants/{other}/agents", {**body, "is_draft": True})
    saved = await admin.done("POST", f"/agents/{draft['agent_id']}/versions", {"sip_uri": "sip:a.example"})
    assert saved["from_addresses"] == body["from_addresses"]
    path = f"/agents/{draft['agent_id']}/published-version"
    await admin.refused("PUT", path, {"version_id": saved["version_id"]}, status=409, code="shared-address")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"username": ""}, "/username"),
        ({"username": "a b"}, "/username"),
        ({"username": 'a"b'}, "/username"),
        ({"username": "a" * 65}, "/username"),
        ({"username": "a\n"}, "/username"),
        ({"from_addresses": [f"2001:db8:{i:x}::1" for i in range(101)]}, "/from_addresses"),
        ({"encryption": "maybe"}, "/encryption"),
        ({"auth_username": "u"}, ""),  # both or none
        ({"auth_password": "p"}, ""),
        ({"auth_username": "", "auth_password": "p"}, "/auth_username"),
        ({"auth_username": "u\r\nX: y", "auth_password": "p"}, "/auth_username"),
        ({"headers": [{"name": "X-A"}]}, "/headers/0/value"),
        ({"headers": [{"name": "X-A", "value": "a\r\nVia: b"}]}, "/headers"),
        ({"headers": [{"name": "X-A", "value": " "}]}, "/headers"),
        ({"headers": [{"name": "X A", "value": "a"}]}, "/headers"),
        ({"headers": [{"name": "Route", "value": "<sip:a.example;lr>"}]}, "/headers"),
        ({"headers": [{"name": "p-asserted-identity", "value": "<sip:a.example>"}]}, "/headers"),
        ({"headers": [{"name": "m", "value": "<sip:a.example>"}]}, "/headers"),  # Contact in short
        ({"headers": [{"name": "X-A", "value": "a"}] * 17}, "/headers"),
        ({"headers": [{"name": "X-A", "value": "a" * 3000}]}, "/headers"),
        ({"codecs": ["GSM"]}, "/codecs"),
        ({"codecs": ["PCMA", "PCMA"]}, "/codecs"),
        ({"codecs": ["telephone-event"]}, "/codecs"),
        ({"tls_verify": "maybe"}, "/tls_verify"),
    ],
)
async def test_what_an_agent_cannot_have_is_refused_with_its_place(
    admin: Admin, tenant: TenantId, changes: Any, pointer: str
) -> None:
    body = {"name": "A", "sip_uri": "sip:a.example", **changes}
    problem = await admin.refused("POST", f"/tenants/{tenant}/agents", body, status=422, code="invalid")
    assert pointers(problem) == [pointer]
    assert "platform-secret" not in str(problem)
