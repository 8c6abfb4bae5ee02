"""Registrations: taking in what edges tell of them, saying who has come and gone, and forgetting what is old."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, Final

from cordboard.domain.calls import EXPLAINED
from cordboard.domain.events import Happened
from cordboard.domain.registrations import Registration
from cordboard.domain.tenants import TenantId
from cordboard.domain.times import to_wire
from cordboard.storage import registrations
from cordboard.storage.transaction import Transaction
from cordboard.usecases.ports import Context, in_bites

#: Old ones that are removed in one transaction.
BITE: Final = 200


async def take(tx: Transaction, told: Iterable[Registration]) -> list[Happened]:
    """Write down whose each is, as far as that is known; what has happened with it."""
    every = list(told)
    if not every:
        return []
    accounts = await registrations.accounts(tx, {each.username for each in every if each.username})
    trunks = await registrations.trunks(tx, {each.trunk for each in every if each.trunk})
    whole = [_owned(each, accounts, trunks) for each in every]
    await registrations.add(tx, whole)
    happened = [await _happened(tx, each) for each in whole]
    return [each for each in happened if each is not None]


async def forget_old(context: Context, kept: timedelta) -> None:
    """Remove what is older than it is kept for, in bites."""
    before = context.clock() - kept
    await in_bites(context.store, partial(registrations.remove_old, before=before, limit=BITE))


def of(each: Registration) -> dict[str, Any]:
    """In events as in the native API's list."""
    return {
        "id": each.id,
        "at": to_wire(each.at),
        "what": each.what,
        "tenant_id": each.tenant or None,
        "account_id": each.account or None,
        "trunk_id": each.trunk or None,
        "username": each.username or None,
        "code": each.code,
        "reason": each.reason or None,
        "detail": None if each.trunk else EXPLAINED.get(each.reason),
        "place": each.place or None,
        "contact": each.contact or None,
        "user_agent": each.user_agent or None,
        "bindings": each.bindings,
    }


def _owned(
    each: Registration, accounts: dict[str, tuple[str, str]], trunks: dict[str, tuple[str, str]]
) -> Registration:
    if each.trunk:
        _, tenant = trunks.get(each.trunk, (each.trunk, ""))
        return replace(each, tenant=tenant)
    account, tenant = accounts.get(each.username, ("", ""))
    return replace(each, account=account, tenant=tenant)


async def _happened(tx: Transaction, each: Registration) -> Happened | None:
    type = None
    if each.account and each.bindings is not None:
        type = await _came_or_went(tx, each, each.bindings)
    elif each.trunk and each.what in ("registered", "failed"):
        before, lost = await registrations.before(tx, each), each.what == "failed"
        if before == ("registered" if lost else "failed"):
            type = "trunk.registration.lost" if lost else "trunk.registration.restored"
    if type is None:
        return None
    tenant = TenantId(each.tenant) if each.tenant else None
    return Happened(type=type, tenant=tenant, subject=each.account or each.trunk, at=each.at, data=of(each))


async def _came_or_went(tx: Transaction, each: Registration, bindings: int) -> str | None:
    """An account comes with its first places and goes with its last, however many they are at once."""
    before = await registrations.bindings_before(tx, each)
    if bindings == 0:
        return None if before == 0 else "account.offline"
    return "account.online" if before == 0 or (before is None and each.what == "registered") else None
