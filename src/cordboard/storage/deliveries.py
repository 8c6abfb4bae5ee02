"""Events on their way to webhooks: the outbox, claimed with a lease.

A row is due at an instant while it is pending, and not at all (null) when it is over. Claiming it moves that instant to
the end of the lease, so what a dead process has left is due again by itself; and whoever reports an outcome names the
lease, so that one that came too late changes nothing.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final

from cordboard.domain.events import EventId, first_id
from cordboard.domain.tenants import TenantId
from cordboard.domain.times import from_wire, opt_from_wire, opt_to_wire, to_wire
from cordboard.domain.webhooks import (
    KEPT_ATTEMPTS,
    Attempt,
    Delivery,
    DeliveryId,
    DeliveryState,
    WebhookId,
    delivery_id,
)
from cordboard.storage.listing import Listed, Where, window
from cordboard.storage.many import find, insert
from cordboard.storage.transaction import Row, Transaction

_NAMES: Final = "id, webhook_id, event_id, state, tries, due_at, attempts"
_LISTED = Listed(table="webhook_delivery", time="id", columns=_NAMES)
_BY_ID = f"select {_NAMES} from webhook_delivery where id = $1"
_TYPES = "select id, type from event where id in ({places})"
#: The webhooks that something waits for, found by stepping from one to the next in the index of what is due.
_WAITING = """
with recursive waiting (id) as (
    select min(webhook_id) from webhook_delivery where due_at is not null
    union all
    select (select min(d.webhook_id) from webhook_delivery d where d.due_at is not null and d.webhook_id > waiting.id)
    from waiting where waiting.id is not null
)
select w.id, w.tenant_id, w.failing_since,
       (select min(d.due_at) from webhook_delivery d where d.webhook_id = w.id and d.due_at is not null) as due_at
from waiting join webhook w on w.id = waiting.id
where w.enabled = 1
"""
#: `due_at <= $2` is said of the row itself as well: of two processes that chose it, the second finds it leased.
_CLAIM = f"""
update webhook_delivery set due_at = $4
where due_at <= $2 and id in (
    select id from webhook_delivery where webhook_id = $1 and due_at <= $2 order by due_at, id limit $3
)
returning {_NAMES}
"""
_DONE = """
update webhook_delivery set state = $3, tries = $4, due_at = $5, attempts = $6 where id = $1 and due_at = $2
returning id
"""
_ANY_DUE = "select 1 from webhook_delivery where webhook_id = $1 and due_at is not null limit 1"
_AGAIN = """
insert into webhook_delivery (id, webhook_id, event_id, state, tries, due_at, attempts)
values ($1, $2, $3, 'pending', 0, $4, '[]')
on conflict (id) do update set state = 'pending', tries = 0, due_at = excluded.due_at
where webhook_delivery.due_at is null or webhook_delivery.due_at > $5
returning id
"""
_FAILED_AGAIN = """
update webhook_delivery set state = 'pending', tries = 0, due_at = $2
where id in (select id from webhook_delivery where webhook_id = $1 and state = 'failed' order by id limit $3)
returning id
"""
_OLD = "delete from webhook_delivery where id in (select id from webhook_delivery where id < $1 order by id limit $2)"
_ANY_OLD = "select 1 from webhook_delivery where id < $1 limit 1"
#: A webhook that is gone, and that something was sent to; stepping through them as above.
_ORPHANS = """
with recursive sent (id) as (
    select min(webhook_id) from webhook_delivery
    union all
    select (select min(d.webhook_id) from webhook_delivery d where d.webhook_id > sent.id)
    from sent where sent.id is not null
)
select sent.id from sent left join webhook w on w.id = sent.id where w.id is null and sent.id is not null limit 1
"""
_DROP = """
delete from webhook_delivery
where id in (select id from webhook_delivery where webhook_id = $1 order by id limit $2)
"""

_encoded = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A webhook that something waits for, and when the first of it is due."""

    webhook: WebhookId
    tenant: TenantId | None
    due_at: datetime
    failing: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Deliveries, those of the newest events first; `next` is the cursor at which the list goes on."""

    rows: list[Delivery]
    next: str | None


async def add(tx: Transaction, pairs: Iterable[tuple[WebhookId, EventId]], due: datetime, *, tries: int = 0) -> None:
    """On their way, as if they had been tried that often; those that were already are left alone."""
    rows = [(delivery_id(w, e), w, e, DeliveryState.PENDING, tries, to_wire(due), "[]") for w, e in pairs]
    await insert(tx, "webhook_delivery", _NAMES, rows)


async def waiting(tx: Transaction) -> list[Waiting]:
    """Of webhooks that are enabled."""
    return [
        Waiting(
            webhook=WebhookId(row["id"]),
            tenant=row["tenant_id"],
            due_at=from_wire(row["due_at"]),
            failing=row["failing_since"] is not None,
        )
        for row in await tx.all(_WAITING)
        if row["due_at"] is not None
    ]


async def claim(tx: Transaction, webhook: WebhookId, now: datetime, until: datetime, limit: int) -> list[Delivery]:
    """The first that are due, leased until then, and nobody else's before that."""
    rows = await tx.all(_CLAIM, webhook, to_wire(now), limit, to_wire(until))
    return [_delivery(row) for row in rows]


async def done(tx: Transaction, leased: Delivery, after: Delivery) -> bool:
    """Write down an outcome; False if the lease was over and somebody else's word counts."""
    attempts = _encoded([_written(attempt) for attempt in after.attempts[-KEPT_ATTEMPTS:]])
    values = (after.state, after.tries, opt_to_wire(after.due_at), attempts)
    return await tx.one(_DONE, leased.id, opt_to_wire(leased.due_at), *values) is not None


async def any_due(tx: Transaction, webhook: WebhookId) -> bool:
    """Whether anything is on its way to it, or tried again later."""
    return await tx.one(_ANY_DUE, webhook) is not None


async def set_going(
    tx: Transaction, webhook: WebhookId, events: Sequence[EventId], due: datetime, leased: datetime
) -> int:
    """Once more, or for the first time; how many. What is due until `leased` may be on its way, and is left alone."""
    times = (to_wire(due), to_wire(leased))
    moved = [await tx.one(_AGAIN, delivery_id(webhook, event), webhook, event, *times) for event in events]
    return sum(row is not None for row in moved)


async def set_failed_going(tx: Transaction, webhook: WebhookId, due: datetime, limit: int) -> int:
    """Some of those that were given up; how many."""
    return len(await tx.all(_FAILED_AGAIN, webhook, to_wire(due), limit))


async def get(tx: Transaction, id: DeliveryId) -> Delivery:
    """One that is known to be there."""
    return (await _typed(tx, await tx.all(_BY_ID, id)))[0]


async def page(
    tx: Transaction,
    webhook: WebhookId,
    state: DeliveryState | None,
    event: EventId | None,
    after: str | None,
    limit: int,
) -> Page:
    """Raises UnknownCursor."""
    near = Where()
    if event is not None:
        near.add("id = {}", delivery_id(webhook, event))
    if state is DeliveryState.FAILED:
        near.add("state = 'failed'")
    if state is DeliveryState.PENDING:
        near.add("due_at is not null")
    found = await window(tx, _LISTED, near, (("state = {}", state),), after, limit, own=("webhook_id = {}", webhook))
    return Page(await _typed(tx, found.rows), found.next)


async def remove_old(tx: Transaction, before: datetime, limit: int) -> bool:
    """Remove at most `limit` whose events are from before; whether there are more."""
    await tx.run(_OLD, first_id(before), limit)
    return await tx.one(_ANY_OLD, first_id(before)) is not None


async def remove_orphans(tx: Transaction, limit: int) -> bool:
    """Remove at most `limit` of a webhook that is gone; whether there may be more."""
    row = await tx.one(_ORPHANS)
    if row is None:
        return False
    await tx.run(_DROP, row["id"], limit)
    return True


async def _typed(tx: Transaction, rows: Sequence[Row]) -> list[Delivery]:
    """With the types of their events."""
    found = await find(tx, _TYPES, [row["event_id"] for row in rows])
    types = {row["id"]: row["type"] for row in found}
    return [replace(_delivery(row), type=types.get(row["event_id"])) for row in rows]


def _delivery(row: Row) -> Delivery:
    return Delivery(
        id=DeliveryId(row["id"]),
        webhook=WebhookId(row["webhook_id"]),
        event=EventId(row["event_id"]),
        type=None,
        state=DeliveryState(row["state"]),
        tries=row["tries"],
        due_at=opt_from_wire(row["due_at"]),
        attempts=tuple(_attempt(one) for one in json.loads(row["attempts"])),
    )


def _written(attempt: Attempt) -> dict[str, Any]:
    return {**asdict(attempt), "at": to_wire(attempt.at)}


def _attempt(written: dict[str, Any]) -> Attempt:
    return Attempt(**{**written, "at": from_wire(written["at"])})
