"""Changes of configuration, and the life of numbers, as events: made of the log of changes by a follower.

A write pays nothing for it. What is told and how far it has been told are one transaction; told twice, it is one event.
"""

import json
from functools import partial
from typing import Final

from cordboard.domain.events import Happened
from cordboard.domain.tenants import TenantId
from cordboard.domain.times import from_wire
from cordboard.storage import changes, following
from cordboard.storage.following import Follow
from cordboard.storage.transaction import Row, Transaction
from cordboard.usecases.events import emit
from cordboard.usecases.ports import Context

FOLLOWER: Final = "changes"
#: Changes that are told of in one transaction: the store's other writes wait for no more than these.
BITE: Final = 200
#: What an action of the log is told as; every other one is an update.
ACTIONS: Final = {"create": "created", "delete": "deleted", "revoke": "deleted"}
#: The same of numbers, which have a life of their own.
NUMBERS: Final = {
    "import": "imported",
    "add": "created",
    "assign": "assigned",
    "release": "release.ordered",
    "released": "released",
    "finished": "finished",
    "reserved": "lapsed",
    "delete": "deleted",
}


async def tell_changes(context: Context, follow: Follow, limit: int = BITE) -> bool:
    """Tell of some that nobody has told of; False: there are none."""
    if not await context.store.read(partial(_any, follow=follow)):
        return False
    seen, moved = await context.store.write(None, partial(_tell, follow=follow, limit=limit))
    if seen == limit and not moved:
        # a transaction that has been open for long keeps the mark back, and what lies behind is more than one bite
        return await tell_changes(context, follow, limit * 2)
    return moved


async def _any(tx: Transaction, follow: Follow) -> bool:
    return bool((await follow(tx, changes.FOLLOWED, await following.mark(tx, FOLLOWER), 1)).rows)


async def _tell(tx: Transaction, follow: Follow, limit: int) -> tuple[int, bool]:
    mark = await following.hold(tx, FOLLOWER)
    news = await follow(tx, changes.FOLLOWED, mark, limit)
    await emit(tx, map(_happened, news.rows))
    if news.mark != mark:
        await following.move(tx, FOLLOWER, news.mark)
    return len(news.rows), news.mark != mark


def _happened(row: Row) -> Happened:
    kind, action, fields = row["kind"], row["action"], json.loads(row["fields"])
    told = (NUMBERS if kind == "number" else ACTIONS).get(action, "updated")
    return Happened(
        type=f"{kind}.{told}",
        tenant=_owner(row["tenant_id"], fields),
        subject=row["object_id"],
        at=from_wire(row["at"]),
        data={
            "id": row["object_id"],
            "revision": row["revision"],
            "action": action,
            "actor": row["actor"],
            "fields": fields,
        },
    )


def _owner(tenant: str | None, fields: dict[str, list[str | None]]) -> TenantId | None:
    """Whose it is, or was until now."""
    before = fields.get("tenant", [None])[0]
    owner = tenant or before
    return None if owner is None else TenantId(owner)
