"""Telling of gateways that go down and come back, for as long as the service runs."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from cordboard.engines.edge.config import EdgeOptions
from cordboard.engines.edge.folder import named
from cordboard.engines.edge.looking import Log, keep_looking
from cordboard.usecases.health import Owner, tell_health
from cordboard.usecases.ports import Context

#: Seconds between two looks.
PERIOD: Final = 2.0

#: Who sends calls to a place: rarely asked, and by a reader of its own, so it may read all of them.
_OWNERS = """
select distinct owner from hop where uri = :uri
union
select h.owner from resolved r join hop h on h.name = r.name and h.name <> '' where r.uri = :uri
"""
_PLACES = """
select coalesce(nullif(h.uri, ''), r.uri, ''), h.host
from hop h left join resolved r on r.name = h.name and h.name <> ''
where h.owner = ? order by h.position, r.rank limit 100
"""


class Health:
    """One edge's gateways. `edge` is its name in the store."""

    def __init__(self, folder: Path, edge: str, context: Context, log: Log) -> None:
        self._path = folder / "edge.sqlite"
        self._edge = edge
        self._context = context
        self._log = log

    @classmethod
    def of(cls, options: EdgeOptions, context: Context, log: Log) -> "Health":
        """Raises EdgeFailed."""
        return cls(*named(options), context, log)

    async def run(self) -> None:
        """Never ends of itself; what fails is tried again."""
        await keep_looking(self.step, PERIOD, self._log, "gateways cannot be told of")

    async def step(self) -> int:
        """How many were told of."""
        return await tell_health(self._context, self._edge, self.owners)

    async def owners(self, uri: str) -> list[Owner]:
        """Raises sqlite3.Error."""
        return await asyncio.to_thread(self._owners, uri)

    def _owners(self, uri: str) -> list[Owner]:
        with closing(sqlite3.connect(f"{self._path.as_uri()}?mode=ro", uri=True, timeout=2)) as file:
            owners = [id for (id,) in file.execute(_OWNERS, {"uri": uri})]
            return [_owner(id, uri, file.execute(_PLACES, (id,)).fetchall()) for id in owners]


def _owner(id: str, uri: str, places: list[tuple[str, str]]) -> Owner:
    host = next((host for place, host in places if place == uri), "")
    return Owner(id=id, host=host, places=places)
