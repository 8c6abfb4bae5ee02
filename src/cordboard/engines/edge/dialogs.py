"""dialog.sqlite: the calls that stand, as Kamailio keeps them for the one that comes after it.

Kamailio writes it every two seconds and deletes a call's rows when it ends; a delete that meets another one's lock is
lost, so a row is no proof of a call. What has media in rtpengine is one.
"""

import contextlib
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cordboard.engines.edge import kept
from cordboard.engines.edge.spool import Told

#: In the file's header: "Dlg" and the version of dialogs.sql.
APPLICATION_ID: Final = 0x446C6701
#: Variables are written while it rings, before the call itself is, which is longer than this no more.
_RINGS: Final = 600


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialog:
    """One call by what SIP knows it by, as its caller chose them."""

    call_id: str
    from_tag: str
    to_tag: str
    #: Of its answer, seconds since the epoch.
    began: int


def prepare(path: Path, uid: int, gid: int) -> None:
    """See to it that the file is there and can be used; one that cannot is made anew, and its calls are forgotten.

    To be called while no Kamailio runs on it. Raises OSError and sqlite3.Error.
    """
    kept.prepare(path, uid, gid, script="dialogs.sql", application_id=APPLICATION_ID)
    tidy(path, 0)


def standing(path: Path) -> list[Dialog]:
    """The answered calls. Raises sqlite3.Error."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=2.0)) as database:
        rows = database.execute("select callid, from_tag, coalesce(to_tag, ''), start_time from dialog where state > 2")
        return [Dialog(call_id=row[0], from_tag=row[1], to_tag=row[2], began=row[3]) for row in rows]


def calls(path: Path) -> frozenset[str]:
    """The ids of the standing calls, as events name them. Raises sqlite3.Error."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=2.0)) as database:
        rows = database.execute("select dialog_value from dialog_vars where dialog_key = 'call'")
        return frozenset(row[0] for row in rows)


def recorded(path: Path) -> dict[str, Told]:
    """What record.cfg tells of the standing calls that are or were recorded, by Call-ID. Raises sqlite3.Error."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=2.0)) as database:
        rows = database.execute(
            "select d.callid, c.dialog_value, cast(p.dialog_value as integer) from dialog d"
            " join dialog_vars c on (c.hash_entry, c.hash_id, c.dialog_key) = (d.hash_entry, d.hash_id, 'call')"
            " join dialog_vars p on (p.hash_entry, p.hash_id, p.dialog_key) = (d.hash_entry, d.hash_id, 'record_port')"
        )
        return {call_id: Told(call, port) for call_id, call, port in rows}


def forget(path: Path, call_ids: Iterable[str]) -> None:
    """Take calls out of the file. Raises sqlite3.Error."""
    with contextlib.closing(sqlite3.connect(path, timeout=2.0)) as database, database:
        for call_id in call_ids:
            rows = database.execute("select hash_entry, hash_id from dialog where callid=?", (call_id,)).fetchall()
            database.executemany("delete from dialog where hash_entry=? and hash_id=?", rows)


def tidy(path: Path, older: int = _RINGS) -> None:
    """Delete the variables, `older` seconds old, of calls that are not there. Raises sqlite3.Error.

    Kamailio leaves them behind when a call ends before it has been written.
    """
    with contextlib.closing(sqlite3.connect(path, timeout=2.0)) as database, database:
        database.execute(
            "delete from dialog_vars where written <= ? and not exists (select 1 from dialog d"
            " where d.hash_entry = dialog_vars.hash_entry and d.hash_id = dialog_vars.hash_id)",
            (time.time() - older,),
        )
