"""Where a call goes, or why it is refused: the edge's decision as a pure function.

Kamailio decides in `engines/edge/kamailio/decide.cfg`, over the same rows by the same SELECTs
(`decide.sql`, `decide_out.sql`, `decide_account.sql` and `trunk_rules.sql` there); a differential test holds the two
together. Each side keeps only this much: read the users, select, test the source address, read the media rule and what
the trunk's options say.
"""

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Literal

from cordboard.domain.dialled import (
    CONTACT,
    DIALLED,
    E164,
    SERVICE,
    SHORT,
    CandidateKeys,
    candidate_keys,
    digits_of,
    names_account,
    plain_user,
)
from cordboard.domain.lookups import AccountLookup, CalledLookup, InboundLookup, OutboundLookup, RegisteredLookup, Rows
from cordboard.domain.media import Offered
from cordboard.domain.reasons import CODES, NO_TRUNK_OUT, Reason, known
from cordboard.domain.trunk_rules import TrunkRules

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


def in_networks(source: str, allowed: str) -> bool:
    """Whether an address lies in one of the comma-separated networks; '' has none."""
    try:
        address = ip_address(source)
    except ValueError:
        return False
    return any(address in ip_network(text) for text in allowed.split(",") if text)


def decide(invite: Invite, rows: Rows) -> Decision:
    """The edge's decision about `invite`.

    It is inbound if the called number is ours and its trunk takes calls from that source; else outbound if the
    number that it shows is ours; else by an account if it shows a name. What comes to a Contact of ours is inbound in
    any case. What a trunk refuses for the caller's number or credentials stays so refused unless an agent or account
    has called, and proved it. Raises what `rows` raises.
    """
    registered = rows.registered(invite.user) if CONTACT.fullmatch(invite.user) else None
    if registered is not None:
        return _decide_registered(invite, registered, rows)
    inbound = _decide_in(invite, candidate_keys(invite.user, invite.host), rows)
    if inbound.reason in _NOT_IN:
        inbound = _decide_elsewhere(invite, inbound, rows)
    if inbound.reason not in (*_NOT_IN, *_BARRED):
        return inbound
    if not invite.caller:
        return inbound
    barred = inbound.reason in _BARRED
    row = rows.outbound(candidate_keys(invite.caller, invite.caller_host), invite.offered)
    if row is not None:
        outbound = _decide_out(invite, row, rows)
        return inbound if barred and outbound.reason in _UNPROVED else outbound
    name = plain_user(invite.caller)
    if not names_account(name):
        return inbound
    # of those without a login, who shows a name is asked for it, unless the carrier is; digits may be anybody's
    if barred and invite.login != name and (inbound.code == CODES["login-required"] or name.isdecimal()):
        return inbound
    return _decide_account(invite, name, rows.account(name, plain_user(invite.user), invite.offered), rows)


def _decide_registered(invite: Invite, registered: RegisteredLookup, rows: Rows) -> Decision:
    """The request URI names a trunk's registration: who is called stands elsewhere, and is a number of that trunk."""
    headers = _headers(invite)
    by_party = registered.called_from == "p-called-party-id" and invite.party
    keys = headers["p-called-party-id" if by_party else "to"]
    for row in rows.called(keys, "ruri") if keys.national else ():
        if row.trunk == registered.trunk:
            keys = CandidateKeys(address="", digits=row.key)
            break
    inbound = _decide_in(invite, keys, rows, chosen=True)
    if inbound.trunk == registered.trunk or inbound.reason == "lookup-failed":
        return inbound
    return Decision(code=404, reason="unknown-number")


#: What a call is refused for that may be none to a number of ours.
_NOT_IN = ("unknown-number", "address-not-allowed")
#: What a trunk refuses those for whom it lets in by their address.
_BARRED = ("caller-number-not-allowed", "trunk-credentials-required")
#: What is said of who shows a number of ours and is not its agent, as far as is known.
_UNPROVED = ("caller-not-allowed", "credentials-required")


def _decide_in(invite: Invite, keys: CandidateKeys, rows: Rows, *, chosen: bool = False) -> Decision:
    """In this order: number, source address, number of the caller, credentials, media, agent. `chosen`: the number is
    none but that of `keys`."""
    row = rows.inbound(keys, invite.offered)
    if row is None:
        return Decision(code=404, reason="unknown-number")
    rules = _rules(row, rows)
    if rules is not None and rules.called_from != "ruri" and not chosen and _lets_in(invite, row):
        for named in rows.called(_headers(invite)[rules.called_from], rules.called_from):
            if named.trunk == row.trunk:
                return _decide_in(invite, CandidateKeys(address="", digits=named.key), rows, chosen=True)
    return _decision("in", _inbound_verdict(invite, row, rules), row, row.target)


def _decide_elsewhere(invite: Invite, inbound: Decision, rows: Rows) -> Decision:
    """By a number as the carriers of some trunks write it: in its national form, or in another header."""
    keys = candidate_keys(invite.user, invite.host)
    headers = {"ruri": keys} if keys.national else {}
    for header, user in (("to", invite.to), ("p-called-party-id", invite.party)):
        if user and user != invite.user:
            headers[header] = _headers(invite)[header]
    found = [row for header, keys in headers.items() for row in rows.called(keys, header)]
    meant = next((row for row in found if _lets_in(invite, row)), None)
    if meant is None and found and inbound.reason == "unknown-number":
        meant = found[0]
    if meant is None:
        return inbound
    return _decide_in(invite, CandidateKeys(address="", digits=meant.key), rows, chosen=True)


def _headers(invite: Invite) -> dict[str, CandidateKeys]:
    return {
        "to": candidate_keys(invite.to, invite.to_host),
        "p-called-party-id": candidate_keys(invite.party, invite.party_host),
    }


def _lets_in(invite: Invite, row: InboundLookup | CalledLookup) -> bool:
    return row.open == 1 or in_networks(invite.source, row.allowed)


def _decide_out(invite: Invite, row: OutboundLookup, rows: Rows) -> Decision:
    """In this order: who calls, the number called, trunk, destination, media, gateways."""
    rules = _rules(row, rows)
    target = _target(invite, rules)
    return _decision("out", _outbound_verdict(invite, row, rules), row, target, rules)


def _decide_account(invite: Invite, name: str, row: AccountLookup | None, rows: Rows) -> Decision:
    """In this order: who calls, from where, whom, trunk, destination, media, gateways. A name that is no account's is
    told from none that is by nothing."""
    if row is None:
        reason: Reason = "caller-not-allowed" if invite.login else "login-required"
        return Decision(code=CODES[reason], reason=reason, direction="out")
    rules = _rules(row, rows)
    target = row.callee or _target(invite, rules)
    direction: Direction = "internal" if row.callee else "out"
    return _decision(direction, _account_verdict(invite, name, row, rules), row, target, rules)


def _target(invite: Invite, rules: TrunkRules | None) -> str:
    return (rules or TrunkRules()).written(digits_of(plain_user(invite.user)))


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


def _inbound_verdict(invite: Invite, row: InboundLookup, rules: TrunkRules | None) -> Reason:
    """A row whose trunk or media rule is missing is a fault of the edge's file, and blames no caller."""
    if row.ruled == -1:
        return "no-trunk"
    if not row.trunk or not row.code:
        return "lookup-failed"
    if not _lets_in(invite, row):
        return "address-not-allowed"
    if rules is None:
        return "lookup-failed"
    caller = candidate_keys(invite.caller, "")
    if not rules.take(rules.canonical(caller.digits, national=caller.national)):
        return "caller-number-not-allowed"
    if rules.login and invite.proved != row.trunk:
        return "trunk-credentials-required"
    if row.code != CODES["accepted"]:
        return known(row.reason)
    if row.account:
        return "accepted" if row.target else "account-offline"
    if not row.target:
        return "no-agent"
    return "accepted" if row.hops else "agent-unreachable"


def _rules(row: InboundLookup | OutboundLookup | AccountLookup, rows: Rows) -> TrunkRules | None:
    """What the row's trunk is ruled by; None if that cannot be read."""
    return rows.rules(row.trunk) if row.ruled == 1 else TrunkRules()


def _outbound_verdict(invite: Invite, row: OutboundLookup, rules: TrunkRules | None) -> Reason:
    caller = _caller_verdict(invite, row)
    if caller != "accepted":
        return caller
    called = plain_user(invite.user)
    if SHORT.fullmatch(called):
        return "emergency-not-carried"
    if not E164.fullmatch(called):
        return "not-e164"
    return _carried(digits_of(called), row, rules)


def _carried(called: str, row: OutboundLookup | AccountLookup, rules: TrunkRules | None) -> Reason:
    """Whether the number's trunk takes it."""
    if row.ruled == -1:
        return "no-trunk"
    if not row.trunk or not row.code or rules is None:
        return "lookup-failed"
    if not rules.carry(called):
        return "destination-not-allowed"
    if row.code != CODES["accepted"]:
        return known(row.reason)
    if not row.gateways:
        return "no-gateway"
    return "accepted" if row.hops else "gateway-unresolved"


def _account_verdict(invite: Invite, name: str, row: AccountLookup, rules: TrunkRules | None) -> Reason:
    if not invite.login:
        return "login-required"
    if invite.login != name:
        return "caller-not-allowed"
    if row.restricted and not in_networks(invite.source, row.allowed):
        return "address-not-allowed"
    if row.callee:
        return "lookup-failed" if not row.code else known(row.reason)
    called = plain_user(invite.user)
    if SHORT.fullmatch(called):
        return "emergency-not-carried" if SERVICE.fullmatch(called) else "unknown-extension"
    if not E164.fullmatch(called):
        return "not-e164" if DIALLED.fullmatch(called) else "unknown-extension"
    if not row.allow_external:
        return "external-calls-not-allowed"
    return _carried(digits_of(called), row, rules) if row.number_id else "caller-not-allowed"


def _caller_verdict(invite: Invite, row: OutboundLookup) -> Reason:
    """Whether the number's agent it is: by its address, by its credentials, or by both if it has both."""
    if not row.sources and not row.login:
        return "caller-not-allowed"
    if row.sources and not in_networks(invite.source, row.sources):
        return "caller-not-allowed"
    if row.login and not invite.login:
        return "credentials-required"
    return "accepted" if invite.login == row.login or not row.login else "caller-not-allowed"
