"""events.sqlite: what happened at the edge, as Kamailio writes it down and we read it.

Kamailio alone writes it once it is there. How far we have come stands in edge.sqlite, and Kamailio deletes up to there.
"""

import contextlib
import os
import secrets
import sqlite3
from pathlib import Path
from typing import Final

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


def _usable(path: Path) -> bool:
    try:
        if path.is_symlink() or not path.is_file():
            return False
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=2.0)) as database:
            return bool(database.execute("pragma application_id").fetchone() == (APPLICATION_ID,))
    except sqlite3.Error:
        return False
