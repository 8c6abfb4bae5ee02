"""Where a call goes, or why it is refused: the edge's decision as a pure function.

Kamailio decides in `engines/edge/kamailio/decide.cfg`, over the same rows by the same SELECTs
(`decide.sql`, `decide_out.sql`, `decide_account.sql` and `trunk_rules.sql` there); a differential test holds the two
together. Each side keeps only this much: read the users, select, test the source address, read the media rule and what
the trunk's options say.
"""

from dataclasses import dataclass
from typing import Literal

from cordboard.domain import verdicts
from cordboard.domain.dialled import CONTACT, CandidateKeys, candidate_keys, digits_of, names_account, plain_user
from cordboard.domain.lookups import AccountLookup, InboundLookup, OutboundLookup, RegisteredLookup, Rows
from cordboard.domain.media import Offered
from cordboard.domain.reasons import CODES, NO_TRUNK_OUT, Reason
from cordboard.domain.trail import Rule, Step, Trail
from cordboard.domain.trunk_rules import TrunkRules
from cordboard.domain.verdicts import in_networks, lets_in

__all__ = ["Decision", "Direction", "Invite", "decide", "in_networks"]

#: `internal`: from an account to another one of its tenant.
Direction = Literal["in", "out", "internal"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Invite:
    """An INVITE outside a dialog, as far as the decision looks at it."""

    #: The address that it came from.
    source: str
    #: The user part of its request URI as it stands on the wire: escapes, separators and parameters included.
    user: str
    #: The host of its request URI.
    host: str
    #: User and host of its From, as they stand on the wire.
    caller: str = ""
    caller_host: str = ""
    #: The same of its To and of its P-Called-Party-ID.
    to: str = ""
    to_host: str = ""
    party: str = ""
    party_host: str = ""
    #: The username of digest credentials that came with it and were right.
    login: str = ""
    #: The trunk whose credentials came with it and were right.
    proved: str = ""
    #: What its SDP offers.
    offered: Offered


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What becomes of the call. Of a refused one the fields that had been found by then are set."""

    code: int
    reason: Reason
    direction: Direction = "in"
    #: Inbound, the request URI that the agent gets; outbound, the number that is called, as the carrier wants it; the
    #: username of an account.
    target: str = ""
    #: Where to send it: `uri>host>verify` of each place, in order, separated by `|`; behind it `>rank>position>share`
    #: if gateways share a rank, among which each call draws an order of its own (hops.cfg).
    hops: str = ""
    #: For rtpengine's offer towards the callee.
    flags: str = ""
    number_id: str = ""
    number: str = ""
    tenant: str = ""
    trunk: str = ""
    agent: str = ""
    version: str = ""
    #: The account that calls, or that an inbound call goes to.
    account: str = ""

    @property
    def accepted(self) -> bool:
        return self.reason == "accepted"


def decide(invite: Invite, rows: Rows, trail: Trail | None = None) -> Decision:
    """The edge's decision about `invite`; `trail` is told of each step.

    It is inbound if the called number is ours and its trunk takes calls from that source; else outbound if the
    number that it shows is ours; else by an account if it shows a name. What comes to a Contact of ours is inbound in
    any case. What a trunk refuses for the caller's number or credentials stays so refused unless an agent or account
    has called, and proved it. Raises what `rows` raises.
    """
    return _Decision(invite, rows, Trail() if trail is None else trail).made()


#: What a call is refused for that may be none to a number of ours.
_NOT_IN = ("unknown-number", "address-not-allowed")
#: What a trunk refuses those for whom it lets in by their address.
_BARRED = ("caller-number-not-allowed", "trunk-credentials-required")
#: What is said of who shows a number of ours and is not its agent, as far as is known.
_UNPROVED = ("caller-not-allowed", "credentials-required")


@dataclass(frozen=True, slots=True)
class _Decision:
    """One decision as it is made."""

    invite: Invite
    rows: Rows
    trail: Trail

    def made(self) -> Decision:
        invite, rows = self.invite, self.rows
        registered = rows.registered(invite.user) if CONTACT.fullmatch(invite.user) else None
        if registered is not None:
            return self._by_registration(registered)
        inbound = self._in(candidate_keys(invite.user, invite.host))
        if inbound.reason in _NOT_IN:
            inbound = self._elsewhere(inbound)
        if inbound.reason not in (*_NOT_IN, *_BARRED) or not invite.caller:
            return inbound
        barred = inbound.reason in _BARRED
        row = rows.outbound(candidate_keys(invite.caller, invite.caller_host), invite.offered)
        if row is not None:
            outbound = self._out(row)
            return inbound if barred and outbound.reason in _UNPROVED else outbound
        self._note("caller-number", invite.caller, "no number of ours", None)
        name = plain_user(invite.caller)
        if not names_account(name):
            return inbound
        # of those without a login, who shows a name is asked for it, unless the carrier is; digits may be anybody's
        if barred and invite.login != name and (inbound.code == CODES["login-required"] or name.isdecimal()):
            return inbound
        return self._by_account(name, rows.account(name, plain_user(invite.user), invite.offered))

    def _by_registration(self, registered: RegisteredLookup) -> Decision:
        """The request URI names a trunk's registration: who is called stands elsewhere, and is one of its numbers."""
        headers = self._headers()
        by_party = registered.called_from == "p-called-party-id" and self.invite.party
        keys = headers["p-called-party-id" if by_party else "to"]
        self._note("registration", self.invite.user, "the Contact that we register at a trunk's gateway")
        for row in self.rows.called(keys, "ruri") if keys.national else ():
            if row.trunk == registered.trunk:
                keys = CandidateKeys(address="", digits=row.key)
                break
        inbound = self._in(keys, chosen=True)
        if inbound.trunk == registered.trunk or inbound.reason == "lookup-failed":
            return inbound
        self._note("called-number", "who is called by it", "no number of that trunk", "unknown-number")
        return Decision(code=404, reason="unknown-number")

    def _in(self, keys: CandidateKeys, *, chosen: bool = False) -> Decision:
        """In this order: number, source address, number of the caller, credentials, media, agent. `chosen`: the
        number is none but that of `keys`."""
        invite = self.invite
        row = self.rows.inbound(keys, invite.offered)
        if row is None:
            self._note("called-number", _written(keys), "no number of ours that is assigned", "unknown-number")
            return Decision(code=404, reason="unknown-number")
        self._note(
            "called-number",
            _written(keys),
            "a number of ours" if _written(keys) == row.number else f"{row.number}, a number of ours",
        )
        rules = self._rules(row)
        if rules is not None and rules.called_from != "ruri" and not chosen and lets_in(invite, row):
            for named in self.rows.called(self._headers()[rules.called_from], rules.called_from):
                if named.trunk == row.trunk:
                    self._note("called-number", f"{rules.called_from}, where the carrier names it", named.key)
                    return self._in(CandidateKeys(address="", digits=named.key), chosen=True)
        return _decision("in", self.trail.judge(row, rules, verdicts.inbound(invite, row, rules)), row, row.target)

    def _elsewhere(self, inbound: Decision) -> Decision:
        """By a number as the carriers of some trunks write it: in its national form, or in another header."""
        invite = self.invite
        keys = candidate_keys(invite.user, invite.host)
        headers = {"ruri": keys} if keys.national else {}
        for header, user in (("to", invite.to), ("p-called-party-id", invite.party)):
            if user and user != invite.user:
                headers[header] = self._headers()[header]
        found = [(row, header) for header, keys in headers.items() for row in self.rows.called(keys, header)]
        meant = next(((row, header) for row, header in found if lets_in(invite, row)), None)
        if meant is None and found and inbound.reason == "unknown-number":
            meant = found[0]
        if meant is None:
            return inbound
        row, header = meant
        way = "written as within its country" if header == "ruri" else f"named in {header}"
        self._note("called-number", way, row.key)
        return self._in(CandidateKeys(address="", digits=row.key), chosen=True)

    def _headers(self) -> dict[str, CandidateKeys]:
        invite = self.invite
        return {
            "to": candidate_keys(invite.to, invite.to_host),
            "p-called-party-id": candidate_keys(invite.party, invite.party_host),
        }

    def _out(self, row: OutboundLookup) -> Decision:
        """In this order: who calls, the number called, trunk, destination, media, gateways."""
        self._note("caller-number", self.invite.caller, f"{row.number}, a number of ours")
        rules = self._rules(row)
        judged = self.trail.judge(row, rules, verdicts.outbound(self.invite, row, rules))
        return _decision("out", judged, row, self._target(rules), rules)

    def _by_account(self, name: str, row: AccountLookup | None) -> Decision:
        """In this order: who calls, from where, whom, trunk, destination, media, gateways. A name that is no account's
        is told from none that is by nothing."""
        if row is None:
            reason: Reason = "caller-not-allowed" if self.invite.login else "login-required"
            self._note("account", name, "no account of ours", reason)
            return Decision(code=CODES[reason], reason=reason, direction="out")
        self._note("account", name, "an account of ours")
        rules = self._rules(row)
        judged = self.trail.judge(row, rules, verdicts.account(self.invite, name, row, rules))
        direction: Direction = "internal" if row.callee else "out"
        return _decision(direction, judged, row, row.callee or self._target(rules), rules)

    def _rules(self, row: InboundLookup | OutboundLookup | AccountLookup) -> TrunkRules | None:
        """What the row's trunk is ruled by; None if that cannot be read."""
        return self.rows.rules(row.trunk) if row.ruled == 1 else TrunkRules()

    def _target(self, rules: TrunkRules | None) -> str:
        return (rules or TrunkRules()).written(digits_of(plain_user(self.invite.user)))

    def _note(self, rule: Rule, looked_at: str, found: str, reason: Reason | None = "accepted") -> None:
        self.trail.note(Step(rule=rule, looked_at=looked_at, found=found, reason=reason))


def _written(keys: CandidateKeys) -> str:
    """The key under which a number is looked for, in words."""
    return f"+{keys.digits}" if keys.digits else keys.address or "nothing that could be a number"


def _decision(
    direction: Direction,
    reason: Reason,
    row: InboundLookup | OutboundLookup | AccountLookup,
    target: str,
    rules: TrunkRules | None = None,
) -> Decision:
    """`rules` are of the trunk that an outbound call goes to."""
    accepted = reason == "accepted"
    return Decision(
        code=NO_TRUNK_OUT if reason == "no-trunk" and direction == "out" else CODES[reason],
        reason=reason,
        direction=direction,
        target=target if accepted else "",
        hops=row.hops if accepted else "",
        flags=row.flags + (rules.flags if rules else "") if accepted else "",
        number_id=row.number_id,
        number=row.number,
        tenant=row.tenant,
        trunk=row.trunk,
        agent="" if isinstance(row, AccountLookup) else row.agent,
        version="" if isinstance(row, AccountLookup) else row.version,
        account="" if isinstance(row, OutboundLookup) else row.account,
    )
