"""The edge's decision made here, over the edge's own file: for `explain` and for an installation without an edge."""

import sqlite3
from pathlib import Path

from cordboard.domain.routing import Decision, Inbound, Lookup, candidate_keys, decide
from cordboard.engines.edge.config import sql


class Decider:
    """Reads one edge.sqlite. Opening it makes no file; raises sqlite3.Error if there is none."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)

    def decide(self, inbound: Inbound) -> Decision:
        """The same as `GET /decide` of the edge, a failed look-up being 503 there and here."""
        try:
            row = self.lookup(inbound)
        except sqlite3.Error:
            return Decision(code=503, reason="lookup-failed")
        return decide(inbound, row)

    def lookup(self, inbound: Inbound) -> Lookup | None:
        """The row that decide.sql finds for it. Raises sqlite3.Error."""
        keys = candidate_keys(inbound.user, inbound.host)
        bound = {"address": keys.address, "digits": keys.digits, "offered": inbound.offered}
        cursor = self._connection.execute(sql("decide"), bound)
        row = cursor.fetchone()
        if row is None:
            return None
        names = (column[0] for column in cursor.description)
        return Lookup(**dict(zip(names, row, strict=True)))

    def close(self) -> None:
        self._connection.close()
