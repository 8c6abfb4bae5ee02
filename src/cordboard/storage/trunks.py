"""Trunks and their gateways in the store."""

import json
from datetime import datetime

from cordboard.domain.addresses import Transport
from cordboard.domain.errors import UnknownCursor, UnknownTrunk
from cordboard.domain.tenants import Actor, TenantId
from cordboard.domain.times import from_wire, to_wire
from cordboard.domain.trunks import Gateway, MediaPolicy, SealedSecret, Trunk, TrunkId
from cordboard.storage import changes
from cordboard.storage.transaction import Row, Stale, Transaction, Value

_COLUMNS = """id, tenant_id, name, system, username, password, allowed, media_in, media_out, tls_verify, probe,
created_at"""
_INSERT = f"insert into trunk ({_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
_BY_ID = f"select {_COLUMNS} from trunk where id = $1"
#: Newest first.
_OF_TENANT = f"""
select {_COLUMNS} from trunk where tenant_id = $1 {{beyond}} order by created_at desc, id desc limit $2
"""
#: Beyond a cursor that the tenant does not have there is nothing.
_BEYOND = "and (created_at, id) < ((select created_at from trunk where id = $3 and tenant_id = $1), $3)"
_CURSOR = "select 1 from trunk where id = $1 and tenant_id = $2"
#: Only what differs is named, so that a writer undoes nothing that another one changed meanwhile.
_UPDATE = "update trunk set {columns} where id = $1 and tenant_id is not distinct from $2 returning id"
_DELETE = "delete from trunk where id = $1"
_GATEWAYS = "select host, port, transport from gateway where trunk_id = $1 order by position"
_GATEWAYS_OF = """
select trunk_id, host, port, transport from gateway where trunk_id in ({trunks}) order by trunk_id, position
"""
_ADD_GATEWAY = "insert into gateway (trunk_id, position, host, port, transport) values ($1, $2, $3, $4, $5)"
_DROP_GATEWAYS = "delete from gateway where trunk_id = $1"


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
        created_at=from_wire(row["created_at"]),
    )


def _gateway(row: Row) -> Gateway:
    transport = row["transport"]
    return Gateway(host=row["host"], port=row["port"], transport=None if transport is None else Transport(transport))


def _variable(trunk: Trunk) -> dict[str, Value]:
    """The columns that may change."""
    return {
        "tenant_id": trunk.tenant,
        "name": trunk.name,
        "username": trunk.username,
        "password": None if trunk.password is None else trunk.password.text,
        "allowed": None if trunk.allowed is None else json.dumps(trunk.allowed, separators=(",", ":")),
        "media_in": trunk.media_in,
        "media_out": trunk.media_out,
        "tls_verify": int(trunk.tls_verify),
        "probe": int(trunk.probe),
    }


def _told(trunk: Trunk | None) -> dict[str, object]:
    """What the audit log may say of a trunk: of the password only whether there is one."""
    if trunk is None:
        return {}
    return {
        "tenant": trunk.tenant,
        "name": trunk.name,
        "gateways": [str(g) for g in trunk.gateways],
        "username": trunk.username,
        "allowed": trunk.allowed,
        "media_in": trunk.media_in,
        "media_out": trunk.media_out,
        "tls_verify": trunk.tls_verify,
        "probe": trunk.probe,
    }


def _fields(before: Trunk | None, after: Trunk | None) -> changes.Fields:
    fields = changes.difference(_told(before), _told(after))
    old, new = (None if t is None else t.password for t in (before, after))
    if old != new:
        fields["password"] = ["cleared"] if new is None else ["set"]
    return fields


async def get(tx: Transaction, id: TrunkId) -> Trunk:
    """Raises UnknownTrunk."""
    row = await tx.one(_BY_ID, id)
    if row is None:
        raise UnknownTrunk(id)
    return _trunk(row, await tx.all(_GATEWAYS, id))


async def of_tenant(tx: Transaction, tenant: TenantId, after: TrunkId | None, limit: int) -> list[Trunk]:
    """A tenant's trunks, newest first, those beyond `after`. Raises UnknownCursor."""
    if after is None:
        rows = await tx.all(_OF_TENANT.format(beyond=""), tenant, limit)
    else:
        rows = await tx.all(_OF_TENANT.format(beyond=_BEYOND), tenant, limit, after)
        if not rows and await tx.one(_CURSOR, after, tenant) is None:
            raise UnknownCursor(after)
    gateways: dict[str, list[Row]] = {row["id"]: [] for row in rows}
    if gateways:
        places = ", ".join(f"${place}" for place, _ in enumerate(gateways, 1))
        for row in await tx.all(_GATEWAYS_OF.format(trunks=places), *gateways):
            gateways[row["trunk_id"]].append(row)
    return [_trunk(row, gateways[row["id"]]) for row in rows]


async def add(tx: Transaction, who: Actor, trunk: Trunk, now: datetime) -> None:
    tenant, name, *rest = _variable(trunk).values()
    await tx.run(_INSERT, trunk.id, tenant, name, int(trunk.system), *rest, to_wire(trunk.created_at))
    await _add_gateways(tx, trunk)
    await changes.record(tx, who, now, "trunk", trunk.id, "create", tenant=trunk.tenant, fields=_fields(None, trunk))


async def save(tx: Transaction, who: Actor, before: Trunk, after: Trunk, now: datetime) -> None:
    """Store what differs; nothing if nothing does. Raises Stale if another tenant's write came between."""
    if before == after:
        return
    old = _variable(before)
    changed = {name: value for name, value in _variable(after).items() if value != old[name]} or {"name": after.name}
    columns = ", ".join(f"{column} = ${place}" for place, column in enumerate(changed, 3))
    if await tx.one(_UPDATE.format(columns=columns), before.id, before.tenant, *changed.values()) is None:
        raise Stale
    if before.gateways != after.gateways:
        await tx.run(_DROP_GATEWAYS, after.id)
        await _add_gateways(tx, after)
    await changes.record(tx, who, now, "trunk", after.id, "update", tenant=after.tenant, fields=_fields(before, after))


async def remove(tx: Transaction, who: Actor, trunk: Trunk, now: datetime) -> None:
    await tx.run(_DELETE, trunk.id)
    await changes.record(tx, who, now, "trunk", trunk.id, "delete", tenant=trunk.tenant, fields=_fields(trunk, None))


async def _add_gateways(tx: Transaction, trunk: Trunk) -> None:
    for position, gateway in enumerate(trunk.gateways):
        await tx.run(_ADD_GATEWAY, trunk.id, position, gateway.host, gateway.port, gateway.transport)
