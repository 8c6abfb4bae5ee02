"""location.sqlite: where accounts are registered, as Kamailio keeps it for the one that comes after it.

Kamailio writes it within seconds. Who is registered is asked of Kamailio itself (registrar.py); beside the next
Kamailio only what counts all of them reads it (online.py).
"""

from pathlib import Path
from typing import Final

from cordboard.engines.edge import kept

#: In the file's header: "Loc" and the version of locations.sql.
APPLICATION_ID: Final = 0x4C6F6301


def prepare(path: Path, uid: int, gid: int) -> None:
    """See to it that the file is there and can be used; one that cannot is made anew: phones register again.

    To be called while no Kamailio runs on it. Raises OSError and sqlite3.Error.
    """
    kept.prepare(path, uid, gid, script="locations.sql", application_id=APPLICATION_ID)
