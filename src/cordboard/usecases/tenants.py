"""Making and finding tenants."""

from datetime import datetime

from cordboard.domain.tenants import Actor, Tenant, TenantId, check_name
from cordboard.storage import tenants
from cordboard.storage.transaction import Transaction


async def create(
    tx: Transaction, who: Actor, now: datetime, *, id: TenantId, name: str, reference: str | None
) -> Tenant:
    """Raises InvalidName, ReferenceTaken."""
    tenant = Tenant(
        id=id,
        name=check_name(name),
        reference=None if reference is None else check_name(reference),
        created_at=now,
    )
    await tenants.add(tx, who, tenant, now)
    return tenant
