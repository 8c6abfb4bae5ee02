"""Looking for numbers, trunks, accounts, agents, tenants and calls by what they are called, or how that begins."""

from collections.abc import Sequence
from functools import partial
from itertools import zip_longest
from typing import Final

from cordboard.domain.search import KINDS, Found, Hit, Kind, folded
from cordboard.domain.tenants import Actor, TenantId
from cordboard.storage import search as stored
from cordboard.storage import tenants
from cordboard.storage.search import Scope
from cordboard.storage.transaction import Transaction
from cordboard.usecases.ports import Store

#: Hits in one answer.
MOST: Final = 20
#: What a key needs to be shown each.
NEEDED: Final[dict[Kind, str]] = {
    "number": "phones.view",
    "trunk": "trunks.view",
    "account": "accounts.view",
    "agent": "agents.view",
    "tenant": "tenants.view",
    "call": "calls.view",
}


async def search(store: Store, who: Actor, tenant: TenantId | None, text: str) -> Found:
    """Of that tenant, or of all that are open to who asks; what a key may not view is not among it."""
    scope = Scope(tenant=tenant, operator=None if tenant else who.operator)
    kinds = [kind for kind in KINDS if who.permissions is None or NEEDED[kind] in who.permissions]
    found, cut = await store.read(partial(_look, scope=scope, text=text, kinds=kinds))
    by_kind = [list({hit.id: hit for hit in found if hit.kind == kind}.values()) for kind in KINDS]
    # each kind has its share: a text that a thousand numbers begin with begins names too
    shared = [hit for rank in zip_longest(*by_kind) for hit in rank if hit is not None]
    hits = sorted(shared[:MOST], key=lambda hit: (KINDS.index(hit.kind), hit.name))
    return Found(hits=tuple(hits), more=len(shared) > MOST, cut=cut)


async def _look(tx: Transaction, scope: Scope, text: str, kinds: Sequence[Kind]) -> tuple[list[Hit], bool]:
    """One more of each than is shown; and whether there were more rows than are looked at."""
    limit = MOST + 1
    whoever, cut = await stored.of_all(tx, scope, text, kinds, limit)
    hits = [*whoever, *(await stored.of_tenant(tx, scope.tenant, text, kinds, limit) if scope.tenant else ())]
    if "trunk" in kinds:
        hits += await stored.of_system(tx, text, limit)
    if "tenant" in kinds:
        hits += await _tenants(tx, scope, text, limit)
    return hits, cut


async def _tenants(tx: Transaction, scope: Scope, text: str, limit: int) -> list[Hit]:
    if scope.tenant is None:
        return await stored.of_tenants(tx, scope, text, limit)
    own = await tenants.get(tx, scope.tenant)
    if not folded(own.name).startswith(folded(text)) and not (own.reference or "").startswith(text):
        return []
    return [Hit(kind="tenant", id=own.id, name=own.name, tenant=own.id, detail=own.reference)]
