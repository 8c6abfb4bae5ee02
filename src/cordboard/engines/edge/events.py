"""events.sqlite: what happened at the edge, as Kamailio writes it down and we read it.

Kamailio alone writes it once it is there. How far we have come stands in edge.sqlite, and Kamailio deletes up to there.
"""

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cordboard.domain.calls import Lost

HERE: Final = Path(__file__).parent
#: In the file's header: "Evt" and the version of events.sql.
APPLICATION_ID: Final = 0x45767401


def prepare(path: Path, uid: int, gid: int) -> None:
    """See to it that the file is there and can be used; one that cannot is set aside as `*.broken`.

    To be called while no Kamailio runs on it. Raises OSError and sqlite3.Error.
    """
    if _usable(path):
        return
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.is_symlink() or part.exists():
            part.rename(part.with_name(part.name + ".broken"))
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600))
    if os.geteuid() == 0:
        os.chown(path, uid, gid, follow_symlinks=False)
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("pragma journal_mode=wal")
        database.executescript((HERE / "events.sql").read_text())
        database.execute("insert into meta values(1,?)", (secrets.token_hex(8),))
        database.commit()
        # last: without it the file is made anew
        database.execute(f"pragma application_id={APPLICATION_ID}")


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of the file, in order."""

    #: Which file these are of.
    file: str
    #: Id and lines of each row.
    rows: tuple[tuple[int, str], ...]
    lost: Lost


class EventFile:
    """The file as we read it. Blocks: used on threads, by one at a time. Each call raises sqlite3.Error.

    It is opened for each look, which no look outlasts: one that were left open would keep Kamailio from using the
    space again, and Kamailio may have been given another file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def exists(self) -> bool:
        return self._path.exists()

    def name(self) -> str:
        with self._open() as database:
            return _name(database)

    def after(self, file: str, position: int, limit: int) -> Batch:
        """At most `limit` rows that come after `position`, which is of `file`: from the first if it is another one."""
        with self._open() as database:
            name = _name(database)
            rows = database.execute(
                "select id, body from event where id > ? order by id limit ?",
                (position if name == file else 0, limit),
            ).fetchall()
            counters = dict(database.execute("select name, number from counter"))
        return Batch(name, tuple(rows), Lost(**counters))

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with contextlib.closing(
            sqlite3.connect(f"file:{self._path}?mode=rw", uri=True, timeout=2.0, isolation_level=None)
        ) as database:
            database.text_factory = lambda data: data.decode(errors="replace")
            database.execute("pragma query_only = on")
            database.execute("begin")
            yield database


class Ingested:
    """The table `ingested` of edge.sqlite: how far Kamailio may delete. Blocks, on connections of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def publish(self, file: str, position: int) -> None:
        """Raises sqlite3.Error."""
        with contextlib.closing(sqlite3.connect(self._path, timeout=2.0, isolation_level=None)) as database:
            database.execute("pragma synchronous = normal")
            database.execute("create table if not exists ingested(file text primary key, id integer not null)")
            found = database.execute("select id from ingested where file = ?", (file,)).fetchone()
            if found != (position,):
                database.execute("insert or replace into ingested values(?,?)", (file, position))


def _name(database: sqlite3.Connection) -> str:
    (name,) = database.execute("select file from meta").fetchone()
    return str(name)


def _usable(path: Path) -> bool:
    try:
        if path.is_symlink() or not path.is_file():
            return False
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=2.0)) as database:
            return bool(database.execute("pragma application_id").fetchone() == (APPLICATION_ID,))
    except sqlite3.Error:
        return False
