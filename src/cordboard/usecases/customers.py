"""Customers: tenants as their operator sees them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cordboard.domain.operators import OperatorId
from cordboard.domain.tenants import (
    Actor,
    Language,
    Tenant,
    TenantId,
    Termination,
    check_name,
    check_reference,
)
from cordboard.storage import accounts, agents, imports, keys, numbers, operators, tenants, trunks, webhooks
from cordboard.storage.sorted import Filters, Sort
from cordboard.storage.transaction import Transaction
from cordboard.usecases.accounts import Page as AccountPage
from cordboard.usecases.accounts import page as page_accounts
from cordboard.usecases.ports import UNCHANGED, NotGiven, given

#: Objects of a deleted customer that are read at a time.
CHUNK = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """Changes to a customer; None clears."""

    name: str | NotGiven = UNCHANGED
    language: Language | NotGiven = UNCHANGED
    capacity_limit: int | NotGiven | None = UNCHANGED
    account_limit: int | NotGiven | None = UNCHANGED
    termination: Termination | NotGiven = UNCHANGED


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A page of customers, of which there are `total`."""

    customers: list[Tenant]
    total: int


async def create(
    tx: Transaction,
    who: Actor,
    now: datetime,
    *,
    id: TenantId,
    operator: OperatorId,
    name: str,
    reference: str | None,
    rest: Change,
) -> Tenant:
    """A new customer; without a reference it gets the operator's next free number.

    Raises UnknownOperator, InvalidName, InvalidReference, ReferenceTaken.
    """
    await operators.find(tx, operator)
    tenant = Tenant(
        id=id,
        name=check_name(name),
        reference=await _free_reference(tx, operator) if reference is None else check_reference(reference),
        created_at=now,
        operator=operator,
    )
    tenant = changed(tenant, rest)
    await tenants.add(tx, who, tenant, now)
    return tenant


async def update(
    tx: Transaction, who: Actor, now: datetime, *, operator: OperatorId, reference: str, change: Change
) -> Tenant:
    """Raises UnknownTenant, InvalidName."""
    before = await tenants.customer(tx, operator, reference)
    after = changed(before, change)
    await tenants.save(tx, who, before, after, now)
    return after


async def delete(tx: Transaction, who: Actor, now: datetime, *, operator: OperatorId, reference: str) -> Tenant:
    """The customer, and with it its accounts, numbers, trunks, agents, keys and webhooks. Raises UnknownTenant."""
    tenant = await tenants.customer(tx, operator, reference)
    await delete_tenant(tx, who, now, tenant)
    return tenant


async def delete_tenant(tx: Transaction, who: Actor, now: datetime, tenant: Tenant) -> None:
    """All of it, each object with its entry in the change log, so that engines let go of it."""
    while found_numbers := await numbers.some_of_tenant(tx, tenant.id, CHUNK):
        for number in found_numbers:
            await numbers.remove(tx, who, number, now)
    while found_accounts := await accounts.of_tenant(tx, tenant.id, None, CHUNK):
        for account in found_accounts:
            await accounts.remove(tx, who, account, now)
    while found_trunks := await trunks.of_tenant(tx, tenant.id, None, CHUNK):
        for trunk in found_trunks:
            await trunks.remove(tx, who, trunk, now)
    while found_agents := await agents.of_tenant(tx, tenant.id, None, CHUNK):
        for agent in found_agents:
            await agents.remove(tx, who, agent, now)
    while found_keys := await keys.of_tenant(tx, tenant.id, None, CHUNK):
        for key in found_keys:
            await keys.remove(tx, who, key, now)
    await imports.remove_of_tenant(tx, tenant.id)
    for webhook in await webhooks.of(tx, tenant.id):
        await webhooks.remove(tx, who, webhook, now)
    await tenants.remove(tx, who, tenant, now)


async def page(
    tx: Transaction, operator: OperatorId, filters: Filters, sort: Sequence[Sort], *, number: int, size: int
) -> Page:
    """A page, from 1, of an operator's customers."""
    total = await tenants.count_customers(tx, operator, filters)
    found = await tenants.customers(tx, operator, filters, sort, number=number, size=size, total=total)
    return Page(customers=found, total=total)


async def page_of_accounts(
    tx: Transaction, operator: OperatorId, filters: Filters, sort: Sequence[Sort], *, number: int, size: int
) -> AccountPage:
    """A page, from 1, of the accounts of an operator's customers; the filter `customer` has references."""
    where = dict(filters)
    if (references := where.pop("customer", None)) is not None:
        # as many as were named, at most: each reference is one customer's
        named = len(references)
        found = await tenants.customers(tx, operator, {"reference": references}, (), number=1, size=named, total=named)
        where["tenant"] = [tenant.id for tenant in found]
    return await page_accounts(tx, operator, where, sort, number=number, size=size)


async def _free_reference(tx: Transaction, operator: OperatorId) -> str:
    """The next number that the operator has not used itself."""
    while True:
        reference = await operators.next_reference(tx, operator)
        if await tenants.reference_is_free(tx, operator, reference):
            return reference


def changed(before: Tenant, change: Change) -> Tenant:
    """The tenant as it is to be. Raises InvalidName."""
    return replace(
        before,
        name=before.name if change.name is UNCHANGED else check_name(change.name),
        language=given(change.language, before.language),
        capacity_limit=given(change.capacity_limit, before.capacity_limit),
        account_limit=given(change.account_limit, before.account_limit),
        termination=given(change.termination, before.termination),
    )
