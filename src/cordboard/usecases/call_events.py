"""What is told of calls and refusals: in events as in the native API's lists."""

from typing import Any

from cordboard.domain.calls import EXPLAINED, Call, Refusal
from cordboard.domain.events import Happened
from cordboard.domain.tenants import TenantId
from cordboard.domain.times import opt_to_wire, to_wire


def started(call: Call) -> Happened:
    return Happened(type="call.started", tenant=_owner(call.tenant), subject=call.id, at=call.started_at, data=of(call))


def answered(call: Call) -> Happened:
    at = call.answered_at or call.started_at
    return Happened(type="call.answered", tenant=_owner(call.tenant), subject=call.id, at=at, data=of(call))


def over(call: Call) -> Happened:
    """`ended` if it was ever answered, else `failed`; a call that was lost is either."""
    type = "call.failed" if call.answered_at is None else "call.ended"
    at = call.ended_at or call.started_at
    return Happened(type=type, tenant=_owner(call.tenant), subject=call.id, at=at, data=of(call))


def refused(refusal: Refusal) -> Happened:
    tenant = _owner(refusal.tenant)
    return Happened(type="call.refused", tenant=tenant, subject=refusal.id, at=refusal.at, data=of_refusal(refusal))


def of(c: Call) -> dict[str, Any]:
    return {
        "id": c.id,
        "tenant_id": c.tenant or None,
        "direction": c.direction,
        "state": c.state,
        "number": c.number,
        "number_id": c.number_id,
        "trunk_id": c.trunk or None,
        "agent_id": c.agent or None,
        "version_id": c.version or None,
        "caller": c.caller,
        "called": c.called,
        "call_id": c.call_id,
        "user_agent": c.user_agent,
        "source": c.source,
        "offered": c.offered,
        "verstat": c.verstat or None,
        "started_at": to_wire(c.started_at),
        "answered_at": opt_to_wire(c.answered_at),
        "ended_at": opt_to_wire(c.ended_at),
        "code": c.code,
        "reason": c.reason,
        "detail": None if c.reason is None else EXPLAINED.get(c.reason),
    }


def of_refusal(r: Refusal) -> dict[str, Any]:
    return {
        "id": r.id,
        "at": to_wire(r.at),
        "direction": r.direction,
        "code": r.code,
        "reason": r.reason,
        "detail": EXPLAINED.get(r.reason),
        "number": r.number or None,
        "number_id": r.number_id or None,
        "tenant_id": r.tenant or None,
        "trunk_id": r.trunk or None,
        "source": r.source,
        "called": r.called,
        "caller": r.caller,
        "call_id": r.call_id,
        "user_agent": r.user_agent,
        "offered": r.offered or None,
        "login": r.login or None,
    }


def _owner(tenant: str) -> TenantId | None:
    return TenantId(tenant) if tenant else None
