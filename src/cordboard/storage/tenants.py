"""Tenants in the store, some of them customers of an operator."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cordboard.domain.errors import AmbiguousTenant, ReferenceTaken, UnknownTenant
from cordboard.domain.operators import OperatorId
from cordboard.domain.tenants import Actor, Language, Tenant, TenantId, Termination
from cordboard.domain.times import from_wire, to_wire
from cordboard.storage import changes, operators
from cordboard.storage.many import places
from cordboard.storage.sorted import Filters, Sort, Sorted
from cordboard.storage.sorted import count as count_sorted
from cordboard.storage.sorted import page as page_sorted
from cordboard.storage.transaction import Row, Transaction, UniqueViolation

_NAMES = """id, name, reference, created_at, operator_id, language, capacity_limit, account_limit, termination,
accounts"""
_COLUMNS = f"select {_NAMES} from tenant"
_INSERT = """
insert into tenant (id, created_at, name, reference, operator_id, language, capacity_limit, account_limit, termination)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_UPDATE = """
update tenant set name = $2, reference = $3, operator_id = $4, language = $5, capacity_limit = $6, account_limit = $7,
termination = $8 where id = $1
"""
_DELETE = "delete from tenant where id = $1"
_BY_ID = f"{_COLUMNS} where id = $1"
#: Whatever a person calls a tenant: the id wins over the reference, the reference over the name.
_BY_REF = f"""
select 0 as rank, {_NAMES} from tenant where id = $1
union all
select 1, {_NAMES} from tenant where reference = $1
union all
select 2, {_NAMES} from tenant where name = $1
order by rank, id
"""
_OF_OPERATOR = f"{_COLUMNS} where operator_id = $1 and reference = $2"
_PAGE = f"{_COLUMNS} where id > $1 order by id limit $2"
_PAGE_OF_OPERATOR = f"{_COLUMNS} where operator_id = $3 and id > $1 order by id limit $2"
_COUNT_LISTED = "update tenant set listed_numbers = listed_numbers + $2 where id = $1"
_LISTED = "select listed_numbers from tenant where id = $1"
_COUNT_ACCOUNTS = f"update tenant set accounts = accounts + $2 where id = $1 returning {_NAMES}"
_LISTED_TENANTS: Final = Sorted(
    table="tenant",
    columns=_NAMES,
    key="reference",
    sorts={
        "reference": "reference",
        "name": "name",
        "language": "language",
        "capacity_limit": "capacity_limit",
        "account_limit": "account_limit",
        "termination": "termination",
    },
    filters={"reference": "reference", "name": "name"},
)
#: By what customers may be sorted and filtered.
SORTS: Final = tuple(_LISTED_TENANTS.sorts)
FILTERS: Final = tuple(_LISTED_TENANTS.filters)


def _tenant(row: Row) -> Tenant:
    return Tenant(
        id=TenantId(row["id"]),
        name=row["name"],
        reference=row["reference"],
        created_at=from_wire(row["created_at"]),
        operator=row["operator_id"],
        language=Language(row["language"]),
        capacity_limit=row["capacity_limit"],
        account_limit=row["account_limit"],
        termination=Termination(row["termination"]),
        accounts=row["accounts"],
    )


def _variable(tenant: Tenant) -> dict[str, str | int | None]:
    return {
        "name": tenant.name,
        "reference": tenant.reference,
        "operator": tenant.operator,
        "language": tenant.language,
        "capacity_limit": tenant.capacity_limit,
        "account_limit": tenant.account_limit,
        "termination": tenant.termination,
    }


async def add(tx: Transaction, who: Actor, tenant: Tenant, now: datetime) -> None:
    """Raises ReferenceTaken."""
    values = _variable(tenant)
    try:
        await tx.run(_INSERT, tenant.id, to_wire(tenant.created_at), *values.values())
    except UniqueViolation as error:
        raise ReferenceTaken(str(tenant.reference)) from error
    if tenant.operator is not None:
        await operators.count(tx, tenant.operator, customers=1)
    fields = changes.difference({}, {name: value for name, value in values.items() if value is not None})
    await changes.record(tx, who, now, "tenant", tenant.id, "create", tenant=tenant.id, fields=fields)


async def save(tx: Transaction, who: Actor, before: Tenant, after: Tenant, now: datetime) -> None:
    """Store what differs; nothing if nothing does. Raises ReferenceTaken."""
    fields = changes.difference(dict(_variable(before)), dict(_variable(after)))
    if not fields:
        return
    try:
        await tx.run(_UPDATE, after.id, *_variable(after).values())
    except UniqueViolation as error:
        raise ReferenceTaken(str(after.reference)) from error
    await changes.record(tx, who, now, "tenant", after.id, "update", tenant=after.id, fields=fields)


async def remove(tx: Transaction, who: Actor, tenant: Tenant, now: datetime) -> None:
    """The tenant alone: whatever refers to it must be gone before."""
    await tx.run(_DELETE, tenant.id)
    if tenant.operator is not None:
        await operators.count(tx, tenant.operator, customers=-1)
    fields = changes.difference(dict(_variable(tenant)), {})
    await changes.record(tx, who, now, "tenant", tenant.id, "delete", tenant=None, fields=fields)


async def get(tx: Transaction, id: TenantId) -> Tenant:
    """Raises UnknownTenant."""
    row = await tx.one(_BY_ID, id)
    if row is None:
        raise UnknownTenant(id)
    return _tenant(row)


async def find(tx: Transaction, ref: str, operator: OperatorId | None = None) -> Tenant:
    """The tenant of that id, reference or name, if given of that operator. Raises UnknownTenant, AmbiguousTenant."""
    rows = await tx.all(_BY_REF, ref)
    if operator is not None:
        rows = [row for row in rows if row["operator_id"] == operator]
    # a tenant that is called by both counts once
    best = {row["id"]: row for row in rows if row["rank"] == rows[0]["rank"]}
    if not best:
        raise UnknownTenant(ref)
    if len(best) > 1:
        raise AmbiguousTenant(ref, tuple(best))
    return _tenant(next(iter(best.values())))


async def customer(tx: Transaction, operator: OperatorId, reference: str) -> Tenant:
    """An operator's customer. Raises UnknownTenant."""
    row = await tx.one(_OF_OPERATOR, operator, reference)
    if row is None:
        raise UnknownTenant(reference)
    return _tenant(row)


async def reference_is_free(tx: Transaction, operator: OperatorId, reference: str) -> bool:
    """Whether none of the operator's customers has it."""
    return await tx.one(_OF_OPERATOR, operator, reference) is None


async def page(tx: Transaction, after: str, limit: int, operator: OperatorId | None = None) -> list[Tenant]:
    """Tenants in order of id, an operator's alone if one is given, those after `after` (empty: from the first)."""
    if operator is not None:
        return [_tenant(row) for row in await tx.all(_PAGE_OF_OPERATOR, after, limit, operator)]
    return [_tenant(row) for row in await tx.all(_PAGE, after, limit)]


async def count_customers(tx: Transaction, operator: OperatorId, filters: Filters) -> int:
    """Those that fit all filters: without one from a counter."""
    if not filters:
        return (await operators.counted(tx, operator))[0]
    return await count_sorted(tx, _LISTED_TENANTS, operator, filters)


async def customers(
    tx: Transaction,
    operator: OperatorId,
    filters: Filters,
    sort: Sequence[Sort],
    *,
    number: int,
    size: int,
    total: int,
) -> list[Tenant]:
    """A page of an operator's customers."""
    rows = await page_sorted(tx, _LISTED_TENANTS, operator, filters, sort, number=number, size=size, total=total)
    return [_tenant(row) for row in rows]


async def by_ids(tx: Transaction, ids: Sequence[TenantId]) -> dict[TenantId, Tenant]:
    """Those of them that there are."""
    if not ids:
        return {}
    rows = await tx.all(f"{_COLUMNS} where id in ({places(len(ids))})", *ids)
    return {TenantId(row["id"]): _tenant(row) for row in rows}


async def count_accounts(tx: Transaction, id: TenantId, by: int) -> Tenant:
    """Keep the counter of accounts; the tenant as it is then. Raises UnknownTenant."""
    row = await tx.one(_COUNT_ACCOUNTS, id, by)
    if row is None:
        raise UnknownTenant(id)
    return _tenant(row)


async def count_listed(tx: Transaction, id: TenantId, by: int) -> None:
    """Keep the counter of numbers that a list without filters shows."""
    await tx.run(_COUNT_LISTED, id, by)


async def listed(tx: Transaction, id: TenantId) -> int:
    row = await tx.one(_LISTED, id)
    return 0 if row is None else int(row["listed_numbers"])
