"""`?dry_run=true`: what would be touched is told, what would be refused is refused, and nothing is changed."""

from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from cordboard.domain.calls import Call, CallId, State
from cordboard.domain.tenants import TenantId
from cordboard.storage import calls
from tests.builders import (
    World,
    create_account,
    create_agent,
    create_customer,
    create_key,
    create_operator,
    create_tenant,
    dump,
    import_number,
    route,
    unknown_id,
)
from tests.dialects.native.admin import Admin

pytestmark = pytest.mark.anyio

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOTHING = {
    "dry_run": True,
    "numbers": 0,
    "first_numbers": [],
    "trunks": 0,
    "agents": 0,
    "accounts": 0,
    "keys": 0,
    "live_calls": 0,
}


async def add_call(world: World, *, ended: bool = False, **of: str) -> None:
    """A call, under way unless it is `ended`."""
    plain = dict.fromkeys(("number", "number_id", "trunk", "agent", "version", "caller", "called", "user_agent"), "")
    plain |= {"call_id": unknown_id(), "source": "udp:192.0.2.1:5060", "direction": "inbound", "offered": "rtp"}
    call = Call(
        id=CallId(unknown_id()),
        state=State.ENDED if ended else State.ANSWERED,
        started_at=AT,
        ended_at=AT if ended else None,
        **{**plain, **of},  # type: ignore[arg-type]  # each is text
    )
    await world.store.write(None, partial(calls.add, edge="edge", calls=[call]))


async def furnish(admin: Admin) -> tuple[TenantId, dict[str, Any], dict[str, Any], str]:
    """A tenant with a number that an agent answers: the number as shown, its agent's id and its account's."""
    world = admin.world
    tenant = await create_tenant(world, f"Tenant {unknown_id()}")
    agent, version = await create_agent(world, tenant)
    row = await route(world, tenant, await import_number(world, tenant), inbound_version=version.id)
    account = await create_account(world, tenant, f"a{unknown_id()[:8]}")
    await create_key(world, tenant)
    whose: dict[str, str] = {"tenant": tenant, "number_id": row.id, "trunk": str(row.trunk_id), "agent": agent.id}
    await add_call(world, **whose)
    await add_call(world, **{**whose, "trunk": "", "agent": "", "number_id": "", "caller": account.username})
    await add_call(world, ended=True, **whose)
    await add_call(world, caller=account.username, tenant=await create_tenant(world))  # another's, who writes so
    number = (await admin.send("GET", f"/numbers/{row.id}")).json()
    return tenant, number, {"id": agent.id, "version": version.id}, account.id


async def test_each_preview_counts_what_would_be_touched_and_changes_nothing(admin: Admin) -> None:
    tenant, number, agent, account = await furnish(admin)
    key = (await admin.send("GET", f"/tenants/{tenant}/keys")).json()["data"][0]["id"]
    one = {"numbers": 1, "first_numbers": [number["number"]]}
    everything = {**one, "trunks": 1, "agents": 1, "accounts": 1, "keys": 1, "live_calls": 2}
    unpublish = {"version_id": None}
    before = await dump(admin.world)
    for method, path, body, told in (
        ("DELETE", f"/tenants/{tenant}", ..., everything),
        ("DELETE", f"/numbers/{number['id']}", ..., {**one, "trunks": 1, "live_calls": 1}),
        ("PATCH", f"/numbers/{number['id']}", {"inbound_agent_id": None}, {**one, "trunks": 1, "live_calls": 1}),
        ("DELETE", f"/trunks/{number['trunk_id']}", ..., {**one, "trunks": 1, "live_calls": 1}),
        ("PATCH", f"/trunks/{number['trunk_id']}", {"gateways": []}, {**one, "trunks": 1, "live_calls": 1}),
        ("DELETE", f"/agents/{agent['id']}?detach=true", ..., {**one, "agents": 1, "live_calls": 1}),
        ("PUT", f"/agents/{agent['id']}/published-version", unpublish, {**one, "agents": 1, "live_calls": 1}),
        ("DELETE", f"/accounts/{account}", ..., {"accounts": 1, "live_calls": 1}),
        ("DELETE", f"/keys/{key}", ..., {"keys": 1}),
    ):
        answer = await admin.send(method, f"{path}{'&' if '?' in path else '?'}dry_run=true", body)
        assert (answer.status_code, answer.json()) == (200, NOTHING | told), path
    assert await dump(admin.world) == before


async def test_what_would_be_refused_is_refused(admin: Admin) -> None:
    operator = await create_operator(admin.world, f"o-{unknown_id()}")
    await create_customer(admin.world, operator.id)
    tenant, number, agent, _ = await furnish(admin)
    dry = {"dry_run": True}
    path = f"/operators/{operator.id}"
    await admin.refused("DELETE", path, status=409, code="operator-has-customers", params=dry)
    trunk = f"/trunks/{number['trunk_id']}"
    await admin.refused("PATCH", trunk, {"username": "u"}, status=409, code="gateway-missing", params=dry)
    stale = {"If-Match": '"another"'}
    for path in (trunk, f"/tenants/{tenant}", f"/numbers/{number['id']}", f"/agents/{agent['id']}"):
        await admin.refused("DELETE", path, status=412, code="precondition-failed", params=dry, headers=stale)
    await admin.refused("DELETE", f"/agents/{agent['id']}", status=409, code="agent-in-use")
    await admin.refused("DELETE", f"/agents/{agent['id']}", status=409, code="agent-in-use", params=dry)


async def test_the_preview_of_many_numbers_names_twenty(admin: Admin) -> None:
    tenant = await create_tenant(admin.world, f"Tenant {unknown_id()}")
    for _ in range(25):
        await import_number(admin.world, tenant)
    told = (await admin.send("DELETE", f"/tenants/{tenant}", params={"dry_run": True})).json()
    assert (told["numbers"], len(set(told["first_numbers"]))) == (25, 20)
