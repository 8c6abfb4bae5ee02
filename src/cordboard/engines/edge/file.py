"""The edge's own database: written by one projector, read by Kamailio for each call.

It is written in place, in transactions, and never replaced by a rename while Kamailio has it open: Kamailio
would go on reading the old file. What stands in it can be made again from the store at any time, hence
`synchronous=NORMAL`: a power cut may take the last changes back, the revision in `meta` with them.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Final, Literal, NewType
from zlib import crc32

from cordboard.domain.edge import AccountRow, AgentRow, HopRow, NumberRow, TrunkRow
from cordboard.domain.errors import EdgeRefused, NotApplied
from cordboard.engines.edge import registrations

Kind = Literal["number", "trunk", "agent", "account"]
Epoch = NewType("Epoch", str)

#: Into which the time between two probes is cut; health.cfg has the number too.
SLOTS: Final = 60
#: Raised by each change of schema.sql.
SCHEMA_VERSION: Final = 8
#: In the file's header: "Cord".
APPLICATION_ID: Final = 0x436F7264
#: Seconds that a lock of somebody else is waited for, and that a failed COMMIT is tried again.
PATIENCE: Final = 2.0

_PUT: Final = {
    NumberRow: "insert or replace into number values(?,?,?,?,?,?,?,?,?)",
    TrunkRow: "insert or replace into trunk values(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    AgentRow: "insert or replace into agent values(?,?,?,?,?,?,?,?,?,?,?)",
    AccountRow: "insert or replace into account values(?,?,?,?,?,?,?,?,?,?,?)",
}
_PUT_HOP: Final = "insert into hop values(?,?,?,?,?,?,?,?,?)"
_DROP_HOPS: Final = "delete from hop where owner=?"
_DROP: Final[dict[Kind, str]] = {
    "number": "delete from number where number_id=?",
    "trunk": "delete from trunk where id=?",
    "agent": "delete from agent where id=?",
    "account": "delete from account where id=?",
}
_WITH_HOPS: Final = {_PUT[TrunkRow], _DROP["trunk"], _PUT[AgentRow], _DROP["agent"]}


@dataclass(frozen=True, slots=True)
class Put:
    """A row as it is to stand in the file, whether it stood there before or not."""

    row: NumberRow | TrunkRow | AgentRow | AccountRow


@dataclass(frozen=True, slots=True)
class Drop:
    """A row that is to be gone: a number by its number_id. Dropping what is not there is no error."""

    kind: Kind
    id: str


Write = Put | Drop


class EdgeWriteFailed(EdgeRefused):
    """The edge's file did not take a write; of that `stage` nothing remains, the calls before it stand."""


class EdgeNotApplied(NotApplied):
    """COMMIT of the edge's file failed for good, and all that was staged is taken back."""


class EdgeFile:
    """One edge.sqlite, for one projector. Used by one thread at a time, whichever."""

    def __init__(self, path: Path, uid: int | None = None, gid: int | None = None) -> None:
        """Open the file, or make an empty one. `uid` and `gid` are Kamailio's, and count if we are root.

        A file that is no SQLite database is set aside as `*.broken`, and another made. Raises
        sqlite3.Error and OSError if that cannot be done either.
        """
        self.path = path
        self._owner = (-1 if uid is None else uid, -1 if gid is None else gid)
        self._staged: list[Write] = []
        self._cleared = False
        self._connection = self._open()

    def applied(self) -> tuple[Epoch, int] | None:
        """The epoch and revision that the file shows, or None if it must be rebuilt before use.

        None: new, foreign, of another schema version, or damaged.
        """
        try:
            return self._applied()
        except sqlite3.Error:
            return None

    def account(self, id: str) -> AccountRow | None:
        """An account as it stands in the open transaction, or None."""
        row = self._connection.execute("select * from account where id=?", (id,)).fetchone()
        if row is None:
            return None
        values = dict(zip((field.name for field in fields(AccountRow)), row, strict=True))
        return AccountRow(**values | {name: bool(values[name]) for name in ("restricted", "allow_external")})

    def stage(self, writes: Iterable[Write]) -> None:
        """Take `writes` into the open transaction, all or none. Nobody sees them before `commit`.

        Raises EdgeWriteFailed; the calls of `stage` before this one are not hurt by it.
        """
        writes = tuple(writes)
        if not writes:
            return
        try:
            self._begin()
            self._connection.execute("savepoint stage")
            try:
                self._apply(writes)
            except BaseException:
                self._undo_savepoint()
                raise
            self._connection.execute("release stage")
        except sqlite3.Error as error:
            raise EdgeWriteFailed(f"the edge's file did not take the change: {error}") from error
        if not self._cleared:
            self._staged += writes

    def clear(self, epoch: str) -> None:
        """Begin anew: in the open transaction the file is empty and of `epoch`. `stage` and `commit` follow.

        Calls meet the old state until then. Raises EdgeWriteFailed.
        """
        self.rollback()
        try:
            self._connection.execute("begin immediate")
            self._empty()
            self._connection.execute("insert or replace into meta values(1,?,?,0)", (SCHEMA_VERSION, epoch))
        except sqlite3.Error as error:
            self.rollback()
            raise EdgeWriteFailed(f"the edge's file could not be made anew: {error}") from error
        self._cleared = True

    def commit(self, revision: int) -> None:
        """Make all that was staged visible to the next call, as `revision`. Raises EdgeNotApplied.

        A failing COMMIT is tried again for `PATIENCE` seconds, from the first staged write if need be.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self._restore_transaction()
                self._connection.execute("update meta set revision=? where id=1", (revision,))
                self._connection.execute("commit")
            except sqlite3.Error as error:
                if time.monotonic() >= deadline:
                    self.rollback()
                    raise EdgeNotApplied(revision) from error
                time.sleep(0.02)
            else:
                self._forget()
                return

    def rollback(self) -> None:
        """Take back all that was staged since the last `commit`."""
        self._forget()
        if self._connection.in_transaction:
            self._connection.execute("rollback")

    def rebuild(self, writes: Iterable[Write], epoch: str, revision: int) -> None:
        """Make the file hold `writes` and nothing else, in one transaction.

        Raises EdgeWriteFailed or EdgeNotApplied; then the file is as it was.
        """
        self.clear(epoch)
        try:
            self.stage(writes)
        except EdgeWriteFailed:
            self.rollback()
            raise
        self.commit(revision)

    def close(self) -> None:
        """Give the file back. What was staged and not committed is lost."""
        self.rollback()
        self._connection.close()

    def _open(self) -> sqlite3.Connection:
        try:
            return self._connect()
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode not in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
                raise
        # The supervisor sees that this is another file, and starts Kamailio anew on it.
        for suffix in ("", "-wal", "-shm"):
            part = self.path.with_name(self.path.name + suffix)
            if part.exists():
                part.rename(part.with_name(part.name + ".broken"))
        return self._connect()

    def _connect(self) -> sqlite3.Connection:
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
            if os.geteuid() == 0:
                # SQLite gives its -wal and -shm files the owner of the database.
                os.fchown(descriptor, *self._owner)
        finally:
            os.close(descriptor)
        connection = sqlite3.connect(
            self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False, cached_statements=64
        )
        try:
            connection.execute("pragma journal_mode=wal")
            connection.execute("pragma synchronous=normal")
            if not connection.execute("select 1 from sqlite_master limit 1").fetchone():
                self._create(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _create(self, connection: sqlite3.Connection) -> None:
        connection.execute("begin immediate")
        try:
            create_tables(connection)
            connection.execute("insert into meta values(1,?,'',0)", (SCHEMA_VERSION,))
            connection.execute("commit")
        except BaseException:
            connection.execute("rollback")
            raise

    def _applied(self) -> tuple[Epoch, int] | None:
        if self._connection.execute("pragma application_id").fetchone() != (APPLICATION_ID,):
            return None
        row = self._connection.execute("select schema_version, epoch, revision from meta where id=1").fetchone()
        if row is None or row[0] != SCHEMA_VERSION or not row[1]:
            return None
        for table in ("number", "trunk", "agent", "account", "hop", "registration", "resolved"):
            self._connection.execute(f"select * from {table} limit 1").fetchone()  # noqa: S608  known names
        return Epoch(row[1]), row[2]

    def _begin(self) -> None:
        """Open the transaction, or one again that SQLite took back by itself (disk full), with what was in it."""
        if self._connection.in_transaction:
            return
        if self._cleared:  # a whole file is not kept to be written again
            raise sqlite3.OperationalError("the transaction that made the file anew was taken back")
        self._connection.execute("begin immediate")
        if self._staged:
            self._apply(self._staged)

    def _restore_transaction(self) -> None:
        try:
            self._begin()
        except sqlite3.Error:
            if self._connection.in_transaction:
                self._connection.execute("rollback")
            raise

    def _forget(self) -> None:
        self._staged.clear()
        self._cleared = False

    def _undo_savepoint(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("rollback to stage")
            self._connection.execute("release stage")

    def _apply(self, writes: Iterable[Write]) -> None:
        put(self._connection, writes)

    def _empty(self) -> None:
        """Our tables with nothing in them, whatever the file held before.

        What names were resolved to is kept if it is there: it is not made from the store. So is with whom we are
        registered, as something to be taken back.
        """
        resolved, registered = self._resolved(), registrations.kept(self._connection)
        tables = self._connection.execute(
            "select type, name from sqlite_master where type in ('table','view') and substr(name, 1, 7) <> 'sqlite_'"
        ).fetchall()
        for kind, name in tables:
            quoted = name.replace('"', '""')
            self._connection.execute(f'drop {kind} "{quoted}"')
        create_tables(self._connection)
        self._connection.executemany("insert into resolved values(?,?,?)", resolved)
        registrations.restore(self._connection, registered)

    def _resolved(self) -> list[tuple[str, int, str]]:
        try:
            return self._connection.execute("select name, rank, uri from resolved").fetchall()
        except sqlite3.Error:
            return []


def put(connection: sqlite3.Connection, writes: Iterable[Write]) -> None:
    """Make tables of schema.sql hold what is written, within the caller's transaction. Raises sqlite3.Error."""
    for statement, group in groupby(writes, key=_statement):
        these = list(group)
        connection.executemany(statement, map(_values, these))
        if statement in _WITH_HOPS:
            # hops stand and fall with their trunk or agent
            connection.executemany(_DROP_HOPS, [(_owner(write),) for write in these])
            connection.executemany(_PUT_HOP, [row for write in these for row in _hops(write)])
        if statement in (_PUT[TrunkRow], _DROP["trunk"]):
            _put_registrations(connection, these)


def _put_registrations(connection: sqlite3.Connection, writes: Sequence[Write]) -> None:
    for write in writes:
        if isinstance(write, Put) and isinstance(write.row, TrunkRow):
            registrations.put(connection, write.row)
        else:
            registrations.drop(connection, _owner(write))


def create_tables(connection: sqlite3.Connection) -> None:
    """schema.sql, within the caller's transaction."""
    for statement in Path(__file__).with_name("schema.sql").read_text().split(";\n"):
        if statement.strip():
            connection.execute(statement)
    connection.execute(f"pragma application_id={APPLICATION_ID}")


#: Columns stand as the fields do; hops have a table of their own.
_FIELDS: Final[dict[type, Callable[[object], tuple[str | int | None, ...]]]] = {
    kind: attrgetter(*(field.name for field in fields(kind) if field.name != "hops"))
    for kind in (NumberRow, TrunkRow, AgentRow, AccountRow)
}


def _statement(write: Write) -> str:
    return _PUT[type(write.row)] if isinstance(write, Put) else _DROP[write.kind]


def _values(write: Write) -> Sequence[str | int | None]:
    if isinstance(write, Drop):
        return (write.id,)
    row = write.row
    if isinstance(row, AgentRow):
        if "," in row.sources:
            row = replace(row, sources=_in_testing_order(row.sources))
    elif not isinstance(row, NumberRow) and "," in row.allowed:
        row = replace(row, allowed=_in_testing_order(row.allowed))
    values = _FIELDS[type(row)](row)
    return (*values, row.ruled) if isinstance(row, TrunkRow) else values


def _owner(write: Write) -> str:
    if isinstance(write, Drop):
        return write.id
    return write.row.number_id if isinstance(write.row, NumberRow) else write.row.id


def _hops(write: Write) -> list[tuple[str | int, ...]]:
    """The rows of its hops, in order of rank."""
    if isinstance(write, Drop) or isinstance(write.row, NumberRow | AccountRow):
        return []
    hops = sorted(write.row.hops, key=lambda hop: hop.rank)
    shares = len({hop.rank for hop in hops}) < len(hops)
    return [_hop(write.row.id, position, hop, shares) for position, hop in enumerate(hops)]


def _hop(owner: str, position: int, hop: HopRow, shares: bool) -> tuple[str | int, ...]:
    """The slot is the same for all that are probed as one.

    A share is a hundred times the weight, so that there is one for a weight of 0, too.
    """
    probe = (hop.uri or hop.name) if hop.probe else ""
    slot = crc32(probe.encode()) % SLOTS
    sharing = f">{hop.rank}>{position}>{100 * hop.weight or 1}" if shares else ""
    return (owner, position, hop.host, hop.uri, hop.name, int(hop.verify), probe, slot, sharing)


def _in_testing_order(networks: str) -> str:
    """Longest prefixes first: Kamailio 5.6's is_in_subnet goes on with an address masked by the network before."""
    return ",".join(sorted(networks.split(","), key=lambda text: -int(text.partition("/")[2] or 128)))
