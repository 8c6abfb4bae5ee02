"""The edge's decision made here, over the edge's own file: for `explain` and for an installation without an edge."""

import sqlite3
from dataclasses import fields
from pathlib import Path
from typing import Any

from cordboard.domain.dialled import CandidateKeys
from cordboard.domain.edge import MAX_HOPS
from cordboard.domain.lookups import (
    AccountLookup,
    CalledLookup,
    InboundLookup,
    Login,
    OfTenant,
    OutboundLookup,
    RegisteredLookup,
)
from cordboard.domain.media import MEDIA_RULES, Offered
from cordboard.domain.routing import Decision, Invite, decide
from cordboard.domain.tenants import TenantId
from cordboard.domain.trail import Step, Trail
from cordboard.domain.trunk_rules import TrunkRules
from cordboard.engines.edge.config import sql

_RULES = {(rule.caller, rule.offered, rule.callee): rule for rule in MEDIA_RULES}


class Decider:
    """Reads one edge.sqlite. Opening it makes no file; raises sqlite3.Error if there is none."""

    def __init__(self, path: Path | sqlite3.Connection) -> None:
        """A connection is closed with this."""
        self._connection = (
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
            if isinstance(path, Path)
            else path
        )

    def decide(self, invite: Invite, tenant: TenantId | None = None, trail: Trail | None = None) -> Decision:
        """The same as `GET /decide` of the edge, a failed look-up being 503 there and here.

        With a `tenant` what is another's is not there.
        """
        try:
            return decide(invite, self if tenant is None else OfTenant(self, tenant), trail)
        except sqlite3.Error:
            if trail is not None:
                trail.note(Step(rule="edge", looked_at="edge.sqlite", found="unreadable", reason="lookup-failed"))
            return Decision(code=503, reason="lookup-failed")

    def inbound(self, keys: CandidateKeys, offered: Offered) -> InboundLookup | None:
        """What decide.sql finds, with the media rule. Raises sqlite3.Error."""
        found = self._found("decide", address=keys.address, digits=keys.digits)
        if found is None:
            return None
        first, hops = found
        rule = _rule(first, offered)
        rule["flags"] += first.pop("flags")
        return InboundLookup(**first, **rule, hops=hops)

    def outbound(self, keys: CandidateKeys, offered: Offered) -> OutboundLookup | None:
        """What decide_out.sql finds, with the media rule. Raises sqlite3.Error."""
        found = self._found("decide_out", address=keys.address, digits=keys.digits)
        if found is None:
            return None
        first, hops = found
        return OutboundLookup(**first, **_rule(first, offered), hops=hops)

    def account(self, name: str, called: str, offered: Offered) -> AccountLookup | None:
        """What decide_account.sql finds, with the media rule. Raises sqlite3.Error."""
        found = self._found("decide_account", name=name, called=called)
        if found is None:
            return None
        first, hops = found
        return AccountLookup(**first, **_rule(first, offered), hops=hops)

    def registered(self, user: str) -> RegisteredLookup | None:
        """What decide_registered.sql finds. Raises sqlite3.Error."""
        row = self._connection.execute(sql("decide_registered"), {"user": user}).fetchone()
        return None if row is None else RegisteredLookup(trunk=row[0], called_from=row[1], tenant=row[2])

    def rules(self, trunk: str) -> TrunkRules | None:
        """What trunk_rules.sql finds. Raises sqlite3.Error."""
        cursor = self._connection.execute(sql("trunk_rules"), {"trunk": trunk})
        row = cursor.fetchone()
        if row is None:
            return None
        found = dict(zip((column[0] for column in cursor.description), row, strict=True))
        return TrunkRules(**{field.name: found[field.name] for field in fields(TrunkRules)})

    def called(self, keys: CandidateKeys, header: str) -> list[CalledLookup]:
        """What called.sql finds. Raises sqlite3.Error."""
        local = keys.digits if keys.national else ""
        values = {"address": keys.address, "digits": keys.digits, "local": local, "header": header}
        return [
            CalledLookup(key=key, trunk=trunk, open=open, allowed=allowed)
            for key, trunk, open, allowed in self._connection.execute(sql("called"), values)
        ]

    def whose(self, login: str) -> Login:
        """What login.sql finds, and what account.sql does. Raises sqlite3.Error."""
        agent = self._connection.execute(sql("login"), {"login": login}).fetchone()
        account = self._connection.execute("select tenant from account where username = ?", (login,)).fetchone()
        return Login(agent="" if agent is None else agent[0], tenant="" if account is None else account[0])

    def close(self) -> None:
        self._connection.close()

    def _found(self, statement: str, **values: str) -> tuple[dict[str, Any], str] | None:
        """What all rows say, and the hops, which each of them says one of."""
        cursor = self._connection.execute(sql(statement), values)
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor]
        if not rows:
            return None
        hops = [f"{row['uri']}>{row['host']}>{row['verify']}" for row in rows if row["uri"]]
        first = rows[0]
        if statement != "decide":
            first["gateways"] = int(first["host"] is not None)
        for name in ("uri", "host", "verify"):
            del first[name]
        return first, "|".join(hops[:MAX_HOPS])


def _rule(row: dict[str, Any], offered: Offered) -> dict[str, Any]:
    """Code 0 if there is no rule for these policies."""
    rule = _RULES.get((row["caller_media"], offered, row["callee_media"]))
    if rule is None:
        return {"code": 0, "reason": "", "flags": ""}
    return {"code": rule.code, "reason": rule.reason, "flags": rule.flags}
