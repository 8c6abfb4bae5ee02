"""Tenants in the store."""

from datetime import datetime

from cordboard.domain.errors import AmbiguousTenant, ReferenceTaken, UnknownTenant
from cordboard.domain.tenants import Actor, Tenant, TenantId
from cordboard.domain.times import from_wire, to_wire
from cordboard.storage import changes
from cordboard.storage.transaction import Row, Transaction, UniqueViolation

_INSERT = "insert into tenant (id, name, reference, created_at) values ($1, $2, $3, $4)"
_BY_ID = "select id, name, reference, created_at from tenant where id = $1"
#: Whatever a person calls a tenant: the id wins over the reference, the reference over the name.
_BY_REF = """
select 0 as rank, id, name, reference, created_at from tenant where id = $1
union all
select 1, id, name, reference, created_at from tenant where reference = $1
union all
select 2, id, name, reference, created_at from tenant where name = $1
order by rank, id
"""
_PAGE = "select id, name, reference, created_at from tenant where id > $1 order by id limit $2"
_COUNT_LISTED = "update tenant set listed_numbers = listed_numbers + $2 where id = $1"
_LISTED = "select listed_numbers from tenant where id = $1"


def _tenant(row: Row) -> Tenant:
    return Tenant(
        id=TenantId(row["id"]),
        name=row["name"],
        reference=row["reference"],
        created_at=from_wire(row["created_at"]),
    )


async def add(tx: Transaction, who: Actor, tenant: Tenant, now: datetime) -> None:
    """Raises ReferenceTaken."""
    try:
        await tx.run(_INSERT, tenant.id, tenant.name, tenant.reference, to_wire(tenant.created_at))
    except UniqueViolation as error:
        raise ReferenceTaken(str(tenant.reference)) from error
    fields = {"name": [None, tenant.name], "reference": [None, tenant.reference]}
    await changes.record(tx, who, now, "tenant", tenant.id, "create", tenant=tenant.id, fields=fields)


async def get(tx: Transaction, id: TenantId) -> Tenant:
    """Raises UnknownTenant."""
    row = await tx.one(_BY_ID, id)
    if row is None:
        raise UnknownTenant(id)
    return _tenant(row)


async def find(tx: Transaction, ref: str) -> Tenant:
    """The tenant of that id, reference or name. Raises UnknownTenant, AmbiguousTenant."""
    rows = await tx.all(_BY_REF, ref)
    best = [row for row in rows if row["rank"] == rows[0]["rank"]]
    if not best:
        raise UnknownTenant(ref)
    if len(best) > 1:
        raise AmbiguousTenant(ref, tuple(row["id"] for row in best))
    return _tenant(best[0])


async def page(tx: Transaction, after: str, limit: int) -> list[Tenant]:
    """Tenants in order of id, those after `after` (empty: from the first)."""
    return [_tenant(row) for row in await tx.all(_PAGE, after, limit)]


async def count_listed(tx: Transaction, id: TenantId, by: int) -> None:
    """Keep the counter of numbers that a list without filters shows."""
    await tx.run(_COUNT_LISTED, id, by)


async def listed(tx: Transaction, id: TenantId) -> int:
    row = await tx.one(_LISTED, id)
    return 0 if row is None else int(row["listed_numbers"])
