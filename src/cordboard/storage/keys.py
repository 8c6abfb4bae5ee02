"""API keys in the store: their digests, never the keys."""

import json
from datetime import datetime

from cordboard.domain.errors import UnknownKey
from cordboard.domain.keys import ApiKey, KeyId
from cordboard.domain.tenants import Actor, TenantId
from cordboard.domain.times import from_wire, to_wire
from cordboard.storage import changes
from cordboard.storage.listing import oldest_first
from cordboard.storage.transaction import Row, Transaction

_INSERT = """
insert into api_key (id, tenant_id, name, digest, last_four, permissions, created_at)
values ($1, $2, $3, $4, $5, $6, $7)
"""
_COLUMNS = "select id, tenant_id, name, digest, last_four, permissions, created_at from api_key"
_BY_DIGEST = f"{_COLUMNS} where digest = $1"
_BY_ID = f"{_COLUMNS} where id = $1"
_DELETE = "delete from api_key where id = $1"


def _key(row: Row) -> ApiKey:
    permissions = row["permissions"]
    return ApiKey(
        id=KeyId(row["id"]),
        tenant=TenantId(row["tenant_id"]),
        name=row["name"],
        digest=row["digest"],
        last_four=row["last_four"],
        permissions=None if permissions is None else tuple(json.loads(permissions)),
        created_at=from_wire(row["created_at"]),
    )


async def add(tx: Transaction, who: Actor, key: ApiKey, now: datetime) -> None:
    permissions = None if key.permissions is None else json.dumps(key.permissions)
    await tx.run(_INSERT, key.id, key.tenant, key.name, key.digest, key.last_four, permissions, to_wire(key.created_at))
    fields = {"name": [None, key.name], "permissions": [None, key.permissions]}
    await changes.record(tx, who, now, "key", key.id, "create", tenant=key.tenant, fields=fields)


async def by_digest(tx: Transaction, digest: str) -> ApiKey | None:
    row = await tx.one(_BY_DIGEST, digest)
    return None if row is None else _key(row)


async def get(tx: Transaction, id: KeyId) -> ApiKey:
    """Raises UnknownKey."""
    row = await tx.one(_BY_ID, id)
    if row is None:
        raise UnknownKey(id)
    return _key(row)


async def of_tenant(tx: Transaction, tenant: TenantId, after: KeyId | None, limit: int) -> list[ApiKey]:
    """Oldest first, those beyond `after`. Raises UnknownCursor."""
    return [_key(row) for row in await oldest_first(tx, _COLUMNS, "api_key", tenant, after, limit)]


async def remove(tx: Transaction, who: Actor, key: ApiKey, now: datetime) -> None:
    await tx.run(_DELETE, key.id)
    await changes.record(tx, who, now, "key", key.id, "revoke", tenant=key.tenant, fields={})
