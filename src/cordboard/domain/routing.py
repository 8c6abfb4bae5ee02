"""Where an inbound call goes, or why it is refused: the edge's decision as a pure function.

Kamailio decides in `engines/edge/kamailio/inbound.cfg`, route DECIDE, over the same rows by the same SELECT
(`engines/edge/decide.sql`); a differential test holds the two together. Each side keeps only this much:
read the user, select, test the source address, read the media rule.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Final, Literal

Offered = Literal["none", "rtp", "srtp", "other"]
OFFERED: Final[tuple[Offered, ...]] = ("none", "rtp", "srtp", "other")

Reason = Literal[
    "accepted",
    "unknown-number",
    "address-not-allowed",
    "encryption-required",
    "encryption-not-allowed",
    "media-not-supported",
    "no-agent",
    "lookup-failed",
    "media-relay-unavailable",
]

#: The SIP answer that a refusal gets (RFC 3261 section 21); `accepted` is 200 and is never sent.
CODES: Final[dict[Reason, int]] = {
    "accepted": 200,
    "unknown-number": 404,
    "address-not-allowed": 403,
    "encryption-required": 488,
    "encryption-not-allowed": 488,
    "media-not-supported": 488,
    "no-agent": 480,
    "lookup-failed": 503,
    "media-relay-unavailable": 503,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberRow:
    """A number as the edge knows it. Only numbers that are assigned stand there."""

    #: E.164 digits without the `+`, or `user@domain` with the domain in lower case.
    key: str
    number_id: str
    #: Canonical: `+34911234567` or `user@domain`.
    number: str
    #: What `{number}` in an agent's URI stands for: the E.164 number with its `+`, or the user part.
    user: str
    tenant: str
    trunk: str
    #: The agent that takes inbound calls.
    agent_in: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class TrunkRow:
    """A trunk as the edge knows it."""

    id: str
    tenant: str
    #: Everybody may call in; then `allowed` is empty.
    open: bool
    #: Networks that `addresses.collapse` made, separated by commas.
    allowed: str
    #: disable, allow or require.
    media_in: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentRow:
    """The published version of an agent. An agent without one has no row."""

    id: str
    version: str
    uri: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaRule:
    """What a trunk's media policy makes of an offer."""

    direction: Literal["in"]
    policy: str
    offered: Offered
    code: int
    reason: Reason
    #: For rtpengine's offer towards the agent.
    flags: str


#: SDES suites that are never offered or taken: AEAD breaks with clients in the field, NULL is no encryption.
_WITHOUT_SUITES: Final = " ".join(
    f"SDES-no-{suite}"
    for suite in (
        "AEAD_AES_256_GCM",
        "AEAD_AES_128_GCM",
        "AES_256_CM_HMAC_SHA1_80",
        "AES_256_CM_HMAC_SHA1_32",
        "AES_192_CM_HMAC_SHA1_80",
        "AES_192_CM_HMAC_SHA1_32",
        "F8_128_HMAC_SHA1_80",
        "F8_128_HMAC_SHA1_32",
        "NULL_HMAC_SHA1_80",
        "NULL_HMAC_SHA1_32",
    )
)
#: What is asked of rtpengine for every SDP, whichever way it goes. `strict-source`: once the far side's address is
#: learnt, packets from elsewhere are dropped.
MEDIA_FLAGS: Final = f"replace-origin replace-session-connection strict-source ICE=remove DTLS=off {_WITHOUT_SUITES}"
_TO_AGENT: Final = f"RTP/AVP {MEDIA_FLAGS}"


def _rule(policy: str, offered: Offered, reason: Reason) -> MediaRule:
    flags = _TO_AGENT if reason == "accepted" else ""
    return MediaRule(direction="in", policy=policy, offered=offered, code=CODES[reason], reason=reason, flags=flags)


#: Read by both sides: Kamailio finds it as the table media_rule.
MEDIA_RULES: Final[tuple[MediaRule, ...]] = (
    _rule("disable", "none", "accepted"),
    _rule("disable", "rtp", "accepted"),
    _rule("disable", "srtp", "encryption-not-allowed"),
    _rule("disable", "other", "media-not-supported"),
    _rule("allow", "none", "accepted"),
    _rule("allow", "rtp", "accepted"),
    _rule("allow", "srtp", "accepted"),
    _rule("allow", "other", "media-not-supported"),
    # Without an offer the answer could not be held to SRTP before the agent has made its own offer in clear.
    _rule("require", "none", "encryption-required"),
    _rule("require", "rtp", "encryption-required"),
    _rule("require", "srtp", "accepted"),
    _rule("require", "other", "media-not-supported"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Inbound:
    """An INVITE that comes in, as far as the decision looks at it."""

    #: The address that it came from.
    source: str
    #: The user part of its request URI as it stands on the wire: escapes, separators and parameters included.
    user: str
    #: The host of its request URI.
    host: str
    #: What its SDP offers.
    offered: Offered


@dataclass(frozen=True, kw_only=True, slots=True)
class CandidateKeys:
    """The keys under which a called number may stand; an empty one fits nothing. The address goes first."""

    address: str
    digits: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Lookup:
    """The row that decide.sql finds: number, its trunk, the media rule and the published agent version.

    An outer join's gap is '' (or -1 in `open`, 0 in `code`), as Kamailio has no NULL worth the name.
    """

    number_id: str
    number: str
    tenant: str
    trunk: str
    open: int
    allowed: str
    media_in: str
    code: int
    reason: str
    flags: str
    agent: str
    version: str
    target: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What becomes of the call. Of a refused one the fields that had been found by then are set."""

    code: int
    reason: Reason
    #: The URI that the INVITE is sent to.
    target: str = ""
    #: For rtpengine's offer towards the agent.
    flags: str = ""
    number_id: str = ""
    number: str = ""
    tenant: str = ""
    trunk: str = ""
    agent: str = ""
    version: str = ""

    @property
    def accepted(self) -> bool:
        return self.reason == "accepted"


def routing_key(number: str) -> str:
    """NumberRow.key of a canonical number: `34911234567` for `+34911234567`; an address is its own key."""
    return number.removeprefix("+")


#: Printable ASCII with whole escapes of the same: inbound.cfg, route KEYS, has both patterns too.
_USER = re.compile(r"(?:[ -$&-~]|%[2-6][0-9A-Fa-f]|%7[0-9A-Ea-e])+")
#: Digits with visual separators (RFC 3966), or the spaces that some write.
_DIALLED = re.compile(r"[-.() ]*\+?[-.() ]*(?:[0-9][-.() ]*){2,15}")


def candidate_keys(user: str, host: str) -> CandidateKeys:
    """Read a request URI's user (RFC 3261 section 19.1.2) as a number, tolerantly.

    Parameters such as `;npdi=yes` are cut, escapes decoded once, and for digits visual separators and a
    leading `+` dropped. A broken escape, or one of a character outside printable ASCII, fits nothing.
    """
    user = user.partition(";")[0]
    if not _USER.fullmatch(user):
        return CandidateKeys(address="", digits="")
    plain = re.sub("%(..)", lambda escape: chr(int(escape[1], 16)), user)
    digits = re.sub("[^0-9]", "", plain) if _DIALLED.fullmatch(plain) else ""
    return CandidateKeys(address=f"{plain}@{_lower(host)}" if host else "", digits=digits)


def _lower(host: str) -> str:
    """ASCII alone: what else might stand there is left as it is, by Kamailio too."""
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in host)


def in_networks(source: str, allowed: str) -> bool:
    """Whether an address lies in one of the comma-separated networks; '' has none."""
    try:
        address = ip_address(source)
    except ValueError:
        return False
    return any(address in ip_network(text) for text in allowed.split(",") if text)


def decide(inbound: Inbound, row: Lookup | None) -> Decision:
    """The edge's decision about `inbound`, whose number was looked up under `candidate_keys`.

    In this order: number, source address, media, agent. A row whose trunk or media rule is missing is a fault of
    the edge's file, which is `lookup-failed` and never a refusal that blames the caller.
    """
    if row is None:
        return Decision(code=404, reason="unknown-number")
    reason = _verdict(inbound, row)
    accepted = reason == "accepted"
    return Decision(
        code=CODES[reason],
        reason=reason,
        target=row.target if accepted else "",
        flags=row.flags if accepted else "",
        number_id=row.number_id,
        number=row.number,
        tenant=row.tenant,
        trunk=row.trunk,
        agent=row.agent,
        version=row.version,
    )


def _verdict(inbound: Inbound, row: Lookup) -> Reason:
    if not row.trunk or not row.code:
        return "lookup-failed"
    if row.open != 1 and not in_networks(inbound.source, row.allowed):
        return "address-not-allowed"
    if row.code != CODES["accepted"]:
        return _known(row.reason)
    return "accepted" if row.target else "no-agent"


def _known(reason: str) -> Reason:
    for known in CODES:
        if known == reason:
            return known
    return "lookup-failed"
