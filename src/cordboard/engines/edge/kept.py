"""Files that Kamailio keeps for the one that comes after it: made by us, written by its modules."""

import contextlib
import os
import sqlite3
from pathlib import Path

HERE = Path(__file__).parent


def prepare(path: Path, uid: int, gid: int, *, script: str, application_id: int) -> None:
    """See to it that the file is there and can be used; one that cannot is made anew by `script`, and empty.

    To be called while no Kamailio runs on it. Raises OSError and sqlite3.Error.
    """
    if _usable(path, application_id):
        return
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600))
    if os.geteuid() == 0:
        os.chown(path, uid, gid, follow_symlinks=False)
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("pragma journal_mode=wal")
        database.executescript((HERE / script).read_text())
        database.execute(f"pragma application_id={application_id}")


def _usable(path: Path, application_id: int) -> bool:
    try:
        if path.is_symlink() or not path.is_file():
            return False
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=2.0)) as database:
            (found,) = database.execute("pragma application_id").fetchone()
            (sound,) = database.execute("pragma quick_check(1)").fetchone()
            return bool(found == application_id and sound == "ok")
    except sqlite3.Error:
        return False
