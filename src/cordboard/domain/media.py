"""What becomes of the media that a caller offers: the policies of both legs as one table.

Each leg has a policy: of a carrier's leg the trunk's, per direction; of an agent's leg that of its version. Kamailio
gets the table with its configuration, and rtpengine does the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from cordboard.domain.errors import InvalidCodecs
from cordboard.domain.reasons import CODES, Reason

#: What a call may be offered with, by the names that SDP has for it (RFC 3551, RFC 7587, RFC 4733).
CODECS: Final = ("PCMU", "PCMA", "G722", "opus", "G729", "telephone-event")

Offered = Literal["none", "rtp", "srtp", "other"]
OFFERED: Final[tuple[Offered, ...]] = ("none", "rtp", "srtp", "other")
Policy = Literal["disable", "allow", "require"]
POLICIES: Final[tuple[Policy, ...]] = ("disable", "allow", "require")


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaRule:
    """What the policies of two legs make of an offer."""

    #: Policy of the leg that the offer comes from.
    caller: Policy
    offered: Offered
    #: Policy of the leg that it goes to.
    callee: Policy
    code: int
    reason: Reason
    #: For rtpengine's offer towards the callee.
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

#: `allow` is opportunistic (RFC 8643): keys in an offer of plain RTP, for a far side that knows what to do with them.
_PROFILES: Final[dict[Policy, str]] = {
    "disable": "RTP/AVP",
    "allow": "OSRTP-offer RTP/AVP",
    "require": "RTP/SAVP",
}


def _verdict(caller: Policy, offered: Offered) -> Reason:
    if offered == "other":
        return "media-not-supported"
    if caller == "disable" and offered == "srtp":
        return "encryption-not-allowed"
    # Without an offer the caller's answer could not be held to SRTP before the callee has made its own offer in clear.
    if caller == "require" and offered != "srtp":
        return "encryption-required"
    return "accepted"


def _rule(caller: Policy, offered: Offered, callee: Policy) -> MediaRule:
    reason = _verdict(caller, offered)
    flags = f"{_PROFILES[callee]} {MEDIA_FLAGS}" if reason == "accepted" else ""
    return MediaRule(caller=caller, offered=offered, callee=callee, code=CODES[reason], reason=reason, flags=flags)


MEDIA_RULES: Final[tuple[MediaRule, ...]] = tuple(
    _rule(caller, offered, callee) for caller in POLICIES for offered in OFFERED for callee in POLICIES
)


def codec_flags(codecs: Sequence[str]) -> str:
    """For rtpengine's offer to an agent with these codecs, each word with a space in front. None leave the offer alone.

    The agent is offered those and no others, the ones that the caller has too in front; another is transcoded if the
    agent chooses it. Digits stay, named or not: `telephone-event` is offered beside the codecs at their clock rate if
    the caller has it. Transcoded itself, it would be missing from an answer of Opus.
    """
    audio = [codec for codec in codecs if codec != "telephone-event"]
    if not audio:
        return ""
    wanted = " ".join(f"codec-offer-{codec} codec-transcode-{codec}" for codec in audio)
    return f" codec-mask-all {wanted} codec-offer-telephone-event"


def codec_names(codecs: Sequence[str]) -> str:
    """What is left of an offer of somebody who is held to these codecs, separated by commas; digits always are.

    '' is everything.
    """
    return ",".join(dict.fromkeys((*codecs, "telephone-event"))) if codecs else ""


def check_codecs(codecs: Sequence[str]) -> tuple[str, ...]:
    """Codecs by preference, each once, one at least for sound; none leaves offers as they are. Raises InvalidCodecs."""
    for codec in codecs:
        if codec not in CODECS:
            raise InvalidCodecs(f"there is no codec {codec[:40]!r}; there are {', '.join(CODECS)}")
    if len(set(codecs)) != len(codecs):
        raise InvalidCodecs("name each codec once")
    if tuple(codecs) == ("telephone-event",):
        raise InvalidCodecs("telephone-event carries digits, not sound: name an audio codec too")
    return tuple(codecs)
