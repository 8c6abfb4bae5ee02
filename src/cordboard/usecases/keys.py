"""API keys: making, revoking, and telling who holds one."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from cordboard.domain.errors import Unauthenticated
from cordboard.domain.keys import ApiKey, KeyId, check_permissions, digest
from cordboard.domain.tenants import Actor, TenantId, check_name
from cordboard.storage import keys, tenants
from cordboard.storage.transaction import Transaction
from cordboard.usecases.ports import Store

#: Seconds for which a key that was found is believed without asking again. Keys revoked in this process are
#: dropped at once; one revoked through another process lives this much longer.
REMEMBERED = 2.0
#: Keys remembered at most; past it the memory starts afresh.
REMEMBERED_KEYS = 10_000


class Keyholders:
    """Who holds a key. Remembers for a moment, so that a busy client costs no look-up per request."""

    def __init__(self, store: Store, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._monotonic = monotonic
        self._known: dict[str, tuple[float, ApiKey]] = {}
        self._revocations = 0

    async def holder(self, bearer: str) -> ApiKey:
        """Raises Unauthenticated."""
        hashed = digest(bearer)
        known = self._known.get(hashed)
        now = self._monotonic()
        if known is not None and known[0] > now:
            return known[1]
        revocations = self._revocations
        key = await self._store.read(partial(keys.by_digest, digest=hashed))
        if key is None:
            self._known.pop(hashed, None)
            raise Unauthenticated
        if revocations != self._revocations:
            return key  # not remembered: it may have been revoked while it was looked up
        if len(self._known) >= REMEMBERED_KEYS:
            self._known.clear()
        self._known[hashed] = (now + REMEMBERED, key)
        return key

    def forget(self, key: ApiKey) -> None:
        """A key was revoked: the next request that shows it is refused."""
        self._revocations += 1
        self._known.pop(key.digest, None)

    def forget_all(self) -> None:
        """A tenant was deleted, and its keys with it."""
        self._revocations += 1
        self._known.clear()


async def create(
    tx: Transaction,
    who: Actor,
    now: datetime,
    *,
    id: KeyId,
    tenant: TenantId,
    secret: str,
    name: str | None,
    permissions: Sequence[str] | None,
) -> ApiKey:
    """A key of `tenant`; no permissions given (None) is unrestricted. Raises UnknownTenant, InvalidPermission."""
    await tenants.get(tx, tenant)
    key = ApiKey(
        id=id,
        tenant=tenant,
        name=None if name is None else check_name(name),
        digest=digest(secret),
        last_four=secret[-4:],
        permissions=None if permissions is None else check_permissions(permissions),
        created_at=now,
    )
    await keys.add(tx, who, key, now)
    return key


async def revoke(tx: Transaction, who: Actor, now: datetime, *, id: KeyId) -> ApiKey:
    """Raises UnknownKey."""
    key = await keys.get(tx, id)
    await keys.remove(tx, who, key, now)
    return key
