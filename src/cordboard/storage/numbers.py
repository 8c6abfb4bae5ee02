"""Numbers in the store: the object that changes, and the view that lists and replies show."""

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from cordboard.domain.accounts import AccountId
from cordboard.domain.agents import AgentId
from cordboard.domain.errors import NumberTaken, UnknownCursor, UnknownNumber
from cordboard.domain.numbers import Number, NumberId, Provider, Status
from cordboard.domain.tenants import Actor, TenantId
from cordboard.domain.times import from_wire, opt_from_wire, opt_to_wire, to_wire
from cordboard.domain.trunks import TrunkId
from cordboard.storage import changes, many, tenants
from cordboard.storage.listing import Where
from cordboard.storage.transaction import Row, Stale, Transaction, UniqueViolation, Value

Order = Literal["asc", "desc"]

_COLUMNS = """id, tenant_id, number, provider, status, nickname, trunk_id, inbound_agent_id, outbound_agent_id,
region_codes, created_at, assigned_at, released_at, scheduled_release_at, reservation_expires_at, account_id,
updated_at"""
_INSERT = f"""
insert into number ({_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
"""
#: Only what differs is named: a column that is named costs SQLite each of its indexes, whatever its value.
_UPDATE = """
update number set {columns} where id = $1 and status = $2 and tenant_id is not distinct from $3
returning id
"""
#: The columns that may change, and their fields.
_VARIABLE = (
    ("tenant_id", "tenant"),
    ("status", "status"),
    ("nickname", "nickname"),
    ("inbound_agent_id", "inbound_agent"),
    ("outbound_agent_id", "outbound_agent"),
    ("assigned_at", "assigned_at"),
    ("released_at", "released_at"),
    ("scheduled_release_at", "scheduled_release_at"),
    ("reservation_expires_at", "reservation_expires_at"),
    ("account_id", "account"),
    ("trunk_id", "trunk"),
)
_LEAVE_TRUNK = "update number set trunk_id = null, updated_at = $2 where trunk_id = $1"
_WITH_AGENT = "select id, tenant_id from number where {column} = $1 limit 500"
_LEAVE_AGENT = "update number set {column} = null, updated_at = $1 where id in ({places})"
_NUMBER_OF = "select number from number where id = $1 and tenant_id = $2"
_ON_TRUNK = "select 1 from number where trunk_id = $1 and id <> $2 limit 1"
_OF_ACCOUNT = f"select {_COLUMNS} from number where account_id = $1"
_OF_TENANT = f"select {_COLUMNS} from number where tenant_id = $1 limit $2"
_OF_TRUNK = f"select {_COLUMNS} from number where trunk_id = $1 limit $2"
_FIRST_OF_AGENT = f"select {_COLUMNS} from number where inbound_agent_id = $1 and status = 'assigned' limit 1"
_CALLED = "select id, {column} as called from {table} where id in ({{places}})"
_DELETE = "delete from number where id = $1"
_BY_ID = f"select {_COLUMNS} from number where id = $1"
_BY_NUMBER = f"select {_COLUMNS} from number where number = $1 and status <> 'finished'"
_BY_IDS = f"select {_COLUMNS} from number where id in ({{places}})"
#: One look each into the index that is in order of the number. PostgreSQL, before it has counted what was just
#: imported, takes all that are somebody's for a few: by `in` it reads them all, and by `=` all of another index that
#: has the number further on.
_OWNED = """
with wanted (number) as ({values})
select (
  select id from number where number between wanted.number and wanted.number and status <> 'finished'
  order by number limit 1
) as id from wanted
"""
_USES = """
select 1 from number where inbound_agent_id = $1 and id <> $2 and status <> 'finished'
union all
select 1 from number where outbound_agent_id = $1 and id <> $2 and status <> 'finished'
limit 1
"""
#: What time alone will change by a given moment, a few at a time, oldest first.
_DUE = f"""
select {_COLUMNS} from number where id in (select id from (
  select id, scheduled_release_at as due from number where scheduled_release_at <= $1 and status = 'assigned'
  union all
  select id, reservation_expires_at from number where reservation_expires_at <= $1 and status = 'reserved'
  union all
  select id, released_at from number where status = 'released' and released_at <= $2
) as waiting order by due limit $3)
"""
_SHOWN = """
select n.id, n.number, n.provider, n.status, n.nickname, n.released_at, n.scheduled_release_at, n.assigned_at,
n.inbound_agent_id, n.outbound_agent_id, n.reservation_expires_at, n.region_codes, n.tenant_id, n.trunk_id,
n.created_at, n.account_id, n.updated_at, t.allowed, t.media_in, t.media_out, t.username, t.name, g.host, g.port
from number n left join trunk t on t.id = n.trunk_id left join gateway g on g.trunk_id = n.trunk_id and g.position = 0
"""
_SHOW = f"{_SHOWN} where n.id = $1"
_CURSOR = "select 1 from number where id = $1 and tenant_id = $2"
#: Beyond a cursor that the tenant does not have there is nothing.
_BEYOND = "(n.created_at, n.id) {sign} ((select created_at from number where id = {{0}} and tenant_id = {{1}}), {{0}})"


class ShownNumber(NamedTuple):
    """A number with its trunk as lists and replies show it, every value in wire form; the columns of `_SHOWN`."""

    id: str
    number: str
    provider: str
    status: str
    nickname: str | None
    released_at: str | None
    scheduled_release_at: str | None
    assigned_at: str | None
    inbound_agent_id: str | None
    outbound_agent_id: str | None
    reservation_expires_at: str | None
    #: JSON list.
    region_codes: str
    tenant_id: str | None
    trunk_id: str | None
    created_at: str
    account_id: str | None
    updated_at: str
    #: JSON list. What follows is None without a trunk.
    allowed: str | None
    media_in: str | None
    media_out: str | None
    username: str | None
    trunk_name: str | None
    host: str | None
    port: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """Which numbers of a tenant to list; None does not filter. Instants are inclusive."""

    tenant: TenantId
    inbound_agent: str | None = None
    outbound_agent: str | None = None
    status: Status | None = None
    assigned_from: datetime | None = None
    assigned_to: datetime | None = None
    trunk: str | None = None

    @property
    def plain(self) -> bool:
        """Whether it holds for all that is listed without asking."""
        return self == Filter(tenant=self.tenant)


def _number(row: Row) -> Number:
    (
        id,
        tenant,
        number,
        provider,
        status,
        nickname,
        trunk,
        inbound_agent,
        outbound_agent,
        region_codes,
        created_at,
        assigned_at,
        released_at,
        scheduled_release_at,
        reservation_expires_at,
        account,
        updated_at,
    ) = row
    return Number(
        id=id,
        tenant=tenant,
        number=number,
        provider=Provider(provider),
        status=Status(status),
        nickname=nickname,
        trunk=trunk,
        inbound_agent=inbound_agent,
        outbound_agent=outbound_agent,
        region_codes=tuple(json.loads(region_codes)),
        created_at=from_wire(created_at),
        assigned_at=opt_from_wire(assigned_at),
        released_at=opt_from_wire(released_at),
        scheduled_release_at=opt_from_wire(scheduled_release_at),
        reservation_expires_at=opt_from_wire(reservation_expires_at),
        account=account,
        updated_at=from_wire(updated_at),
    )


def _differences(before: Number, after: Number) -> dict[str, Any]:
    """The columns that differ, with what they are to hold."""
    found: dict[str, Any] = {}
    for column, name in _VARIABLE:
        value = getattr(after, name)
        if value != getattr(before, name):
            found[column] = to_wire(value) if isinstance(value, datetime) else value
    return found


def _told(number: Number | None) -> dict[str, object]:
    if number is None:
        return {}
    return {
        "number": number.number,
        "tenant": number.tenant,
        "status": number.status,
        "nickname": number.nickname,
        "inbound_agent": number.inbound_agent,
        "outbound_agent": number.outbound_agent,
        "account": number.account,
        "trunk": number.trunk,
        "scheduled_release_at": opt_to_wire(number.scheduled_release_at),
    }


def _listed(number: Number) -> TenantId | None:
    """The tenant whose list without filters shows the number."""
    return None if number.status is Status.FINISHED else number.tenant


async def add(tx: Transaction, who: Actor, number: Number, now: datetime, action: str) -> None:
    """Raises NumberTaken, whoever has the number."""
    try:
        await tx.run(_INSERT, *_values(number, now))
    except UniqueViolation as error:
        raise NumberTaken(number.number) from error
    await _recount(tx, None, _listed(number))
    await _record(tx, who, now, action, None, number)


async def add_many(tx: Transaction, who: Actor, added: Sequence[Number], now: datetime, action: str) -> None:
    """Numbers of one tenant that nobody had a moment ago. Raises Stale if somebody has one now."""
    try:
        await tx.add("number", _COLUMNS, [_values(number, now) for number in added])
    except UniqueViolation as error:
        raise Stale from error
    for tenant, count in Counter(map(_listed, added)).items():
        if tenant is not None:
            await tenants.count_listed(tx, tenant, count)
    entries = ((number.id, number.tenant, changes.difference({}, _told(number))) for number in added)
    await changes.record_many(tx, who, now, "number", action, entries)


def _regions(number: Number) -> str:
    return json.dumps(number.region_codes) if number.region_codes else "[]"


def _values(number: Number, now: datetime) -> tuple[Value, ...]:
    """In order of _COLUMNS."""
    return (
        *(number.id, number.tenant, number.number, number.provider, number.status, number.nickname, number.trunk),
        *(number.inbound_agent, number.outbound_agent, _regions(number), to_wire(number.created_at)),
        *(opt_to_wire(number.assigned_at), opt_to_wire(number.released_at)),
        *(opt_to_wire(number.scheduled_release_at), opt_to_wire(number.reservation_expires_at)),
        *(number.account, to_wire(now)),
    )


async def get(tx: Transaction, tenant: TenantId | None, id: NumberId) -> Number:
    """Of that tenant, or of any if None. Raises UnknownNumber."""
    row = await tx.one(_BY_ID, id)
    if row is None or tenant not in (None, row["tenant_id"]):
        raise UnknownNumber(id)
    return _number(row)


async def by_number(tx: Transaction, number: str) -> Number:
    """The one that is not finished, of whatever tenant. Raises UnknownNumber."""
    row = await tx.one(_BY_NUMBER, number)
    if row is None:
        raise UnknownNumber(number)
    return _number(row)


async def by_numbers(tx: Transaction, wanted: Collection[str]) -> dict[str, Number]:
    """Those of them that are somebody's, by number."""
    found: dict[str, Number] = {}
    for chunk in many.filled(sorted(wanted)):
        owned = await tx.all(_OWNED.format(values=many.values(len(chunk), ["cast({} as text)"])), *chunk)
        ids = [row["id"] for row in owned if row["id"] is not None]
        found |= {row["number"]: _number(row) for row in await many.find(tx, _BY_IDS, ids)}
    return found


async def save(
    tx: Transaction, who: Actor, before: Number, after: Number, now: datetime, action: str
) -> dict[str, Any]:
    """Store what differs, and when: these columns, in wire form; empty if nothing differs.

    Raises Stale if another tenant's write came between.
    """
    changed = _differences(before, after)
    if not changed:
        return changed
    changed["updated_at"] = to_wire(now)
    columns = ", ".join(f"{column} = ${place}" for place, column in enumerate(changed, 4))
    sql = _UPDATE.format(columns=columns)
    updated = await tx.one(sql, before.id, before.status, before.tenant, *changed.values())
    if updated is None:
        raise Stale
    await _recount(tx, _listed(before), _listed(after))
    await _record(tx, who, now, action, before, after)
    return changed


async def remove(tx: Transaction, who: Actor, number: Number, now: datetime) -> None:
    await tx.run(_DELETE, number.id)
    await _recount(tx, _listed(number), None)
    await _record(tx, who, now, "delete", number, None)


async def agent_in_use(tx: Transaction, agent: AgentId, *, besides: NumberId) -> bool:
    """Whether a number other than `besides` sends calls to or takes calls from the agent."""
    return await tx.one(_USES, agent, besides) is not None


async def of_account(tx: Transaction, account: AccountId) -> list[Number]:
    """The numbers whose calls go to it."""
    return [_number(row) for row in await tx.all(_OF_ACCOUNT, account)]


async def leave_trunk(tx: Transaction, who: Actor, trunk: TrunkId, now: datetime) -> None:
    """The numbers that it carried, however many, have no trunk from now on."""
    fields: changes.Fields = {"trunk": [trunk, None]}
    rows = "number where trunk_id = $6"
    await changes.record_each(tx, who, now, "number", "update", fields=fields, rows=rows, arg=trunk)
    await tx.run(_LEAVE_TRUNK, trunk, to_wire(now))


async def leave_agent(tx: Transaction, who: Actor, agent: AgentId, now: datetime) -> None:
    """The numbers that led to it or that it called by, however many, have no agent there from now on."""
    for column, field in (("inbound_agent_id", "inbound_agent"), ("outbound_agent_id", "outbound_agent")):
        while rows := await tx.all(_WITH_AGENT.format(column=column), agent):
            ids = [row["id"] for row in rows]
            for chunk in many.chunks(ids):
                places = many.places(len(chunk), 2)
                await tx.run(_LEAVE_AGENT.format(column=column, places=places), to_wire(now), *chunk)
            entries = ((row["id"], row["tenant_id"], {field: [agent, None]}) for row in rows)
            await changes.record_many(tx, who, now, "number", "update", entries)


async def beginning_with(
    tx: Transaction, where: Filter, prefix: str, after: str | None, limit: int
) -> list[ShownNumber]:
    """In order of number, those beyond the number with the id `after`. Raises UnknownCursor."""
    clause = _where(where)
    if after is not None:
        cursor = await tx.one(_NUMBER_OF, after, where.tenant)
        if cursor is None:
            raise UnknownCursor(after)
        clause.add("n.number > {}", cursor["number"])
    clause.add("n.number >= {}", prefix)
    clause.add("n.number < {}", prefix[:-1] + chr(ord(prefix[-1]) + 1))
    sql = f"{_SHOWN} {clause} order by n.number limit {clause.bind(limit)}"
    return [ShownNumber._make(row) for row in await tx.all(sql, *clause.args)]


async def trunk_in_use(tx: Transaction, trunk: TrunkId, *, besides: NumberId) -> bool:
    """Whether it carries calls of a number other than `besides`."""
    return await tx.one(_ON_TRUNK, trunk, besides) is not None


async def first_of_agent(tx: Transaction, agent: AgentId) -> Number | None:
    """Any number whose calls the agent takes."""
    row = await tx.one(_FIRST_OF_AGENT, agent)
    return None if row is None else _number(row)


async def of_trunk(tx: Transaction, trunk: TrunkId, limit: int) -> list[Number]:
    """Some of those on a trunk."""
    return [_number(row) for row in await tx.all(_OF_TRUNK, trunk, limit)]


async def some_of_tenant(tx: Transaction, tenant: TenantId, limit: int) -> list[Number]:
    """Of whatever status, in no order."""
    return [_number(row) for row in await tx.all(_OF_TENANT, tenant, limit)]


async def due(tx: Transaction, now: datetime, quarantined_until: datetime, limit: int) -> list[Number]:
    """Numbers whose next step in life is due; those released by `quarantined_until` are to be finished."""
    return [_number(row) for row in await tx.all(_DUE, to_wire(now), to_wire(quarantined_until), limit)]


async def show(tx: Transaction, tenant: TenantId | None, id: NumberId) -> ShownNumber:
    """The number with its trunk. Raises UnknownNumber."""
    row = await tx.one(_SHOW, id)
    if row is None or tenant not in (None, row["tenant_id"]):
        raise UnknownNumber(id)
    return ShownNumber._make(row)


def as_stored(shown: ShownNumber) -> Number:
    """The number itself."""
    return Number(
        id=NumberId(shown.id),
        tenant=None if shown.tenant_id is None else TenantId(shown.tenant_id),
        number=shown.number,
        provider=Provider(shown.provider),
        status=Status(shown.status),
        nickname=shown.nickname,
        trunk=None if shown.trunk_id is None else TrunkId(shown.trunk_id),
        inbound_agent=None if shown.inbound_agent_id is None else AgentId(shown.inbound_agent_id),
        outbound_agent=None if shown.outbound_agent_id is None else AgentId(shown.outbound_agent_id),
        region_codes=tuple(json.loads(shown.region_codes)),
        created_at=from_wire(shown.created_at),
        assigned_at=opt_from_wire(shown.assigned_at),
        released_at=opt_from_wire(shown.released_at),
        scheduled_release_at=opt_from_wire(shown.scheduled_release_at),
        reservation_expires_at=opt_from_wire(shown.reservation_expires_at),
        account=None if shown.account_id is None else AccountId(shown.account_id),
        updated_at=from_wire(shown.updated_at),
    )


async def names_around(tx: Transaction, rows: Sequence[ShownNumber]) -> dict[str, str]:
    """What the trunks, agents and accounts of these numbers are called, by id."""
    wanted = (
        ("agent", "name", {id for row in rows for id in (row.inbound_agent_id, row.outbound_agent_id)}),
        ("account", "username", {row.account_id for row in rows}),
    )
    found = {row.trunk_id: row.trunk_name for row in rows if row.trunk_id is not None and row.trunk_name is not None}
    for table, column, ids in wanted:
        sql = _CALLED.format(table=table, column=column)
        found |= {row["id"]: row["called"] for row in await many.find(tx, sql, sorted(filter(None, ids)))}
    return found


async def after_cursor(
    tx: Transaction, where: Filter, order: Order, limit: int, cursor: NumberId | None, *, backwards: bool
) -> list[ShownNumber]:
    """At most `limit` rows beyond `cursor` in list order, nearest first; `backwards` looks the other way.

    Raises UnknownCursor.
    """
    clause = _where(where)
    down = (order == "desc") != backwards
    if cursor is not None:
        clause.add(_BEYOND.format(sign="<" if down else ">"), cursor, where.tenant)
    direction = "desc" if down else "asc"
    sql = f"{_SHOWN} {clause} order by n.created_at {direction}, n.id {direction} limit {clause.bind(limit)}"
    rows = await tx.all(sql, *clause.args)
    if not rows and cursor is not None and await tx.one(_CURSOR, cursor, where.tenant) is None:
        raise UnknownCursor(cursor)
    return [ShownNumber._make(row) for row in rows]


async def count(tx: Transaction, where: Filter) -> int:
    """How many numbers the filter lets through: from the tenant's counter, or counted along an index."""
    if where.plain:
        return await tenants.listed(tx, where.tenant)
    clause = _where(where)
    row = await tx.one(f"select count(*) as numbers from number n {clause}", *clause.args)
    assert row is not None
    return int(row["numbers"])


async def page(tx: Transaction, where: Filter, order: Order, limit: int, number: int, total: int) -> list[ShownNumber]:
    """The rows of page `number` (from 1), read from the nearer end of `total` rows through a covering index."""
    offset = (number - 1) * limit
    size = min(limit, total - offset)
    if size <= 0:
        return []
    from_end = offset > total // 2
    if from_end:
        offset = total - offset - size
    down = (order == "desc") != from_end
    clause = _where(where)
    direction = "desc" if down else "asc"
    ids = f"""select n.id from number n {clause} order by n.created_at {direction}, n.id {direction}
    limit {clause.bind(size)} offset {clause.bind(offset)}"""
    sql = f"{_SHOWN} where n.id in ({ids}) order by n.created_at {order}, n.id {order}"
    return [ShownNumber._make(row) for row in await tx.all(sql, *clause.args)]


def _where(where: Filter) -> Where:
    clause = Where()
    clause.add("n.tenant_id = {}", where.tenant)
    if where.status is None:
        clause.add("n.status <> 'finished'")
    else:
        clause.add("n.status = {}", where.status)
    if where.inbound_agent is not None:
        clause.add("n.inbound_agent_id = {}", where.inbound_agent)
    if where.outbound_agent is not None:
        clause.add("n.outbound_agent_id = {}", where.outbound_agent)
    if where.trunk is not None:
        clause.add("n.trunk_id = {}", where.trunk)
    if where.assigned_from is not None:
        clause.add("n.assigned_at >= {}", to_wire(where.assigned_from))
    if where.assigned_to is not None:
        clause.add("n.assigned_at <= {}", to_wire(where.assigned_to))
    return clause


async def _recount(tx: Transaction, before: TenantId | None, after: TenantId | None) -> None:
    if before != after:
        if before is not None:
            await tenants.count_listed(tx, before, -1)
        if after is not None:
            await tenants.count_listed(tx, after, 1)


async def _record(
    tx: Transaction, who: Actor, now: datetime, action: str, before: Number | None, after: Number | None
) -> None:
    number = after or before
    assert number is not None
    fields = changes.difference(_told(before), _told(after))
    await changes.record(tx, who, now, "number", number.id, action, tenant=number.tenant, fields=fields)
