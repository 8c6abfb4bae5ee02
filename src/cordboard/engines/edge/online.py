"""How many accounts are registered at this edge, for as long as the service runs."""

import asyncio
import sqlite3
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final

from cordboard.domain.tenants import TenantId
from cordboard.engines.edge.config import EdgeOptions
from cordboard.engines.edge.folder import named
from cordboard.engines.edge.looking import Log, keep_looking
from cordboard.usecases.figures import note_registered
from cordboard.usecases.ports import Context

#: Seconds between two looks.
PERIOD: Final = 5.0

#: Of what Kamailio has written, which is as of two seconds ago at most. All of it is read, beside everything else.
_COUNT: Final = """
select a.tenant, count(distinct l.username) from location l join edge.account a on a.username = l.username
where l.expires > ? group by a.tenant
"""


class Online:
    """One edge's registered accounts. They are counted, rather than their coming and going: a count that is wrong once,
    after whatever has happened, is right at the next look."""

    def __init__(self, folder: Path, edge: str, context: Context, log: Log) -> None:
        self._folder = folder
        self._edge = edge
        self._context = context
        self._log = log
        self._noted: dict[TenantId, int] | None = None

    @classmethod
    def of(cls, options: EdgeOptions, context: Context, log: Log) -> "Online":
        """Raises EdgeFailed."""
        return cls(*named(options), context, log)

    async def run(self) -> None:
        """Never ends of itself; what fails is tried again."""
        await keep_looking(self.step, PERIOD, self._log, "registered accounts cannot be counted")

    async def step(self) -> None:
        """Count, and write it down if it is not as before. Raises sqlite3.Error and CordboardError."""
        if not (self._folder / "location.sqlite").exists():
            return  # no Kamailio was ever started
        counted = await asyncio.to_thread(self._count)
        if counted != self._noted:
            self._noted = None  # unknown until it is done
            note = partial(note_registered, edge=self._edge, accounts=counted, at=self._context.clock())
            await self._context.store.write(None, note)
            self._noted = counted

    def _count(self) -> dict[TenantId, int]:
        location, edge = (f"{(self._folder / name).as_uri()}?mode=ro" for name in ("location.sqlite", "edge.sqlite"))
        with closing(sqlite3.connect(location, uri=True, timeout=2)) as file:
            file.execute("attach ? as edge", (edge,))
            return {TenantId(tenant): count for tenant, count in file.execute(_COUNT, (int(time.time()),))}
