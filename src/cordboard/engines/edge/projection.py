"""What the edge must know of the store, kept abreast of it change by change.

A change names an object; what is projected is the object's state now. So a change may be projected twice, or late,
and nothing is the worse for it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from cordboard.domain.edge import AccountRow, AgentRow, TrunkRow
from cordboard.domain.errors import EdgeUnavailable
from cordboard.engines.edge.file import Drop, EdgeFile, Put
from cordboard.engines.edge.rows import Rows
from cordboard.storage import changes, projected
from cordboard.storage.transaction import Aftermath, Transaction

#: Rows read at a time when the whole file is made anew.
CHUNK = 2000
#: Seconds between two tries to end a registration at an edge that does not answer.
RETRY = 0.25


class NameWatch(Protocol):
    """Who looks up the host names that gateways and agents are written with (`names.watch.Names`)."""

    def noticed(self, names: Iterable[str]) -> None: ...
    async def settled(self, names: Iterable[str]) -> None: ...


class Registrar(Protocol):
    """Who can end registrations (`registrar.Registrar`)."""

    async def unregister(self, username: str, *, allowed: str | None) -> None:
        """Raises EdgeUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Outcast:
    """An account that may have registrations that it may have no longer."""

    username: str
    #: The networks from which it may; None: from nowhere.
    allowed: str | None


@dataclass(frozen=True, slots=True)
class Brought:
    """What came with some changes, and is to be seen to once they are committed."""

    names: frozenset[str] = frozenset()
    outcasts: frozenset[Outcast] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.names or self.outcasts)

    def __or__(self, other: "Brought") -> "Brought":
        return Brought(self.names | other.names, self.outcasts | other.outcasts)


class Watchers:
    """Who sees to it: both are None until there is an edge."""

    def __init__(self) -> None:
        self.names: NameWatch | None = None
        self.registrar: Registrar | None = None
        self._later: set[asyncio.Task[None]] = set()

    def noticed(self, brought: Brought) -> None:
        """It is committed."""
        if self.names is not None and brought.names:
            self.names.noticed(brought.names)

    async def settled(self, brought: Brought) -> None:
        """Before who asked for it is answered. Names are waited for, for a moment; an edge that is away is not."""
        for outcast in brought.outcasts:
            if not await self._cast_out(outcast):
                task = asyncio.create_task(self._cast_out_later(outcast))
                self._later.add(task)
                task.add_done_callback(self._later.discard)
        if self.names is not None and brought.names:
            await self.names.settled(brought.names)

    async def _cast_out(self, outcast: Outcast) -> bool:
        if self.registrar is None:
            return True
        try:
            await self.registrar.unregister(outcast.username, allowed=outcast.allowed)
        except EdgeUnavailable:
            return False
        return True

    async def _cast_out_later(self, outcast: Outcast) -> None:
        """Bindings outlive their Kamailio."""
        while not await self._cast_out(outcast):
            await asyncio.sleep(RETRY)


class Projection:
    """The edge's file as the writer of a SQLite store sees it."""

    def __init__(self, file: EdgeFile, rows: Rows) -> None:
        self._file = file
        self._rows = rows
        self.watchers = Watchers()
        #: The newest revision in the file.
        self.applied = 0
        #: With the last `project`, and with all since the last commit.
        self._brought = self._staged = Brought()

    async def start(self, tx: Transaction) -> int:
        """Bring the file to the store's present state; the revision it then has."""
        epoch, newest = self._rows.history(await changes.epoch(tx)), await changes.newest(tx)
        applied = current(self._file, epoch, newest)
        if applied is None:
            await rebuild(self._file, self._rows, tx, epoch, newest)
        elif applied < newest:
            await self.project(tx, applied)
            self._file.commit(newest)
        self.applied = newest
        return newest

    async def project(self, tx: Transaction, after: int) -> int:
        """Stage what the changes after that revision made. Raises EdgeRefused."""
        self._brought = Brought()
        seen = await changes.after(tx, after)
        if not seen:
            return after
        self._brought = await stage(self._file, self._rows, tx, seen)
        self._staged |= self._brought
        return seen[-1].revision

    def aftermath(self) -> Aftermath | None:
        """What came with the last `project` is seen to."""
        return partial(self.watchers.settled, self._brought) if self._brought else None

    def commit(self, revision: int) -> None:
        """Raises NotApplied."""
        staged, self._staged = self._staged, Brought()
        self._file.commit(revision)
        self.applied = revision
        self.watchers.noticed(staged)

    def rollback(self) -> None:
        self._staged = Brought()
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


async def stage(file: EdgeFile, rows: Rows, tx: Transaction, seen: Iterable[changes.Change]) -> Brought:
    """Stage the present state of each object that changed; what came with it. Raises EdgeRefused."""
    objects: dict[changes.Kind, dict[str, None]] = {}
    for change in seen:
        objects.setdefault(change.kind, {})[change.id] = None
    writes = [write for kind, ids in objects.items() for write in await _writes(tx, rows, kind, list(ids))]
    outcasts = frozenset(outcast for write in writes for outcast in _outcasts(file, write))
    file.stage(writes)
    return Brought(frozenset(name for write in writes for name in _names(write)), outcasts)


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
    last = ""
    while accounts := await projected.accounts(tx, last, CHUNK):
        yield [Put(rows.account(row)) for row in accounts]
        last = accounts[-1]["id"]


async def _writes(tx: Transaction, rows: Rows, kind: changes.Kind, ids: Sequence[str]) -> list[Put | Drop]:
    """What brings the rows of some objects to their present state."""
    if kind == "number":
        found = {row["id"]: Put(rows.number(row)) for row in await projected.these_numbers(tx, ids)}
    elif kind == "trunk":
        gateways = await projected.gateways_of(tx, ids)
        found = {
            row["id"]: Put(rows.trunk(row, gateways.get(row["id"], [])))
            for row in await projected.these_trunks(tx, ids)
        }
    elif kind == "agent":
        found = {row["id"]: Put(rows.agent(row)) for row in await projected.these_agents(tx, ids)}
    elif kind == "account":
        found = {row["id"]: Put(rows.account(row)) for row in await projected.these_accounts(tx, ids)}
    else:
        return []
    return [found.get(id) or Drop(kind, id) for id in ids]


def _names(write: Put | Drop) -> Iterator[str]:
    if isinstance(write, Put) and isinstance(write.row, TrunkRow | AgentRow):
        yield from (hop.name for hop in write.row.hops if hop.name)


def _outcasts(file: EdgeFile, write: Put | Drop) -> Iterator[Outcast]:
    """Whoever registered with what is no longer so, or from where it may no longer."""
    if isinstance(write, Drop):
        gone = file.account(write.id) if write.kind == "account" else None
        if gone is not None:
            yield Outcast(gone.username, None)
        return
    if not isinstance(write.row, AccountRow):
        return
    before, after = file.account(write.row.id), write.row
    if before is None:
        return
    if before.ha1 != after.ha1:
        yield Outcast(before.username, None)
    elif after.restricted and not (before.restricted and _networks(before) == _networks(after)):
        yield Outcast(after.username, after.allowed)


def _networks(account: AccountRow) -> set[str]:
    return set(account.allowed.split(","))
