"""Gateways that go down and come back, as events of the trunks that they are of.

What has stood for a while is told, and the more often a gateway was told of within the hour, the longer that while is:
one that flaps is told of again and again, but ever more rarely, and how it is in the end is always told.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from cordboard.domain.errors import UnknownTrunk
from cordboard.domain.events import Happened
from cordboard.domain.trunks import TrunkId
from cordboard.storage import gateways, trunks
from cordboard.storage.gateways import Untold
from cordboard.storage.transaction import Transaction
from cordboard.usecases.events import emit
from cordboard.usecases.ports import Context

#: How long the first turn of a gateway must have stood; twice as long with each that was told within the hour.
HOLD: Final = timedelta(seconds=10)
LONGEST: Final = timedelta(minutes=20)
MOST_TELLS: Final = 7
HOUR: Final = timedelta(hours=1)
#: Trunks that are told of in one transaction.
BITE: Final = 100
KEPT: Final = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """A trunk, or an agent, that a place is of: by which host, and which other places it has."""

    id: str
    host: str
    #: Each with its host.
    places: Sequence[tuple[str, str]]


#: Whose a place is, by the edge's file.
Owners = Callable[[str], Awaitable[list[Owner]]]


async def tell_health(context: Context, edge: str, owners: Owners) -> int:
    """Tell what has stood for long enough; how many gateways. Harmless to repeat."""
    now = context.clock()
    before = [now - min(LONGEST, HOLD * (1 << tells)) for tells in range(MOST_TELLS + 1)]
    due = await context.store.read(partial(gateways.untold, edge=edge, before=before, lately=now - HOUR))
    for what in due:
        owned = await owners(what.uri)
        for first in range(0, len(owned), BITE):
            tell = partial(_tell, edge=edge, what=what, owners=owned[first : first + BITE])
            await context.store.write(None, tell)
        # last, since an event that is told twice is one: who dies before this tells all of it again
        note = partial(gateways.note_told, edge=edge, what=what, now=now, tells=_tells(what, now) + 1)
        await context.store.write(None, note)
    if due:
        await context.store.write(None, partial(gateways.remove_old, edge=edge, before=now - KEPT))
    return len(due)


async def _tell(tx: Transaction, edge: str, what: Untold, owners: Sequence[Owner]) -> None:
    down = await gateways.down(tx, edge)
    happened = []
    for owner in owners:
        try:
            trunk = await trunks.get(tx, TrunkId(owner.id))
        except UnknownTrunk:
            continue  # an agent's, or gone
        happened.append(
            Happened(
                type="trunk.degraded" if what.down else "trunk.recovered",
                tenant=trunk.tenant,
                subject=trunk.id,
                at=what.changed_at,
                data={
                    "id": trunk.id,
                    "name": trunk.name,
                    "gateway": owner.host,
                    "uri": what.uri,
                    "edge": edge,
                    "gateways": sorted({host for _, host in owner.places}),
                    "down": sorted({host for uri, host in owner.places if uri in down}),
                },
            )
        )
    await emit(tx, happened)


def _tells(what: Untold, now: datetime) -> int:
    return 0 if what.told_at is None or now - what.told_at > HOUR else what.tells
