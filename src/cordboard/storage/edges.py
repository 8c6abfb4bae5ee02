"""What edges say of themselves: the row that each process with an edge keeps up to date."""

from datetime import datetime

from cordboard.domain.edge import EdgeReport
from cordboard.domain.times import from_wire, to_wire
from cordboard.storage.transaction import Row, Transaction

_PUT = """
insert into edge (name, ready, applied, seen_at, version, signalling, media)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (name) do update set ready = excluded.ready, applied = excluded.applied,
    seen_at = excluded.seen_at, version = excluded.version, signalling = excluded.signalling, media = excluded.media
"""
_ALL = "select name, ready, applied, seen_at, version, signalling, media from edge order by name limit 1000"
_REMOVE = "delete from edge where name = $1"
_FORGET = """
delete from edge where seen_at < $1 and name = (select min(name) from edge where seen_at < $1) returning name
"""


async def put(tx: Transaction, report: EdgeReport) -> None:
    """Write what one edge says now."""
    await tx.run(
        _PUT,
        report.name,
        int(report.ready),
        report.applied,
        to_wire(report.seen_at),
        report.version,
        ",".join(report.signalling),
        ",".join(report.media),
    )


async def remove(tx: Transaction, name: str) -> None:
    await tx.run(_REMOVE, name)


async def forget_one(tx: Transaction, before: datetime) -> str | None:
    """Forget one that has said nothing since; its name, told to one of those alone that would forget it."""
    row = await tx.one(_FORGET, to_wire(before))
    return None if row is None else str(row["name"])


async def every(tx: Transaction) -> list[EdgeReport]:
    return [_report(row) for row in await tx.all(_ALL)]


def _report(row: Row) -> EdgeReport:
    return EdgeReport(
        name=row["name"],
        ready=bool(row["ready"]),
        applied=row["applied"],
        seen_at=from_wire(row["seen_at"]),
        version=row["version"],
        signalling=tuple(filter(None, row["signalling"].split(","))),
        media=tuple(filter(None, row["media"].split(","))),
    )
