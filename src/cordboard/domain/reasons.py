"""Why a call was refused or could not be connected: stable words, with the SIP answer that each one gets."""

from typing import Final, Literal

Reason = Literal[
    "accepted",
    "unknown-number",
    "no-trunk",
    "address-not-allowed",
    "caller-number-not-allowed",
    "trunk-credentials-required",
    "caller-not-allowed",
    "credentials-required",
    "login-required",
    "wrong-password",
    "unknown-username",
    "wrong-realm",
    "external-calls-not-allowed",
    "unknown-extension",
    "emergency-not-carried",
    "not-e164",
    "destination-not-allowed",
    "encryption-required",
    "encryption-not-allowed",
    "media-not-supported",
    "no-agent",
    "account-offline",
    "no-gateway",
    "gateway-unresolved",
    "lookup-failed",
    "media-relay-unavailable",
    "recording-impossible",
    "gateways-unreachable",
    "agent-unreachable",
    "carrier-auth",
    "agent-auth",
    "no-answer",
    "tls-name",
    "tls-off",
    "trunk-calls-at-once",
    "trunk-calls-per-second",
    "tenant-calls-at-once",
    "tenant-calls-per-second",
    "minutes-used-up",
]

#: Why a call that stood was ended by us, both legs with BYE.
End = Literal["answer-not-encrypted", "media-relay-unavailable"]

#: The SIP answer that a refusal gets (RFC 3261 section 21); `accepted` is 200 and is never sent.
CODES: Final[dict[Reason, int]] = {
    "accepted": 200,
    "unknown-number": 404,
    "no-trunk": 480,
    "address-not-allowed": 403,
    "caller-number-not-allowed": 403,
    "trunk-credentials-required": 407,
    "caller-not-allowed": 403,
    "credentials-required": 407,
    "login-required": 407,
    "wrong-password": 407,
    "unknown-username": 407,
    "wrong-realm": 407,
    "external-calls-not-allowed": 403,
    "unknown-extension": 404,
    "emergency-not-carried": 403,
    "not-e164": 403,
    "destination-not-allowed": 403,
    "encryption-required": 488,
    "encryption-not-allowed": 488,
    "media-not-supported": 488,
    "no-agent": 480,
    "account-offline": 480,
    "no-gateway": 480,
    "gateway-unresolved": 503,
    "lookup-failed": 503,
    "media-relay-unavailable": 503,
    "recording-impossible": 503,
    # of a call that was routed:
    "gateways-unreachable": 503,
    "agent-unreachable": 480,
    "carrier-auth": 503,
    "agent-auth": 503,
    "no-answer": 480,
    "tls-name": 503,
    "tls-off": 503,
    # too many of them:
    "trunk-calls-at-once": 503,
    "trunk-calls-per-second": 503,
    "tenant-calls-at-once": 503,
    "tenant-calls-per-second": 503,
    "minutes-used-up": 403,
}

#: Of a number without a trunk, to who would call from it.
NO_TRUNK_OUT: Final = 403


def known(reason: str) -> Reason:
    """The reason of that name; `lookup-failed` if the edge's file holds another word."""
    return next((word for word in CODES if word == reason), "lookup-failed")
