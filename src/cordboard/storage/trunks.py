"""Trunks and their gateways in the store."""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any

from cordboard.domain.addresses import Transport
from cordboard.domain.errors import UnknownCursor, UnknownTrunk
from cordboard.domain.tenants import Actor, TenantId
from cordboard.domain.times import from_wire, to_wire
from cordboard.domain.trunk_options import NO_OPTIONS, CalledNumberFrom, NumberFormat, Registration, TrunkOptions
from cordboard.domain.trunks import Gateway, MediaPolicy, SealedCredentials, SealedSecret, Trunk, TrunkId
from cordboard.storage import changes, many
from cordboard.storage.transaction import Row, Stale, Transaction, Value

_COLUMNS = """id, created_at, tenant_id, name, system, username, password, allowed, media_in, media_out, tls_verify,
probe, options, inbound_username, inbound_password, number_id, provider_id, updated_at"""
_INSERT = f"insert into trunk ({_COLUMNS}) values ({', '.join(f'${place}' for place in range(1, 19))})"
_BY_ID = f"select {_COLUMNS} from trunk where id = $1"
#: Newest first.
_PAGE = f"select {_COLUMNS} from trunk where {{whose}} {{beyond}} order by created_at desc, id desc limit $1"
_TENANTS = "tenant_id = $2"
_SYSTEMS = "tenant_id is null and system = 1"
#: Beyond a cursor that the list does not have there is nothing.
_BEYOND = "and (created_at, id) < ((select created_at from trunk where id = {0} and {whose}), {0})"
#: The tenant's and the system's; each half reads no more than is shown.
_VISIBLE = f"""
select * from (select {_COLUMNS} from trunk where tenant_id = $1 order by created_at desc, id desc limit $2) as own
union all
select * from (
  select {_COLUMNS} from trunk where tenant_id is null and system = 1 order by created_at desc, id desc limit $2
) as everybodys
order by created_at desc, id desc limit $2
"""
#: Only what differs is named, so that a writer undoes nothing that another one changed meanwhile.
_UPDATE = "update trunk set {columns} where id = $1 and tenant_id is not distinct from $2 returning id"
_ALLOWED = "select id, tenant_id, allowed from trunk where id > $1 and allowed is not null order by id limit $2"
_DELETE = "delete from trunk where id = $1"
_BY_REFS = """
select id as ref, id, system, number_id from trunk
where id in ({places}) and (tenant_id = $1 or (tenant_id is null and system = 1))
union
select name, id, system, number_id from trunk where tenant_id = $1 and name in ({places})
union
select name, id, system, number_id from trunk where tenant_id is null and system = 1 and name in ({places})
"""
_GATEWAY_COLUMNS = "trunk_id, position, host, port, transport, name, priority, weight"
_GATEWAYS = f"select {_GATEWAY_COLUMNS} from gateway where trunk_id = $1 order by position"
_GATEWAYS_OF = f"""
select {_GATEWAY_COLUMNS} from gateway where trunk_id in ({{trunks}}) order by trunk_id, position
"""
_ADD_GATEWAY = f"insert into gateway ({_GATEWAY_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8)"
_DROP_GATEWAYS = "delete from gateway where trunk_id = $1"


@dataclass(frozen=True, slots=True)
class Named:
    """A trunk by which a number may be carried."""

    id: TrunkId
    #: It came with a number of the platform's, and goes with it.
    platform: bool


def _trunk(row: Row, gateways: list[Row]) -> Trunk:
    allowed = row["allowed"]
    return Trunk(
        id=TrunkId(row["id"]),
        tenant=row["tenant_id"],
        name=row["name"],
        system=bool(row["system"]),
        gateways=tuple(_gateway(row) for row in gateways),
        username=row["username"],
        password=None if row["password"] is None else SealedSecret(text=row["password"]),
        allowed=None if allowed is None else tuple(json.loads(allowed)),
        media_in=MediaPolicy(row["media_in"]),
        media_out=MediaPolicy(row["media_out"]),
        tls_verify=bool(row["tls_verify"]),
        probe=bool(row["probe"]),
        options=options_from(row["options"]),
        inbound=_inbound(row),
        number=row["number_id"],
        provider_id=row["provider_id"],
        created_at=from_wire(row["created_at"]),
        updated_at=from_wire(row["updated_at"]),
    )


def _inbound(row: Row) -> SealedCredentials | None:
    username, password = row["inbound_username"], row["inbound_password"]
    return None if username is None else SealedCredentials(username=username, password=SealedSecret(text=password))


def options_from(stored: str | None) -> TrunkOptions:
    """What `_options_text` wrote."""
    if stored is None:
        return NO_OPTIONS
    values: dict[str, Any] = json.loads(stored)
    for name, read in _READ.items():
        if name in values:
            values[name] = read(values[name])
    return TrunkOptions(**values)


_READ: dict[str, Callable[[Any], Any]] = {
    "transport": Transport,
    "callers": tuple,
    "headers": lambda pairs: tuple(map(tuple, pairs)),
    "codecs": tuple,
    "destinations": tuple,
    "number_format": NumberFormat,
    "called_number_from": CalledNumberFrom,
    "failover_codes": tuple,
    "registration": lambda given: Registration(**given),
}


def _set(options: TrunkOptions) -> dict[str, Any]:
    """Only what differs from the default, by its field."""
    if options == NO_OPTIONS:  # most of them, and to take one apart is slow
        return {}
    values, plain = asdict(options), asdict(NO_OPTIONS)
    return {field.name: values[field.name] for field in fields(options) if values[field.name] != plain[field.name]}


def _options_text(options: TrunkOptions) -> str | None:
    values = _set(options)
    return json.dumps(values, separators=(",", ":")) if values else None


def _gateway(row: Row) -> Gateway:
    transport = row["transport"]
    return Gateway(
        host=row["host"],
        port=row["port"],
        transport=None if transport is None else Transport(transport),
        name=row["name"],
        priority=row["priority"],
        weight=row["weight"],
    )


def _variable(trunk: Trunk) -> dict[str, Value]:
    """The columns that may change."""
    return {
        "tenant_id": trunk.tenant,
        "name": trunk.name,
        "system": int(trunk.system),
        "username": trunk.username,
        "password": None if trunk.password is None else trunk.password.text,
        "allowed": None if trunk.allowed is None else json.dumps(trunk.allowed, separators=(",", ":")),
        "media_in": trunk.media_in,
        "media_out": trunk.media_out,
        "tls_verify": int(trunk.tls_verify),
        "probe": int(trunk.probe),
        "options": _options_text(trunk.options),
        "inbound_username": None if trunk.inbound is None else trunk.inbound.username,
        "inbound_password": None if trunk.inbound is None else trunk.inbound.password.text,
        "number_id": trunk.number,
        "provider_id": trunk.provider_id,
    }


def _told(trunk: Trunk | None) -> dict[str, object]:
    """What the audit log may say of a trunk: nothing of its passwords, and of its headers their names alone."""
    if trunk is None:
        return {}
    return {
        "tenant": trunk.tenant,
        "name": trunk.name,
        "system": trunk.system,
        "gateways": [_gateway_told(gateway) for gateway in trunk.gateways],
        "username": trunk.username,
        "allowed": trunk.allowed,
        "media_in": trunk.media_in,
        "media_out": trunk.media_out,
        "tls_verify": trunk.tls_verify,
        "probe": trunk.probe,
        "options": _options_told(trunk.options),
        "inbound_username": None if trunk.inbound is None else trunk.inbound.username,
        "provider_id": trunk.provider_id,
    }


def _options_told(options: TrunkOptions) -> dict[str, Any]:
    told = _set(options)
    return {**told, "headers": [name for name, _ in options.headers]} if "headers" in told else told


def _gateway_told(gateway: Gateway) -> str:
    marks = (("name", gateway.name), ("priority", gateway.priority), ("weight", gateway.weight))
    return " ".join((str(gateway), *(f"{mark}={value}" for mark, value in marks if value is not None)))


def _fields(before: Trunk | None, after: Trunk | None) -> changes.Fields:
    fields = changes.difference(_told(before), _told(after))
    for name, secret in (("password", _password), ("inbound_password", _inbound_password), ("headers", _headers)):
        old, new = (None if trunk is None else secret(trunk) for trunk in (before, after))
        if old != new:
            fields[name] = ["cleared"] if new is None else ["set"]
    return fields


def _password(trunk: Trunk) -> SealedSecret | None:
    return trunk.password


def _inbound_password(trunk: Trunk) -> SealedSecret | None:
    return None if trunk.inbound is None else trunk.inbound.password


def _headers(trunk: Trunk) -> tuple[tuple[str, str], ...] | None:
    """A value may be a token."""
    return trunk.options.headers or None


async def get(tx: Transaction, id: TrunkId) -> Trunk:
    """Raises UnknownTrunk."""
    row = await tx.one(_BY_ID, id)
    if row is None:
        raise UnknownTrunk(id)
    return _trunk(row, await tx.all(_GATEWAYS, id))


async def of_tenant(tx: Transaction, tenant: TenantId, after: TrunkId | None, limit: int) -> list[Trunk]:
    """A tenant's trunks, newest first, those beyond `after`. Raises UnknownCursor."""
    return await _page(tx, _TENANTS, (tenant,), after, limit)


async def allow_lists(
    tx: Transaction, after: str, limit: int
) -> list[tuple[TrunkId, TenantId | None, tuple[str, ...]]]:
    """Whoever's lists of addresses there are, by id from beyond `after` on."""
    rows = await tx.all(_ALLOWED, after, limit)
    return [(TrunkId(row["id"]), row["tenant_id"], tuple(json.loads(row["allowed"]))) for row in rows]


async def of_system(tx: Transaction, after: TrunkId | None, limit: int) -> list[Trunk]:
    """The trunks that everybody may call through, as `of_tenant` has them. Raises UnknownCursor."""
    return await _page(tx, _SYSTEMS, (), after, limit)


async def _page(
    tx: Transaction, whose: str, args: tuple[TenantId, ...], after: TrunkId | None, limit: int
) -> list[Trunk]:
    if after is None:
        rows = await tx.all(_PAGE.format(whose=whose, beyond=""), limit, *args)
    else:
        beyond = _BEYOND.format(f"${len(args) + 2}", whose=whose)
        rows = await tx.all(_PAGE.format(whose=whose, beyond=beyond), limit, *args, after)
        if not rows and not await _has(tx, whose, args, after):
            raise UnknownCursor(after)
    return await _with_gateways(tx, rows)


async def _has(tx: Transaction, whose: str, args: tuple[TenantId, ...], id: TrunkId) -> bool:
    return await tx.one(f"select 1 from trunk where id = $1 and {whose}", id, *args) is not None


async def visible(tx: Transaction, tenant: TenantId, limit: int) -> list[Trunk]:
    """A tenant's trunks and the system's, newest first."""
    return await _with_gateways(tx, await tx.all(_VISIBLE, tenant, limit))


async def _with_gateways(tx: Transaction, rows: list[Row]) -> list[Trunk]:
    gateways: dict[str, list[Row]] = {row["id"]: [] for row in rows}
    if gateways:
        places = ", ".join(f"${place}" for place, _ in enumerate(gateways, 1))
        for row in await tx.all(_GATEWAYS_OF.format(trunks=places), *gateways):
            gateways[row["trunk_id"]].append(row)
    return [_trunk(row, gateways[row["id"]]) for row in rows]


async def add(tx: Transaction, who: Actor, trunk: Trunk, now: datetime) -> None:
    await tx.run(_INSERT, trunk.id, to_wire(trunk.created_at), *_variable(trunk).values(), to_wire(now))
    await _add_gateways(tx, trunk)
    await changes.record(tx, who, now, "trunk", trunk.id, "create", tenant=trunk.tenant, fields=_fields(None, trunk))


async def add_many(tx: Transaction, who: Actor, added: Sequence[Trunk], now: datetime) -> None:
    """Trunks that are new, and so have new ids."""
    rows = [(trunk.id, to_wire(trunk.created_at), *_variable(trunk).values(), to_wire(now)) for trunk in added]
    await tx.add("trunk", _COLUMNS, rows)
    await tx.add("gateway", _GATEWAY_COLUMNS, [values for trunk in added for values in _gateway_values(trunk)])
    entries = ((trunk.id, trunk.tenant, _fields(None, trunk)) for trunk in added)
    await changes.record_many(tx, who, now, "trunk", "create", entries)


async def by_refs(tx: Transaction, tenant: TenantId, refs: Collection[str]) -> dict[str, list[Named]]:
    """What a tenant may call by these ids or names: its own trunks, and those that everybody may call through.

    By its id a trunk is found even if another one is called so; several of one name are all found.
    """
    found: dict[str, list[Named]] = {}
    for row in await many.find(tx, _BY_REFS, sorted(refs), tenant):
        named = Named(TrunkId(row["id"]), platform=bool(row["system"]) and row["number_id"] is not None)
        found.setdefault(row["ref"], []).append(named)
    return {ref: [each for each in named if each.id == ref] or named for ref, named in found.items()}


async def save(tx: Transaction, who: Actor, before: Trunk, after: Trunk, now: datetime) -> Trunk:
    """Store what differs, and when; nothing if nothing does. Raises Stale if another tenant's write came between."""
    if before == after:
        return before
    old = _variable(before)
    changed = {name: value for name, value in _variable(after).items() if value != old[name]}
    changed["updated_at"] = to_wire(now)
    columns = ", ".join(f"{column} = ${place}" for place, column in enumerate(changed, 3))
    if await tx.one(_UPDATE.format(columns=columns), before.id, before.tenant, *changed.values()) is None:
        raise Stale
    if before.gateways != after.gateways:
        await tx.run(_DROP_GATEWAYS, after.id)
        await _add_gateways(tx, after)
    await changes.record(tx, who, now, "trunk", after.id, "update", tenant=after.tenant, fields=_fields(before, after))
    return replace(after, updated_at=now)


async def remove(tx: Transaction, who: Actor, trunk: Trunk, now: datetime) -> None:
    await tx.run(_DELETE, trunk.id)
    await changes.record(tx, who, now, "trunk", trunk.id, "delete", tenant=trunk.tenant, fields=_fields(trunk, None))


async def _add_gateways(tx: Transaction, trunk: Trunk) -> None:
    for values in _gateway_values(trunk):
        await tx.run(_ADD_GATEWAY, *values)


def _gateway_values(trunk: Trunk) -> list[tuple[Value, ...]]:
    """In order of _GATEWAY_COLUMNS."""
    return [
        (trunk.id, position, each.host, each.port, each.transport, each.name, each.priority, each.weight)
        for position, each in enumerate(trunk.gateways)
    ]
