"""What names resolved to, as Kamailio reads it: the table `resolved` of the edge's file, and who is to be resolved."""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path

Uris = tuple[str, ...]

#: Names in one transaction: the projector waits for it.
BATCH = 100
#: Seconds that the projector is waited for.
PATIENCE = 2.0
#: Seconds between two tries to get the lock. SQLite's own pauses grow so long that a busy projector keeps us out.
PAUSE = 0.002


class ResolvedTable:
    """A connection of its own beside the projector's. Blocks: used on threads, by one at a time."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        self._connection.execute("pragma synchronous=normal")
        self._lock = threading.Lock()

    def wanted(self) -> set[str]:
        """The names that some gateway or agent has now. Raises sqlite3.Error."""
        with self._lock:
            return {name for (name,) in self._connection.execute("select distinct name from hop where name <> ''")}

    def all(self) -> dict[str, Uris]:
        """What stands in the table, in order of rank. Raises sqlite3.Error."""
        found: dict[str, list[str]] = {}
        with self._lock:
            for name, uri in self._connection.execute("select name, uri from resolved order by name, rank"):
                found.setdefault(name, []).append(uri)
        return {name: tuple(uris) for name, uris in found.items()}

    def write(self, resolved: Mapping[str, Uris]) -> None:
        """Make the table say so of each name; nothing is left of one without addresses. Raises sqlite3.Error."""
        items = iter(resolved.items())
        while batch := list(islice(items, BATCH)):
            with self._lock:
                self._write(batch)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _write(self, batch: Iterable[tuple[str, Uris]]) -> None:
        self._begin()
        try:
            for name, uris in batch:
                self._connection.execute("delete from resolved where name=?", (name,))
                rows = [(name, rank, uri) for rank, uri in enumerate(uris)]
                self._connection.executemany("insert into resolved(name, rank, uri) values(?,?,?)", rows)
            self._connection.execute("commit")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("rollback")
            raise

    def _begin(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self._connection.execute("begin immediate")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(PAUSE)
            else:
                return
