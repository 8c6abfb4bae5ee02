"""Trunks and their gateways in the store."""

import json
from datetime import datetime

from cordboard.domain.addresses import Transport
from cordboard.domain.errors import UnknownTrunk
from cordboard.domain.tenants import Actor
from cordboard.domain.times import from_wire, to_wire
from cordboard.domain.trunks import Gateway, MediaPolicy, SealedSecret, Trunk, TrunkId
from cordboard.storage import changes
from cordboard.storage.transaction import Row, Transaction, Value

_INSERT = """
insert into trunk (id, tenant_id, name, system, username, password, allowed, media_in, media_out, tls_verify, probe,
created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""
_BY_ID = """
select id, tenant_id, name, system, username, password, allowed, media_in, media_out, tls_verify, probe, created_at
from trunk where id = $1
"""
_UPDATE = """
update trunk set tenant_id = $2, name = $3, username = $4, password = $5, allowed = $6, media_in = $7, media_out = $8,
tls_verify = $9, probe = $10 where id = $1
"""
_DELETE = "delete from trunk where id = $1"
_GATEWAYS = "select host, port, transport from gateway where trunk_id = $1 order by position"
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


def _variable(trunk: Trunk) -> tuple[Value, ...]:
    """The values of the columns that may change, but for the tenant and the name."""
    return (
        trunk.username,
        None if trunk.password is None else trunk.password.text,
        None if trunk.allowed is None else json.dumps(trunk.allowed, separators=(",", ":")),
        trunk.media_in,
        trunk.media_out,
        int(trunk.tls_verify),
        int(trunk.probe),
    )


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


async def add(tx: Transaction, who: Actor, trunk: Trunk, now: datetime) -> None:
    await tx.run(
        _INSERT,
        trunk.id,
        trunk.tenant,
        trunk.name,
        int(trunk.system),
        *_variable(trunk),
        to_wire(trunk.created_at),
    )
    await _add_gateways(tx, trunk)
    await changes.record(tx, who, now, "trunk", trunk.id, "create", tenant=trunk.tenant, fields=_fields(None, trunk))


async def save(tx: Transaction, who: Actor, before: Trunk, after: Trunk, now: datetime) -> None:
    """Store what differs; nothing if nothing does."""
    if before == after:
        return
    await tx.run(_UPDATE, after.id, after.tenant, after.name, *_variable(after))
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
