"""Which places of an edge do not answer, and what has been told of that."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cordboard.domain.calls import Turned
from cordboard.domain.strips import Turn
from cordboard.domain.times import from_wire, opt_from_wire, to_wire
from cordboard.storage.transaction import Transaction

#: After a start of Kamailio, which has forgotten who was down: time to find out anew, before they are told to be up.
BOOT: Final = timedelta(minutes=2)

_TURN = """
insert into gateway_health (edge, uri, down, changed_at) values ($1, $2, $3, $4)
on conflict (edge, uri) do update set down = excluded.down, changed_at = excluded.changed_at
where gateway_health.down <> excluded.down
"""
_FORGET = "update gateway_health set down = 0, changed_at = $2 where edge = $1 and down = 1"
#: The instants are of those that were told so many times lately. Who is held back for longer stands in nobody's way.
_UNTOLD = """
select uri, down, changed_at, told_at, tells from gateway_health
where edge = $1 and down <> told_down and changed_at <= $2
  and changed_at <= case when told_at is null or told_at < $3 then $2 {held} else {longest} end
order by changed_at limit 100
"""
_TOLD = """
update gateway_health set told_down = $3, told_at = $5, tells = $6
where edge = $1 and uri = $2 and down = $3 and changed_at = $4
"""
#: What is of a time to come (see BOOT) may never be.
_UNTOLD_OF = """
select h.edge, h.down, h.changed_at from edge e join gateway_health h on h.edge = e.name and h.uri = $1
where h.down <> h.told_down and h.changed_at <= $2
"""
_DOWN = "select uri from gateway_health where edge = $1 and down = 1"
_OLD = "delete from gateway_health where edge = $1 and down = 0 and told_down = 0 and changed_at < $2"


@dataclass(frozen=True, kw_only=True, slots=True)
class Untold:
    """A place that is otherwise than was told last."""

    uri: str
    down: bool
    changed_at: datetime
    told_at: datetime | None
    #: How often it was told within the hour before `told_at`.
    tells: int


async def turn(tx: Transaction, edge: str, turned: Turned) -> None:
    await tx.run(_TURN, edge, turned.uri, int(turned.down), to_wire(turned.at))


async def forget(tx: Transaction, edge: str, at: datetime) -> None:
    """Nobody is down that is not found so within BOOT: Kamailio started anew."""
    await tx.run(_FORGET, edge, to_wire(at + BOOT))


async def untold(tx: Transaction, edge: str, before: Sequence[datetime], lately: datetime) -> list[Untold]:
    """Those that turned before, some at a time: of those told once since `lately` before the second instant, etc."""
    held = "".join(f" when tells = {tells} then ${tells + 4}" for tells in range(len(before)))
    sql = _UNTOLD.format(held=held, longest=f"${len(before) + 3}")
    return [
        Untold(
            uri=row["uri"],
            down=bool(row["down"]),
            changed_at=from_wire(row["changed_at"]),
            told_at=opt_from_wire(row["told_at"]),
            tells=row["tells"],
        )
        for row in await tx.all(sql, edge, to_wire(before[0]), to_wire(lately), *map(to_wire, before))
    ]


async def untold_of(tx: Transaction, uri: str, now: datetime) -> list[Turn]:
    """The turns of one place that are not told yet, at most one of each edge."""
    return [
        Turn(at=from_wire(row["changed_at"]), edge=row["edge"], down=bool(row["down"]))
        for row in await tx.all(_UNTOLD_OF, uri, to_wire(now))
    ]


async def note_told(tx: Transaction, edge: str, what: Untold, now: datetime, tells: int) -> None:
    """That it was told, unless it has turned again meanwhile."""
    await tx.run(_TOLD, edge, what.uri, int(what.down), to_wire(what.changed_at), to_wire(now), tells)


async def down(tx: Transaction, edge: str) -> set[str]:
    """The places that do not answer."""
    return {row["uri"] for row in await tx.all(_DOWN, edge)}


async def remove_old(tx: Transaction, edge: str, before: datetime) -> None:
    """Remove those that have been well since then."""
    await tx.run(_OLD, edge, to_wire(before))
