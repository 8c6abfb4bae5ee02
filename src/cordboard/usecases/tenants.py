"""Making, changing and deleting tenants."""

from datetime import datetime

from cordboard.domain.operators import OperatorId
from cordboard.domain.tenants import Actor, Tenant, TenantId, check_name
from cordboard.storage import tenants
from cordboard.storage.transaction import Transaction
from cordboard.usecases import customers


async def create(
    tx: Transaction,
    who: Actor,
    now: datetime,
    *,
    id: TenantId,
    name: str,
    reference: str | None,
    operator: OperatorId | None = None,
    rest: customers.Change | None = None,
) -> Tenant:
    """A tenant: of an operator, if one is given, its customer.

    Raises InvalidName, InvalidReference, ReferenceTaken, UnknownOperator.
    """
    change = rest or customers.Change()
    if operator is not None:
        return await customers.create(
            tx, who, now, id=id, operator=operator, name=name, reference=reference, rest=change
        )
    tenant = Tenant(
        id=id,
        name=check_name(name),
        reference=None if reference is None else check_name(reference),
        created_at=now,
    )
    tenant = customers.changed(tenant, change)
    await tenants.add(tx, who, tenant, now)
    return tenant


async def update(tx: Transaction, who: Actor, now: datetime, *, id: TenantId, change: customers.Change) -> Tenant:
    """Raises UnknownTenant, InvalidName."""
    before = await tenants.get(tx, id)
    after = customers.changed(before, change)
    await tenants.save(tx, who, before, after, now)
    return after


async def delete(tx: Transaction, who: Actor, now: datetime, *, id: TenantId) -> None:
    """The tenant with its accounts, numbers, trunks, agents and keys. Raises UnknownTenant."""
    await customers.delete_tenant(tx, who, now, await tenants.get(tx, id))
