"""The edge's decision made here, over the edge's own file: for `explain` and for an installation without an edge."""

import sqlite3
from pathlib import Path
from typing import Any

from cordboard.domain.media import Offered
from cordboard.domain.routing import CandidateKeys, Decision, InboundLookup, Invite, OutboundLookup, decide
from cordboard.engines.edge.config import sql


class Decider:
    """Reads one edge.sqlite. Opening it makes no file; raises sqlite3.Error if there is none."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)

    def decide(self, invite: Invite) -> Decision:
        """The same as `GET /decide` of the edge, a failed look-up being 503 there and here."""
        try:
            return decide(invite, self)
        except sqlite3.Error:
            return Decision(code=503, reason="lookup-failed")

    def inbound(self, keys: CandidateKeys, offered: Offered) -> InboundLookup | None:
        """The row that decide.sql finds. Raises sqlite3.Error."""
        row = self._row("decide", keys, offered)
        return None if row is None else InboundLookup(**row)

    def outbound(self, keys: CandidateKeys, offered: Offered) -> OutboundLookup | None:
        """The row that decide_out.sql finds. Raises sqlite3.Error."""
        row = self._row("decide_out", keys, offered)
        return None if row is None else OutboundLookup(**row)

    def close(self) -> None:
        self._connection.close()

    def _row(self, statement: str, keys: CandidateKeys, offered: Offered) -> dict[str, Any] | None:
        bound = {"address": keys.address, "digits": keys.digits, "offered": offered}
        cursor = self._connection.execute(sql(statement), bound)
        row = cursor.fetchone()
        return None if row is None else dict(zip((c[0] for c in cursor.description), row, strict=True))
