"""What the edge must know of the store, kept abreast of it change by change.

A change names an object; what is projected is the object's state now. So a change may be projected twice, or late,
and nothing is the worse for it.
"""

import json
from collections.abc import AsyncIterator, Iterable

from cordboard.domain.addresses import collapse
from cordboard.domain.edge import AgentRow, NumberRow, TrunkRow, hop_of_uri
from cordboard.domain.numbers import dialled_user
from cordboard.domain.routing import routing_key
from cordboard.engines.edge.file import Drop, EdgeFile, Put
from cordboard.storage import changes, projected
from cordboard.storage.transaction import Row, Transaction

#: Rows read at a time when the whole file is made anew.
CHUNK = 2000


class Projection:
    """The edge's file as the writer of a SQLite store sees it."""

    def __init__(self, file: EdgeFile) -> None:
        self._file = file

    async def start(self, tx: Transaction) -> int:
        """Bring the file to the store's present state; the revision it then has."""
        epoch, newest = await changes.epoch(tx), await changes.newest(tx)
        applied = current(self._file, epoch, newest)
        if applied is None:
            await rebuild(self._file, tx, epoch, newest)
        elif applied < newest:
            await self.project(tx, applied)
            self._file.commit(newest)
        return newest

    async def project(self, tx: Transaction, after: int) -> int:
        """Stage what the changes after that revision made. Raises EdgeRefused."""
        seen = await changes.after(tx, after)
        if not seen:
            return after
        await stage(self._file, tx, seen)
        return seen[-1].revision

    def commit(self, revision: int) -> None:
        """Raises NotApplied."""
        self._file.commit(revision)

    def rollback(self) -> None:
        self._file.rollback()


def current(file: EdgeFile, epoch: str, newest: int) -> int | None:
    """The revision that the file has applied.

    None if it must be made anew: it is of another history (epoch), of another schema, or ahead of the store.
    """
    applied = file.applied()
    if applied is None or applied[0] != epoch or applied[1] > newest:
        return None
    return applied[1]


async def rebuild(file: EdgeFile, tx: Transaction, epoch: str, revision: int) -> None:
    """Replace all of the file's rows in one transaction, read a chunk at a time."""
    file.clear(epoch)
    async for chunk in everything(tx):
        file.stage(chunk)
    file.commit(revision)


async def stage(file: EdgeFile, tx: Transaction, seen: Iterable[changes.Change]) -> None:
    """Stage the present state of each object that changed. Raises EdgeRefused."""
    objects = dict.fromkeys((change.kind, change.id) for change in seen)
    file.stage([write for kind, id in objects for write in await _writes(tx, kind, id)])


async def everything(tx: Transaction) -> AsyncIterator[list[Put]]:
    """Every row of the edge's file, in chunks."""
    for read, make in ((projected.agents, _agent), (projected.trunks, _trunk), (projected.numbers, _number)):
        last = ""
        while rows := await read(tx, last, CHUNK):
            yield [Put(make(row)) for row in rows]
            last = rows[-1]["id"]


async def _writes(tx: Transaction, kind: changes.Kind, id: str) -> list[Put | Drop]:
    """The statement that brings one object's row to its present state."""
    if kind == "number":
        row = await projected.number(tx, id)
        return [Drop("number", id) if row is None else Put(_number(row))]
    if kind == "trunk":
        row = await projected.trunk(tx, id)
        return [Drop("trunk", id) if row is None else Put(_trunk(row))]
    if kind == "agent":
        row = await projected.agent(tx, id)
        return [Drop("agent", id) if row is None else Put(_agent(row))]
    return []


def _number(row: Row) -> NumberRow:
    return NumberRow(
        key=routing_key(row["number"]),
        number_id=row["id"],
        number=row["number"],
        user=dialled_user(row["number"]),
        tenant=row["tenant_id"],
        trunk=row["trunk_id"],
        agent_in=row["inbound_agent_id"],
    )


def _trunk(row: Row) -> TrunkRow:
    allowed = collapse(json.loads(row["allowed"] or "[]"))
    return TrunkRow(
        id=row["id"],
        tenant=row["tenant_id"] or "",
        open=not allowed,
        allowed=",".join(allowed),
        media_in=row["media_in"],
    )


def _agent(row: Row) -> AgentRow:
    return AgentRow(
        id=row["id"], version=row["published_version_id"], uri=row["sip_uri"], hops=(hop_of_uri(row["sip_uri"]),)
    )
