"""Calls that were, and INVITEs that were refused: what is kept of them, and the events that it is made of.

started ──► answered ──► ended
        └─► failed            a call that was never answered
        └─► lost              its Kamailio went away, and nobody saw its end
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal, NewType

from cordboard.domain.call_details import Detail
from cordboard.domain.registrations import Registration

CallId = NewType("CallId", str)
RefusalId = NewType("RefusalId", str)
#: `internal`: between accounts of one tenant.
CallDirection = Literal["inbound", "outbound", "internal"]

#: SIP messages of one call that are kept at most.
MAX_MESSAGES: Final = 64


class State(StrEnum):
    """Where a call is in its life."""

    STARTED = "started"
    ANSWERED = "answered"
    ENDED = "ended"
    FAILED = "failed"
    LOST = "lost"


#: Why a call ended or an INVITE was refused, in words for people. The keys are stable; routing's own are among them.
EXPLAINED: Final[dict[str, str]] = {
    # ends
    "hangup-caller": "the caller hung up",
    "hangup-callee": "the callee hung up",
    "cancelled": "the caller gave up before an answer",
    "refused-by-callee": "the far side refused; the code is its own, or 500 for a 503",
    "tls-name": "the far side's certificate is not for its name, has expired, or is of no authority that we trust",
    "tls-off": "the gateway or agent is to be reached by TLS, which this edge has not: set CORDBOARD_TLS_LISTEN",
    "no-answer": "it rang until the time for ringing was over",
    "gateways-unreachable": "no gateway of the trunk answered",
    "agent-unreachable": "the agent's SIP server could not be reached",
    "carrier-auth": "the carrier wants credentials that the trunk does not have, or refused those that it has",
    "agent-auth": "the agent's SIP server wants credentials that the agent version does not have, or refused them",
    "answer-not-encrypted": "encryption is required, and the answer came in clear",
    "media-silent": "no media came for too long",
    "media-lost": "the media relay lost the call",
    "max-duration": "the call lasted as long as a call may",
    "not-acknowledged": "the caller never acknowledged the answer",
    "ended-by-hand": "somebody ended the call: by the API, a command or the console",
    "ended": "the edge ended the call",
    "lost": "Kamailio went away with the call, and nobody saw its end",
    # refusals
    "unknown-number": "neither the called number nor the caller's is one of ours",
    "address-not-allowed": "the number's trunk, or the account, does not let this address in",
    "no-trunk": "the number has no trunk",
    "caller-number-not-allowed": "the trunk does not let this caller's number in, or the caller shows none",
    "trunk-credentials-required": "the trunk's carrier must call with its username and password",
    "caller-not-allowed": "whoever called may not show this number, or is not the account that it says",
    "credentials-required": "the agent must call with its username and password",
    "login-required": "whoever calls by a name must be the account of that name, and prove it by its password",
    "wrong-password": "credentials came whose username is right and whose password is not",
    "unknown-username": "credentials came of a username that is not the one asked for",
    "wrong-realm": "credentials came, but for another realm than the one that the edge asked for",
    "external-calls-not-allowed": "the account may call accounts of its tenant alone",
    "unknown-extension": "no account of the tenant has that extension",
    "emergency-not-carried": "short and emergency codes are not carried",
    "not-e164": "the called number is not + and 7 to 15 digits",
    "destination-not-allowed": "the trunk does not carry calls to this number, which may cost more than others",
    "encryption-required": "encrypted media is required, and clear media was offered",
    "encryption-not-allowed": "clear media is required, and encrypted media was offered",
    "media-not-supported": "nothing that was offered can be carried",
    "no-agent": "no agent version is published for the number",
    "account-offline": "the account that was called is registered nowhere, or none of its phones answered",
    "no-gateway": "the number's trunk has no gateway",
    "gateway-unresolved": "the names of the trunk's gateways have no address",
    "lookup-failed": "the edge could not read its own database",
    "trunk-calls-at-once": "the trunk has as many calls as it may have at once",
    "trunk-calls-per-second": "the trunk has had as many calls in this second as it may have",
    "tenant-calls-at-once": "the tenant has as many calls as it may have at once",
    "tenant-calls-per-second": "the tenant has had as many calls in this second as it may have",
    "minutes-used-up": "the trunk's outbound calls have had their minutes of this day",
    "media-relay-unavailable": "the media relay does not answer",
    "recording-impossible": "the call is to be recorded, and its Call-ID is too long for the name of a file",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call, for as long as it is kept. What it names may be gone meanwhile."""

    id: CallId
    tenant: str
    direction: CallDirection
    #: The number of ours that was called or shown, as it was then.
    number: str
    number_id: str
    trunk: str
    agent: str
    version: str
    #: As SIP had them, at most 128 bytes each; a byte that is no text stands as `\xff`.
    caller: str
    called: str
    call_id: str
    user_agent: str
    #: `udp:192.0.2.1:5060`, where its INVITE came from.
    source: str
    #: none | rtp | srtp: the caller's media as offered.
    offered: str
    #: What the carrier says of the caller's number (ATIS-1000074): `TN-Validation-Passed`; '' if it says nothing.
    verstat: str = ""
    state: State
    started_at: datetime
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    #: Of a call that was never answered: what its caller was given instead.
    code: int | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """An INVITE that was turned down before it was a call. What could not be told is ''."""

    id: RefusalId
    at: datetime
    direction: CallDirection
    code: int
    reason: str
    number: str
    number_id: str
    tenant: str
    trunk: str
    #: Where it came from, alone and as `udp:192.0.2.1:5060`.
    address: str
    source: str
    called: str
    caller: str
    call_id: str
    user_agent: str
    #: none | rtp | srtp | other: the media that it offered.
    offered: str = ""
    #: The hosts of its request URI and its From.
    host: str = ""
    caller_host: str = ""
    #: `user@host` of its To and its P-Called-Party-ID.
    to: str = ""
    party: str = ""
    #: The username of the credentials that came with it, right or wrong.
    login: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A SIP message of a call as the edge passed it on, took it, or answered of itself. Never its body."""

    call: CallId
    at: datetime
    method: str
    #: Of a response.
    status: int | None
    #: A response's phrase, or the reason of an answer that the edge gave of itself.
    phrase: str
    cseq: str
    branch: str
    #: `udp:192.0.2.1:5060`; '' is the edge.
    source: str
    #: '' is the edge, and of a response wherever its request came from; of a BYE of the edge's own a URI.
    destination: str


@dataclass(frozen=True, slots=True)
class Booted:
    """A Kamailio started: what the one before it had is gone, but for the calls that were on disk."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Answered:
    """A call was answered."""

    call: CallId
    at: datetime


@dataclass(frozen=True, slots=True)
class Ended:
    """A call ended, for a reason, and with a SIP answer if it was not answered."""

    call: CallId
    at: datetime
    reason: str
    code: int | None


@dataclass(frozen=True, slots=True)
class Learnt:
    """Something that is known of a call beside its life."""

    call: CallId
    at: datetime
    detail: Detail


@dataclass(frozen=True, slots=True)
class Turned:
    """A place that calls are sent to stopped answering, or does again: `sip:192.0.2.1:5060;transport=udp`."""

    at: datetime
    uri: str
    down: bool


Event = Booted | Call | Answered | Ended | Message | Learnt | Refusal | Registration | Turned


@dataclass(frozen=True, kw_only=True, slots=True)
class Lost:
    """Events of an edge that were dropped or never written, and messages of banned sources, which never are."""

    calls: int = 0
    messages: int = 0
    refusals: int = 0
    banned: int = 0
