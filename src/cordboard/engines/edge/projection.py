"""What the edge must know of the store, kept abreast of it change by change.

A change names an object; what is projected is the object's state now. So a change may be projected twice, or late,
and nothing is the worse for it.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from functools import partial
from typing import Protocol

from cordboard.domain.edge import AgentRow, TrunkRow
from cordboard.engines.edge.file import Drop, EdgeFile, Put
from cordboard.engines.edge.rows import Rows
from cordboard.storage import changes, projected
from cordboard.storage.transaction import Aftermath, Transaction

#: Rows read at a time when the whole file is made anew.
CHUNK = 2000


class NameWatch(Protocol):
    """Who looks up the host names that gateways and agents are written with (`names.watch.Names`)."""

    def noticed(self, names: Iterable[str]) -> None: ...
    async def settled(self, names: Iterable[str]) -> None: ...


class Projection:
    """The edge's file as the writer of a SQLite store sees it."""

    def __init__(self, file: EdgeFile, rows: Rows) -> None:
        self._file = file
        self._rows = rows
        #: Told of the names that are committed.
        self.names: NameWatch | None = None
        #: Those of the last `project`, and of all since the last commit.
        self._brought: frozenset[str] = frozenset()
        self._staged: set[str] = set()

    async def start(self, tx: Transaction) -> int:
        """Bring the file to the store's present state; the revision it then has."""
        epoch, newest = self._rows.history(await changes.epoch(tx)), await changes.newest(tx)
        applied = current(self._file, epoch, newest)
        if applied is None:
            await rebuild(self._file, self._rows, tx, epoch, newest)
        elif applied < newest:
            await self.project(tx, applied)
            self._file.commit(newest)
        return newest

    async def project(self, tx: Transaction, after: int) -> int:
        """Stage what the changes after that revision made. Raises EdgeRefused."""
        self._brought = frozenset()
        seen = await changes.after(tx, after)
        if not seen:
            return after
        self._brought = await stage(self._file, self._rows, tx, seen)
        self._staged |= self._brought
        return seen[-1].revision

    def aftermath(self) -> Aftermath | None:
        """The names that came with the last `project` are waited for, for a moment."""
        return partial(self.names.settled, self._brought) if self.names is not None and self._brought else None

    def commit(self, revision: int) -> None:
        """Raises NotApplied."""
        names, self._staged = self._staged, set()
        self._file.commit(revision)
        if self.names is not None and names:
            self.names.noticed(names)

    def rollback(self) -> None:
        self._staged.clear()
        self._file.rollback()


def current(file: EdgeFile, epoch: str, newest: int) -> int | None:
    """The revision that the file has applied.

    None if it must be made anew: it is of another history (epoch), of another schema, or ahead of the store.
    """
    applied = file.applied()
    if applied is None or applied[0] != epoch or applied[1] > newest:
        return None
    return applied[1]


async def rebuild(file: EdgeFile, rows: Rows, tx: Transaction, epoch: str, revision: int) -> None:
    """Replace all of the file's rows in one transaction, read a chunk at a time."""
    file.clear(epoch)
    async for chunk in everything(tx, rows):
        file.stage(chunk)
    file.commit(revision)


async def stage(file: EdgeFile, rows: Rows, tx: Transaction, seen: Iterable[changes.Change]) -> frozenset[str]:
    """Stage the present state of each object that changed; the host names in it. Raises EdgeRefused."""
    objects = dict.fromkeys((change.kind, change.id) for change in seen)
    writes = [write for kind, id in objects for write in await _writes(tx, rows, kind, id)]
    file.stage(writes)
    return frozenset(name for write in writes for name in _names(write))


async def everything(tx: Transaction, rows: Rows) -> AsyncIterator[list[Put]]:
    """Every row of the edge's file, in chunks."""
    last = ""
    while agents := await projected.agents(tx, last, CHUNK):
        yield [Put(rows.agent(row)) for row in agents]
        last = agents[-1]["id"]
    last = ""
    while trunks := await projected.trunks(tx, last, CHUNK):
        gateways = await projected.gateways_between(tx, last, trunks[-1]["id"])
        yield [Put(rows.trunk(row, gateways.get(row["id"], []))) for row in trunks]
        last = trunks[-1]["id"]
    last = ""
    while numbers := await projected.numbers(tx, last, CHUNK):
        yield [Put(rows.number(row)) for row in numbers]
        last = numbers[-1]["id"]


async def _writes(tx: Transaction, rows: Rows, kind: changes.Kind, id: str) -> list[Put | Drop]:
    """The statement that brings one object's row to its present state."""
    if kind == "number":
        row = await projected.number(tx, id)
        return [Drop("number", id) if row is None else Put(rows.number(row))]
    if kind == "trunk":
        row = await projected.trunk(tx, id)
        return [Drop("trunk", id) if row is None else Put(rows.trunk(row, await projected.gateways(tx, id)))]
    if kind == "agent":
        row = await projected.agent(tx, id)
        return [Drop("agent", id) if row is None else Put(rows.agent(row))]
    return []


def _names(write: Put | Drop) -> Iterator[str]:
    if isinstance(write, Put) and isinstance(write.row, TrunkRow | AgentRow):
        yield from (hop.name for hop in write.row.hops if hop.name)
