"""The native API: the feed of events."""

from datetime import timedelta
from functools import partial

import pytest

from cordboard.domain.events import Happened
from cordboard.domain.tenants import TenantId
from cordboard.usecases.events import emit
from tests.builders import World, create_tenant, unknown_id
from tests.dialects.native.admin import Admin, pointers

pytestmark = pytest.mark.anyio


async def tell(world: World, count: int) -> tuple[TenantId, str]:
    """A tenant, and a call of its to which that much has happened."""
    tenant, call = await create_tenant(world, f"Tenant {unknown_id()}"), unknown_id()
    told = [
        Happened(
            type="call.started", tenant=tenant, subject=call, at=world.clock() + timedelta(seconds=n), data={"n": n}
        )
        for n in range(count)
    ]
    await world.store.write(None, partial(emit, happened=told))
    return tenant, call


async def test_events_are_listed_newest_first_and_shown_one_by_one(admin: Admin) -> None:
    tenant, call = await tell(admin.world, 3)
    answer = (await admin.send("GET", "/events", params={"tenant_id": tenant, "type": "call.*", "limit": 2})).json()
    assert [event["data"]["n"] for event in answer["data"]] == [2, 1]
    newest = answer["data"][0]
    assert newest == {
        "id": newest["id"],
        "type": "call.started",
        "timestamp": "2026-01-10T12:00:02.000000Z",
        "tenant_id": tenant,
        "subject": call,
        "data": {"n": 2},
    }
    assert (await admin.done("GET", f"/events/{newest['id']}", status=200)) == newest
    rest = (await admin.send("GET", "/events", params={"subject": call, "after": answer["next"]})).json()
    assert ([event["data"]["n"] for event in rest["data"]], rest["next"]) == ([0], None)
    between = {"from": "2026-01-10T12:00:01Z", "to": "2026-01-10T12:00:02Z", "subject": call}
    found = (await admin.send("GET", "/events", params=between)).json()["data"]
    assert [event["data"]["n"] for event in found] == [1]


async def test_what_is_no_event_no_type_and_no_cursor_is_refused(admin: Admin) -> None:
    await admin.refused("GET", f"/events/{unknown_id()}", status=404, code="unknown-event")
    await admin.refused("GET", "/events", params={"after": unknown_id()}, status=400, code="unknown-cursor")
    problem = await admin.refused("GET", "/events", params={"type": "call*"}, status=422, code="invalid")
    assert pointers(problem) == ["type"]
