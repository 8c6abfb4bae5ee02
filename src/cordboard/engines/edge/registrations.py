"""With whom the edge registers: a row for each gateway of each trunk that wants it.

A row that is wanted no longer stays for a while with `expires` 0, so that Kamailio can take the registration back.
"""

import asyncio
import contextlib
import hashlib
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from urllib.parse import quote
from zlib import crc32

from cordboard.domain.addresses import parse_host_port
from cordboard.domain.edge import MAX_HOPS, HopRow, TrunkRow

#: Seconds that Kamailio has to take back what is wanted no longer, the password with it.
PARTING: Final = 600
#: Seconds between two looks for what is over.
PERIOD: Final = 60.0
#: Into how many parts they are cut that are looked at one after the other; registrations.cfg has the number too.
SLOTS: Final = 60

#: What stands in the user of a URI as it is (RFC 3261 section 25.1).
_USER: Final = "-_.!~*'()&=+$,;?/"

_KEPT: Final = """
select key, trunk, host, uri, name, verify, address, registrar, username, password, expires, changed, slot
from registration
"""
_PUT: Final = """
insert into registration values(?,?,?,?,?,?,?,?,?,?,?,?,?)
on conflict(key) do update set verify=excluded.verify, password=excluded.password, expires=excluded.expires,
    changed=max(excluded.changed, registration.changed + 1)
where (verify, password, expires) is not (excluded.verify, excluded.password, excluded.expires)
"""
_PART: Final = """
update registration set expires=0, changed=max(?, changed + 1)
where trunk=? and expires<>0 and key not in (select value from json_each(?))
"""
_PART_ALL: Final = "update registration set expires=0, changed=max(?, changed + 1) where expires<>0"
_FORGET: Final = "delete from registration where expires=0 and changed<?"

Row = tuple[str | int, ...]


def put(connection: sqlite3.Connection, trunk: TrunkRow) -> None:
    """Register with each of its gateways, or with none. Within the caller's transaction."""
    now = int(time.time())
    rows = [_row(trunk, hop, now) for hop in _wanted(trunk)]
    keys = ",".join(f'"{row[0]}"' for row in rows)
    connection.execute(_PART, (now, trunk.id, f"[{keys}]"))
    connection.executemany(_PUT, rows)


def drop(connection: sqlite3.Connection, trunk: str) -> None:
    """Take back all of a trunk that is gone. Within the caller's transaction."""
    connection.execute(_PART, (int(time.time()), trunk, "[]"))


def kept(connection: sqlite3.Connection) -> list[Row]:
    """All rows of a file that is to be made anew; none of one of another schema."""
    try:
        return connection.execute(_KEPT).fetchall()
    except sqlite3.Error:
        return []


def restore(connection: sqlite3.Connection, rows: Iterable[Row]) -> None:
    """What was kept, to be taken back: what is still wanted is put again by whoever makes the file anew."""
    connection.executemany("insert into registration values(?,?,?,?,?,?,?,?,?,?,?,?,?)", rows)
    connection.execute(_PART_ALL, (int(time.time()),))


def forget(file: Path) -> None:
    """Delete what has been taken back, or never will be, from an edge.sqlite. Raises sqlite3.Error."""
    with contextlib.closing(
        sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True, timeout=2.0, isolation_level=None)
    ) as connection:
        connection.execute("pragma synchronous=normal")
        past = (int(time.time()) - PARTING,)
        if connection.execute("select 1 from registration where expires=0 and changed<? limit 1", past).fetchone():
            connection.execute(_FORGET, past)


async def keep_forgetting(file: Path) -> None:
    """Do so again and again. Ends by cancellation."""
    while True:
        with contextlib.suppress(sqlite3.Error):
            await asyncio.to_thread(forget, file)
        await asyncio.sleep(PERIOD)


def _wanted(trunk: TrunkRow) -> list[HopRow]:
    if not trunk.register or not trunk.username:
        return []
    return sorted(trunk.hops, key=lambda hop: hop.rank)[:MAX_HOPS]


def _row(trunk: TrunkRow, hop: HopRow, now: int) -> Row:
    """The key is the user of the Contact: it tells nobody anything, and is the same as long as the registration is."""
    host = parse_host_port(hop.host).host
    host = f"[{host}]" if ":" in host else host
    address = f"sip:{quote(trunk.username, safe=_USER)}@{trunk.register_domain or host}"
    text = "\n".join((trunk.id, hop.host, hop.uri or hop.name, address))
    key = "r" + hashlib.sha256(text.encode()).hexdigest()[:20]
    return (
        *(key, trunk.id, hop.host, hop.uri, hop.name, int(hop.verify)),
        *(address, f"sip:{trunk.register_domain or hop.host}", trunk.username, trunk.password),
        *(trunk.register, now, crc32(key.encode()) % SLOTS),
    )
