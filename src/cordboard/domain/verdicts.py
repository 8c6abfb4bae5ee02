"""What each kind of call is judged by, in order: one step after the other, until one fails.

decide.cfg and trunk.cfg judge alike.
"""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from cordboard.domain.dialled import (
    DIALLED,
    E164,
    SERVICE,
    SHORT,
    candidate_keys,
    digits_of,
    plain_user,
)
from cordboard.domain.lookups import AccountLookup, CalledLookup, InboundLookup, OutboundLookup
from cordboard.domain.reasons import CODES, Reason, known
from cordboard.domain.trail import Rule, Step
from cordboard.domain.trunk_rules import TrunkRules

if TYPE_CHECKING:
    from cordboard.domain.routing import Invite


def in_networks(source: str, allowed: str) -> bool:
    """Whether an address lies in one of the comma-separated networks; '' has none."""
    try:
        address = ip_address(source)
    except ValueError:
        return False
    return any(address in ip_network(text) for text in allowed.split(",") if text)


def lets_in(invite: "Invite", row: InboundLookup | CalledLookup) -> bool:
    """Whether the trunk of a number takes calls from there."""
    return row.open == 1 or in_networks(invite.source, row.allowed)


def inbound(invite: "Invite", row: InboundLookup, rules: TrunkRules | None) -> Iterator[Step]:
    """A row whose trunk or media rule is missing is a fault of the edge's file, and blames no caller."""
    yield _trunk(row, unreadable=not row.trunk or not row.code)
    inside = lets_in(invite, row)
    listed = "the trunk takes calls from everywhere" if row.open == 1 else _placed(inside, row.allowed)
    yield _step("source-address", invite.source, listed, "accepted" if inside else "address-not-allowed")
    if rules is None:
        yield _step("trunk", f"the trunk of {row.number}", "its options cannot be read", "lookup-failed")
        return
    caller = candidate_keys(invite.caller, "")
    digits = rules.canonical(caller.digits, national=caller.national)
    if rules.callers:
        taken, listed = rules.take(digits), _list(",".join("+" + text for text in rules.callers.split(",")))
        found = f"{'among' if taken else 'not among'} the trunk's callers: {listed}"
        shown = f"+{digits}" if digits else "a caller without a number"
        yield _step("listed-caller", shown, found, "accepted" if taken else "caller-number-not-allowed")
    if rules.login:
        proved = invite.proved == row.trunk
        found = "proved by its password" if proved else "not proved: no right credentials came"
        reason: Reason = "accepted" if proved else "trunk-credentials-required"
        yield _step("trunk-credentials", f"the carrier calls as {rules.login}", found, reason)
    yield _media(invite, row)
    if row.account:
        found = f"account {row.target}" if row.target else "an account that is gone"
        yield _step("agent", f"who takes {row.number}", found, "accepted" if row.target else "account-offline")
        return
    found = "it has one" if row.agent and row.target else "it has no published version" if row.agent else "none"
    yield _step("agent", f"the agent of {row.number}", found, "accepted" if row.target else "no-agent")
    reason = "accepted" if row.hops else "agent-unreachable"
    yield _step("agent-address", "where the agent is", _places(row.hops), reason)


def outbound(invite: "Invite", row: OutboundLookup, rules: TrunkRules | None) -> Iterator[Step]:
    """A call that shows a number of ours: by its agent, to where its trunk goes."""
    yield from _calling_agent(invite, row)
    called = plain_user(invite.user)
    reason: Reason = "accepted" if E164.fullmatch(called) else "not-e164"
    if SHORT.fullmatch(called):
        reason = "emergency-not-carried"
    yield _dialled(called, reason)
    yield from _carried(invite, digits_of(called), row, rules)


def account(invite: "Invite", name: str, row: AccountLookup, rules: TrunkRules | None) -> Iterator[Step]:
    """A call by an account: to another one of its tenant, or out by the trunk of the number that it shows."""
    yield _logged_in(invite, name)
    if row.restricted:
        inside = in_networks(invite.source, row.allowed)
        found = _placed(inside, row.allowed)
        yield _step("source-address", invite.source, found, "accepted" if inside else "address-not-allowed")
    called = plain_user(invite.user)
    if row.callee:
        yield _step("dialled-number", called, f"the extension of account {row.callee}")
        yield _media(invite, row) if row.code else _unread_media(row)
        return
    yield _dialled(called, _dialled_by_account(called))
    found = "it may" if row.allow_external else "it may not"
    reason: Reason = "accepted" if row.allow_external else "external-calls-not-allowed"
    yield _step("external-calls", f"whether {name} may call outside", found, reason)
    reason = "accepted" if row.number_id else "caller-not-allowed"
    yield _step("shown-number", f"the number that {name} shows", row.number or "none", reason)
    yield from _carried(invite, digits_of(called), row, rules)


def _calling_agent(invite: "Invite", row: OutboundLookup) -> Iterator[Step]:
    """Whether the number's agent it is: by its address, by its credentials, or by both if it has both."""
    if not row.sources and not row.login:
        found = "none" if not row.agent else "it has no published version"
        if row.version:
            found = "it has neither addresses nor a username to call by"
        yield _step("outbound-agent", f"who may call as {row.number}", found, "caller-not-allowed")
        return
    if row.sources:
        inside = in_networks(invite.source, row.sources)
        found = _placed(inside, row.sources, "the agent's addresses")
        yield _step("outbound-agent", invite.source, found, "accepted" if inside else "caller-not-allowed")
    if not row.login:
        return
    reason: Reason = "accepted" if invite.login == row.login else "caller-not-allowed"
    if not invite.login:
        reason = "credentials-required"
    yield _step("credentials", f"the agent calls as {row.login}", _proved(invite), reason)


def _logged_in(invite: "Invite", name: str) -> Step:
    reason: Reason = "accepted" if invite.login == name else "caller-not-allowed"
    if not invite.login:
        reason = "login-required"
    return _step("credentials", f"account {name}", _proved(invite), reason)


def _proved(invite: "Invite") -> str:
    return f"proved to be {invite.login}" if invite.login else "not proved: no right credentials came"


def _dialled_by_account(called: str) -> Reason:
    if SHORT.fullmatch(called):
        return "emergency-not-carried" if SERVICE.fullmatch(called) else "unknown-extension"
    if not E164.fullmatch(called):
        return "not-e164" if DIALLED.fullmatch(called) else "unknown-extension"
    return "accepted"


def _carried(
    invite: "Invite", called: str, row: OutboundLookup | AccountLookup, rules: TrunkRules | None
) -> Iterator[Step]:
    """Whether the number's trunk takes it."""
    yield _trunk(row, unreadable=not row.trunk or not row.code or rules is None)
    rules = rules or TrunkRules()
    listed = _list("+" + rules.destinations.replace(",", ",+")) if rules.destinations else "all that costs no more"
    carried = rules.carry(called)
    found = f"{'among' if carried else 'not among'} what the trunk carries: {listed}"
    yield _step("destination", f"+{called}", found, "accepted" if carried else "destination-not-allowed")
    yield _media(invite, row)
    found = "it has some" if row.gateways else "it has none"
    yield _step("gateway", "the trunk's gateways", found, "accepted" if row.gateways else "no-gateway")
    reason: Reason = "accepted" if row.hops else "gateway-unresolved"
    yield _step("gateway-address", "where the gateways are", _places(row.hops), reason)


def _trunk(row: InboundLookup | OutboundLookup | AccountLookup, *, unreadable: bool) -> Step:
    reason: Reason = "lookup-failed" if unreadable else "accepted"
    if row.ruled == -1:
        reason = "no-trunk"
    found = {"no-trunk": "it has none", "lookup-failed": "it cannot be read"}.get(reason, "it has one")
    return _step("trunk", f"the trunk of {row.number}", found, reason)


def _media(invite: "Invite", row: InboundLookup | OutboundLookup | AccountLookup) -> Step:
    offered = {"none": "no SDP", "rtp": "plain RTP", "srtp": "SRTP", "other": "neither RTP nor SDES SRTP"}
    reason: Reason = "accepted" if row.code == CODES["accepted"] else known(row.reason)
    found = f"encryption of the caller's leg is `{row.caller_media}`, of the other `{row.callee_media}`"
    return _step("media", f"{offered[invite.offered]} is offered", found, reason)


def _unread_media(row: AccountLookup) -> Step:
    found = f"there is no rule for {row.caller_media} and {row.callee_media}"
    return _step("media", "the media rule of both legs", found, "lookup-failed")


def _dialled(called: str, reason: Reason) -> Step:
    found = {
        "accepted": "a number with its +",
        "emergency-not-carried": "a short or emergency code",
        "unknown-extension": "no extension of the tenant's, and no number",
    }
    return _step("dialled-number", called or "nothing", found.get(reason, "not + and 7 to 15 digits"), reason)


def _step(rule: Rule, looked_at: str, found: str, reason: Reason = "accepted") -> Step:
    return Step(rule=rule, looked_at=looked_at, found=found, reason=reason)


def _list(networks: str) -> str:
    """At most five of a long list: a line is to be read."""
    each = [text for text in networks.split(",") if text]
    more = f" and {len(each) - 5} more" if len(each) > 5 else ""
    return ", ".join(each[:5]) + more if each else "nobody"


def _placed(inside: bool, networks: str, what: str = "the list") -> str:
    return f"{'in' if inside else 'not in'} {what}: {_list(networks)}"


def _places(hops: str) -> str:
    """Where its calls are sent, in order."""
    return _list(",".join(dict.fromkeys(hop.split(">")[0] for hop in hops.split("|") if hop))) if hops else "no address"
