"""The native API: webhooks, what was sent to them, and sending it again."""

import asyncio
from typing import Any

import pytest

from cordboard.domain.tenants import TenantId
from tests.builders import create_key, create_tenant, unknown_id
from tests.dialects.native.admin import Admin, pointers
from tests.webhooks.receiver import receiver
from tests.webhooks.sending import happen, sending

pytestmark = pytest.mark.anyio


def body(**more: Any) -> dict[str, Any]:
    return {"url": "https://hooks.example/x?key=1", **more}


async def test_a_webhook_is_made_shown_changed_and_deleted_and_its_secret_is_shown_once(
    admin: Admin, tenant: TenantId
) -> None:
    made = await admin.done("POST", "/webhooks", body(tenant_id=tenant, types=["call.*"], description="Ours"))
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert made == {
        "id": made["id"],
        "tenant_id": tenant,
        "url": "https://hooks.example/x?key=1",
        "types": ["call.*"],
        "description": "Ours",
        "enabled": True,
        "disabled": None,
        "failing_since": None,
        "previous_secret_until": None,
        "created_at": "2026-01-10T12:00:00.000000Z",
        "updated_at": "2026-01-10T12:00:00.000000Z",
    }
    path = f"/webhooks/{made['id']}"
    assert await admin.done("GET", path, status=200) == made
    listed = await admin.send("GET", "/webhooks", params={"tenant_id": tenant})
    assert listed.json() == {"data": [made], "next": None}
    change = {"types": ["*", "call.ended", "*"], "description": None, "enabled": False}
    changed = await admin.done("PATCH", path, change, status=200)
    assert changed == made | {"types": ["*", "call.ended"], "description": None, "enabled": False}
    rotated = await admin.done("POST", f"{path}/rotate", status=200)
    assert rotated["secret"] not in (secret, None)
    assert rotated["previous_secret_until"] == "2026-01-11T12:00:00.000000Z"
    await admin.done("DELETE", path, status=204)
    await admin.refused("GET", path, status=404, code="unknown-webhook")


async def test_without_a_tenant_a_webhook_is_the_administrator_s_and_a_key_s_is_its_tenant_s(
    admin: Admin, tenant: TenantId
) -> None:
    ours = await admin.done("POST", "/webhooks", body())
    assert ours["tenant_id"] is None
    async with admin.world.client(await create_key(admin.world, tenant)) as http:
        key = Admin(world=admin.world, http=http)
        theirs = await key.done("POST", "/webhooks", body())
        assert theirs["tenant_id"] == tenant
        await key.refused("GET", f"/webhooks/{ours['id']}", status=404, code="unknown-webhook")
        assert [each["id"] for each in (await key.done("GET", "/webhooks", status=200))["data"]] == [theirs["id"]]
    everybodys = await admin.done("GET", "/webhooks", status=200)
    assert {ours["id"], theirs["id"]} <= {each["id"] for each in everybodys["data"]}


async def test_what_cannot_be_a_webhook_is_refused_with_its_reason(admin: Admin, tenant: TenantId) -> None:
    for wrong, place in (
        ({"types": []}, "/types"),
        ({"types": ["call*"]}, "/types/0"),
        # nothing is ever of these: a receiver would wait for ever
        ({"types": ["*", "calls.*"]}, "/types/1"),
        ({"types": ["call.end"]}, "/types/0"),
        ({"secret": "whsec_x"}, "/secret"),
        ({"description": "a\nb"}, "/description"),
    ):
        problem = await admin.refused("POST", "/webhooks", body(**wrong), status=422, code="invalid")
        assert pointers(problem) == [place]
    for url in ("ftp://hooks.example", "https://u:p@hooks.example", "nothing"):
        await admin.refused("POST", "/webhooks", {"url": url}, status=422, code="invalid")
    await admin.refused("POST", "/webhooks", body(tenant_id=unknown_id()), status=404, code="unknown-tenant")


async def test_a_tenant_has_twenty_webhooks_at_most(admin: Admin, tenant: TenantId) -> None:
    for _ in range(20):
        await admin.done("POST", "/webhooks", body(tenant_id=tenant))
    await admin.refused("POST", "/webhooks", body(tenant_id=tenant), status=409, code="too-many-webhooks")


async def test_a_test_says_what_came_of_it_and_deliveries_are_listed_and_replayed(
    admin: Admin, tenant: TenantId
) -> None:
    async with receiver(answer=b"thanks", status=200) as there, sending(admin.world) as dispatch:
        made = await admin.done("POST", "/webhooks", {"url": there.url, "tenant_id": tenant, "types": ["call.*"]})
        path = f"/webhooks/{made['id']}"
        waiting = asyncio.create_task(admin.done("POST", f"{path}/test?wait=5", status=200))
        while not there.received:
            await asyncio.sleep(0.01)
            await dispatch.settle()
        tested = await waiting
        assert (tested["type"], tested["state"], tested["next_attempt_at"]) == ("webhook.test", "delivered", None)
        (attempt,) = tested["attempts"]
        assert (attempt["status"], attempt["error"], attempt["answer"]) == (200, None, "thanks")
        assert attempt["ms"] < 5000
        admin.world.clock.advance(seconds=1)
        (event,) = await happen(admin.world, tenant=tenant, subject=unknown_id())
        await dispatch.settle()
        listed = (await admin.done("GET", f"{path}/deliveries", status=200))["data"]
        assert [each["type"] for each in listed] == ["call.ended", "webhook.test"]
        (one,) = (await admin.send("GET", f"{path}/deliveries", params={"event_id": event})).json()["data"]
        assert one == listed[0]
        for what, count in (({"event_id": event}, 1), ({"failed": True}, 0), ({"from": "2026-01-10T12:00:00Z"}, 1)):
            answer = await admin.done("POST", f"{path}/replay", what, status=200)
            assert answer == {"queued": count, "next": None}
            await dispatch.settle()
        assert there.ids.count(event) == 3
        for wrong in ({}, {"event_id": event, "failed": True}, {"failed": False}):
            await admin.refused("POST", f"{path}/replay", wrong, status=422, code="invalid")
        missing = {"event_id": unknown_id()}
        await admin.refused("POST", f"{path}/replay", missing, status=404, code="unknown-event")


async def test_a_tenant_s_webhook_is_sent_no_event_of_anothers(admin: Admin, tenant: TenantId) -> None:
    (event,) = await happen(admin.world, tenant=await create_tenant(admin.world), subject=unknown_id())
    made = await admin.done("POST", "/webhooks", body(tenant_id=tenant))
    path = f"/webhooks/{made['id']}/replay"
    await admin.refused("POST", path, {"event_id": event}, status=404, code="unknown-event")
    answer = await admin.done("POST", path, {"from": "2020-01-01T00:00:00Z"}, status=200)
    assert answer["queued"] == 0
