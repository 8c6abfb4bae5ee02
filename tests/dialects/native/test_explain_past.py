"""Explanations of what happened, from records in the store; of real calls in tests/serve."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest

from cordboard.domain.calls import Call, CallId, Message, Refusal, RefusalId, State
from cordboard.domain.tenants import TenantId
from cordboard.storage import calls
from tests.builders import (
    World,
    create_agent,
    create_key,
    create_tenant,
    fresh_number,
    import_number,
    route,
    unknown_id,
)
from tests.dialects.native.admin import Admin

pytestmark = pytest.mark.anyio

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
GATEWAYS = ("udp:192.0.2.1:5060", "udp:192.0.2.2:5060")


async def past(admin: Admin, id: str) -> Any:
    return await admin.done("GET", f"/calls/{quote(id, safe='')}/explanation", status=200)


async def refused(world: World, tenant: str, reason: str, code: int, **more: Any) -> Refusal:
    values: dict[str, Any] = {
        "direction": "inbound",
        "number": "",
        "number_id": "",
        "trunk": "",
        "address": "192.0.2.9",
        "source": "udp:192.0.2.9:5060",
        "called": fresh_number(),
        "caller": "+34600111222",
        "call_id": f"{unknown_id()}@carrier.example",
        "user_agent": "",
        "offered": "rtp",
    }
    refusal = Refusal(id=RefusalId(unknown_id()), at=AT, code=code, reason=reason, tenant=tenant, **(values | more))
    await world.store.write(None, partial(calls.add_refusals, refusals=[refusal]))
    return refusal


async def called(world: World, tenant: TenantId, messages: list[Message], **more: Any) -> Call:
    number = await route(world, tenant, await import_number(world, tenant))
    values: dict[str, Any] = {
        "direction": "outbound",
        "number": number.number,
        "number_id": number.id,
        "trunk": number.trunk_id,
        "agent": "",
        "version": "",
        "caller": number.number,
        "called": "+15125550100",
        "call_id": unknown_id(),
        "user_agent": "",
        "source": "udp:192.0.2.9:5060",
        "offered": "rtp",
        "state": State.FAILED,
        "started_at": AT,
        "ended_at": AT + timedelta(seconds=3),
    }
    call = Call(id=CallId(unknown_id()), tenant=tenant, **(values | more))
    await world.store.write(None, partial(calls.add, edge="edge", calls=[call]))
    numbered = [(1, place, replaced(message, call.id)) for place, message in enumerate(messages)]
    await world.store.write(None, partial(calls.add_messages, messages=numbered))
    return call


def message(seconds: float, branch: str, status: int | None = None, **more: Any) -> Message:
    values: dict[str, Any] = {"method": "INVITE", "phrase": "", "cseq": "1", "source": "", "destination": ""} | more
    return Message(call=CallId(""), at=AT + timedelta(seconds=seconds), status=status, branch=branch, **values)


def replaced(message: Message, call: CallId) -> Message:
    return Message(**{name: getattr(message, name) for name in Message.__slots__} | {"call": call})  # type: ignore[attr-defined]


async def test_a_refusal_is_found_by_its_id_and_by_its_call_id_the_newest_first(admin: Admin, tenant: TenantId) -> None:
    refusal = await refused(admin.world, tenant, "unknown-number", 404)
    same = {"call_id": refusal.call_id, "called": refusal.called}
    again = await refused(admin.world, tenant, "unknown-number", 404, **same)
    told = await past(admin, refusal.id)
    assert (told["id"], told["kind"], told["reason"], told["others"]) == (refusal.id, "refusal", "unknown-number", [])
    assert not told["changed"]
    assert told["now"]["failed"] == "called-number"
    assert told["remedies"]
    newest = max(refusal.id, again.id)
    found = await past(admin, refusal.call_id)
    assert (found["id"], found["others"]) == (newest, [min(refusal.id, again.id)])


async def test_what_was_mended_since_is_told_as_changed(admin: Admin, tenant: TenantId) -> None:
    refusal = await refused(admin.world, tenant, "no-agent", 480)
    number = await import_number(admin.world, tenant, refusal.called)
    _, version = await create_agent(admin.world, tenant)
    await route(admin.world, tenant, number, inbound_version=version.id)
    told = await past(admin, refusal.id)
    assert told["changed"]
    assert told["now"]["accepted"]
    assert "mended since" in told["remedies"][0]["says"]
    assert told["happened"] == ["It was refused with 480 (no-agent): no agent version is published for the number."]


@pytest.mark.parametrize("reason", ["trunk-calls-per-second", "tenant-calls-per-second", "media-relay-unavailable"])
async def test_what_passes_by_itself_is_not_called_mended(admin: Admin, tenant: TenantId, reason: str) -> None:
    refusal = await refused(admin.world, tenant, reason, 503)
    number = await import_number(admin.world, tenant, refusal.called)
    _, version = await create_agent(admin.world, tenant)
    await route(admin.world, tenant, number, inbound_version=version.id)
    told = await past(admin, refusal.id)
    assert told["changed"]
    assert told["remedies"]
    assert "mended" not in str(told["remedies"])


async def test_a_calls_gateways_are_told_with_what_each_answered(admin: Admin, tenant: TenantId) -> None:
    messages = [
        message(0, "a", destination=GATEWAYS[0]),
        message(0.25, "a", 503, phrase="Busy", source=GATEWAYS[0]),
        message(0.3, "b", destination=GATEWAYS[1]),
        message(0.4, "b", 180, phrase="Ringing", source=GATEWAYS[1]),
        message(2, "c", destination=GATEWAYS[0]),
        message(3, "", 503, phrase="gateways-unreachable", destination="udp:192.0.2.9:5060"),
    ]
    call = await called(admin.world, tenant, messages, code=503, reason="gateways-unreachable")
    told = await past(admin, call.id)
    assert told["happened"] == [
        f"It went to {GATEWAYS[0]}, which answered 503 Busy after 250 ms.",
        f"It went to {GATEWAYS[1]}, which rang and never answered.",
        f"It went to {GATEWAYS[0]}, which never answered.",
        "The edge itself answered the INVITE with 503 (gateways-unreachable).",
        "It was never answered, and ended with 503 (gateways-unreachable): no gateway of the trunk answered.",
    ]
    assert "gateways down" in told["remedies"][0]["says"]
    # the number has no agent for outbound calls: the same call would be refused now
    assert told["changed"]
    assert told["now"]["reason"] == "caller-not-allowed"


async def test_what_is_nobodys_is_the_administrators_alone_and_anothers_is_not_there(
    admin: Admin, tenant: TenantId
) -> None:
    world = admin.world
    nobodys, own = await refused(world, "", "unknown-number", 404), await refused(world, tenant, "no-agent", 480)
    theirs = await refused(world, await create_tenant(world, f"Tenant {unknown_id()}"), "no-agent", 480)
    async with world.client(await create_key(world, tenant)) as http:
        answers = {
            id: (await http.get(f"/cordboard/v1/calls/{id}/explanation"))
            for id in (nobodys.id, theirs.id, theirs.call_id, "not-there", own.id)
        }
    assert [answer.status_code for answer in answers.values()] == [404, 404, 404, 404, 200]
    texts = {answer.text.replace(id, "ID") for id, answer in answers.items() if id != own.id}
    assert len(texts) == 1
    assert (await past(admin, nobodys.id))["tenant_id"] is None
