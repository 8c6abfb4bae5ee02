"""Events in the store. They name what may be gone, so they refer to nothing."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cordboard.domain.errors import UnknownEvent
from cordboard.domain.events import Event, EventId, Happened, encode, event_id, first_and_last, first_id
from cordboard.domain.times import from_wire, to_wire
from cordboard.storage.following import Followed
from cordboard.storage.listing import Listed, Where, Window, window
from cordboard.storage.many import find, insert
from cordboard.storage.transaction import Row, Transaction

_EVENT = "id, type, tenant_id, subject, at, data"
#: Ids sort as the instants do: one index less for the edges' events to be written to.
_LISTED = Listed(table="event", time="id", columns=_EVENT)
_BY_IDS = f"select {_EVENT} from event where id in ({{places}})"
_BY_ID = f"select {_EVENT} from event where id = $1"
_OLD = "delete from event where id in (select id from event where id < $1 order by id limit $2)"
_ANY_OLD = "select 1 from event where id < $1 limit 1"


#: What decides who wants an event: without its data, of which there may be a lot.
FOLLOWED = Followed(table="event", columns="id, type, tenant_id, subject, at, '{}' as data")


@dataclass(frozen=True, kw_only=True, slots=True)
class EventFilter:
    """Which events are wanted; the later instant is not included."""

    tenant: str | None = None
    subject: str | None = None
    #: As `check_filter` lets it through.
    type: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def add(tx: Transaction, happened: Iterable[Happened]) -> None:
    """What is there already is left alone."""
    rows = []
    for what in happened:
        data = encode(what)
        rows.append((event_id(what, data), what.type, what.tenant, what.subject, to_wire(what.at), data))
    await insert(tx, "event", _EVENT, rows)


async def some(tx: Transaction, ids: Sequence[EventId]) -> dict[EventId, Event]:
    """Those that are still kept."""
    return {EventId(row["id"]): event_of(row) for row in await find(tx, _BY_IDS, ids)}


async def get(tx: Transaction, id: EventId) -> Event:
    """Raises UnknownEvent."""
    row = await tx.one(_BY_ID, id)
    if row is None:
        raise UnknownEvent(id)
    return event_of(row)


async def page(tx: Transaction, where: EventFilter, after: str | None, limit: int) -> Window:
    """Newest first. Raises UnknownCursor."""
    near = Where()
    if where.subject is not None:
        near.add("subject = {}", where.subject)
    since, until = (None if at is None else first_id(at) for at in (where.since, where.until))
    _LISTED.between(near, since, until)
    first, last = (None, None) if where.type is None else first_and_last(where.type)
    far = (("type >= {}", first), ("type < {}", last))
    return await window(tx, _LISTED, near, far, after, limit, own=("tenant_id = {}", where.tenant))


async def remove_old(tx: Transaction, before: datetime, limit: int) -> bool:
    """Remove at most `limit` events from before; whether there are more."""
    await tx.run(_OLD, first_id(before), limit)
    return await tx.one(_ANY_OLD, first_id(before)) is not None


def event_of(row: Row) -> Event:
    return Event(
        id=EventId(row["id"]),
        type=row["type"],
        tenant=row["tenant_id"],
        subject=row["subject"],
        at=from_wire(row["at"]),
        data=json.loads(row["data"]),
    )
