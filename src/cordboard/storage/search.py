"""Looking for what begins with a text: each statement goes by one index, and looks at a bounded number of rows.

There are two ways: by the tenant's own indexes, which find all; or, where no tenant is named, by indexes over all of
them, of which the first WINDOW rows are looked at, and of these the operator's are taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cordboard.domain.operators import OperatorId
from cordboard.domain.search import Hit, Kind, between, country_of, folded, number, within
from cordboard.domain.tenants import TenantId
from cordboard.storage.listing import Where
from cordboard.storage.transaction import Row, Transaction, Value

#: Rows that are looked at whosever they are.
WINDOW: Final = 1000
#: Countries of a tenant's numbers, within which a number is dialled without saying which.
COUNTRIES: Final = 5

_COLUMNS: Final[dict[Kind, str]] = {
    "number": "x.id, x.tenant_id, x.number as name, coalesce(x.nickname, x.status) as detail",
    "trunk": "x.id, x.tenant_id, x.name, (select g.host from gateway g where g.trunk_id = x.id and g.position = 0)"
    " as detail",
    "account": "x.id, x.tenant_id, x.username as name, x.caller_name as detail",
    "agent": "x.id, x.tenant_id, x.name, null as detail",
    "tenant": "x.id, x.id as tenant_id, x.name, x.reference as detail",
    "call": "x.id, x.tenant_id, x.number as name, x.call_id as detail",
}
_LIVE: Final = "x.status <> 'finished'"
_SHARED: Final = "x.number_id is null"


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """Whose things are looked for: one tenant's, an operator's customers', or everybody's."""

    tenant: TenantId | None = None
    operator: OperatorId | None = None


@dataclass(frozen=True, slots=True)
class _Look:
    """By one index: conditions in which `{}` stands for each value, and the order of that index."""

    kind: Kind
    conditions: tuple[str, ...]
    values: tuple[Value, ...]
    order: str


def _begins(kind: Kind, column: str, text: str, *more: str) -> _Look:
    return _Look(kind, (f"{column} >= {{}}", f"{column} < {{}}", *more), between(text), column)


async def of_tenant(tx: Transaction, tenant: TenantId, text: str, kinds: Sequence[Kind], limit: int) -> list[Hit]:
    """Numbers, trunks, accounts and agents that begin so, by the tenant's indexes."""
    looks = _named(text)
    if text.isascii() and text.isdigit() and len(text) < 16:
        looks.append(_Look("account", ("x.extension = {}",), (int(text),), "x.extension"))
    if "number" in kinds and within("+1", text):
        countries = await _countries(tx, tenant)
        looks += [_begins("number", "x.number", each, _LIVE) for country in countries for each in within(country, text)]
    return [hit for look in looks if look.kind in kinds for hit in await _by_tenant(tx, tenant, look, limit)]


async def _countries(tx: Transaction, tenant: TenantId) -> list[str]:
    """Those of the tenant's numbers, the first of them: a step on the index each."""
    found: list[str] = []
    sql = f"select x.number from number x where x.tenant_id = $1 and x.number >= $2 and x.number < $3 and {_LIVE}"
    after, end = between("+")
    while len(found) < COUNTRIES and (row := await tx.one(f"{sql} order by x.number limit 1", tenant, after, end)):
        found.append(country_of(row["number"]))
        _, after = between(found[-1])
    return found


async def of_all(tx: Transaction, scope: Scope, text: str, kinds: Sequence[Kind], limit: int) -> tuple[list[Hit], bool]:
    """What is looked for whosever it is; and whether there were more rows than are looked at."""
    looks = [
        _begins("call", "x.call_id", text),
        *(_Look("call", ("x.number = {}",), (each,), "x.started_at desc") for each in _numbers(text)),
        *(_Look(kind, ("x.id = {}",), (text.lower(),), "x.id") for kind in _COLUMNS),
        *(_named(text) if scope.tenant is None else ()),
    ]
    hits: list[Hit] = []
    more = False
    for look in looks:
        if look.kind in kinds:
            found, beyond = await _by_window(tx, scope, look, limit)
            hits, more = hits + found, more or beyond
    return hits, more


async def of_system(tx: Transaction, text: str, limit: int) -> list[Hit]:
    """The trunks that everybody may call through."""
    systems = f"select {_COLUMNS['trunk']} from trunk x where x.tenant_id is null and x.system = 1 and {_SHARED}"
    named = f"{systems} and lower(x.name) >= $1 and lower(x.name) < $2 order by lower(x.name) limit $3"
    rows = await tx.all(named, *between(folded(text)), limit)
    return [_hit("trunk", row) for row in [*rows, *await tx.all(f"{systems} and x.id = $1", text.lower())]]


async def of_tenants(tx: Transaction, scope: Scope, text: str, limit: int) -> list[Hit]:
    """Tenants by name and reference: the operator's, or all."""
    hits = []
    for column, beginning in (("lower(x.name)", folded(text)), ("x.reference", text)):
        where = Where()
        if scope.operator is not None:
            where.add("x.operator_id = {}", scope.operator)
        where.add(f"{column} >= {{}} and {column} < {{}}", *between(beginning))
        sql = f"select {_COLUMNS['tenant']} from tenant x {where} order by {column} limit {where.bind(limit)}"
        hits += [_hit("tenant", row) for row in await tx.all(sql, *where.args)]
    return hits


async def _by_tenant(tx: Transaction, tenant: TenantId, look: _Look, limit: int) -> list[Hit]:
    where = Where()
    where.add("x.tenant_id = {}", tenant)
    where.add(" and ".join(look.conditions), *look.values)
    columns, limited = _COLUMNS[look.kind], where.bind(limit)
    sql = f"select {columns} from {look.kind} x {where} order by {look.order} limit {limited}"
    return [_hit(look.kind, row) for row in await tx.all(sql, *where.args)]


async def _by_window(tx: Transaction, scope: Scope, look: _Look, limit: int) -> tuple[list[Hit], bool]:
    near = Where()
    near.add(" and ".join(look.conditions), *look.values)
    inner = f"select x.* from {look.kind} x {near} order by {look.order}"
    bound = len(near.args)
    far, owner = Where(args=list(near.args)), "x.id" if look.kind == "tenant" else "x.tenant_id"
    join = ""
    if scope.tenant is not None:
        far.add(f"{owner} = {{}}", scope.tenant)
    elif scope.operator is not None:
        join = f"join tenant t on t.id = {owner}"
        far.add("t.operator_id = {}", scope.operator)
    tables = f"({inner} limit {WINDOW}) x {join}"
    sql = f"select {_COLUMNS[look.kind]} from {tables} {far} order by {look.order} limit {far.bind(limit)}"
    rows = await tx.all(sql, *far.args)
    if scope == Scope() or len(rows) == limit:
        return [_hit(look.kind, row) for row in rows], False
    beyond = await tx.one(f"{inner} limit 1 offset {WINDOW - 1}", *far.args[:bound])
    return [_hit(look.kind, row) for row in rows], beyond is not None


def _named(text: str) -> list[_Look]:
    """By what people call things. A number's own trunk is called by nobody: the number is found."""
    return [
        *(_begins("number", "x.number", beginning, _LIVE) for beginning in _numbers(text)),
        _begins("trunk", "lower(x.name)", folded(text), _SHARED),
        # usernames differ in case; those that we make, and most others, have none but small letters
        *(_begins("account", "x.username", each) for each in sorted({text, folded(text)})),
        _begins("account", "lower(x.caller_name)", folded(text)),
        _begins("agent", "lower(x.name)", folded(text)),
    ]


def _numbers(text: str) -> list[str]:
    """What a number that is meant may begin with: E.164, or a SIP address."""
    e164, address = number(text), folded(text)
    return [address] if e164 is None or e164 == address else [e164, address]


def _hit(kind: Kind, row: Row) -> Hit:
    return Hit(kind=kind, id=row["id"], name=row["name"], tenant=row["tenant_id"] or None, detail=row["detail"])
