"""What is known of a call beside its life: the places that it was tried at, and what its two legs carried.

A leg is what lies between the edge and one side. What each side's SDP says is known from the message that brought it;
what was carried, the media relay tells at the end, or while the call stands when it is asked.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

Side = Literal["caller", "callee"]
SIDES: Final[tuple[Side, ...]] = ("caller", "callee")
Encryption = Literal["none", "sdes"]

#: Payload types that need no rtpmap (RFC 3551 section 6).
_STATIC: Final = {"0": "PCMU", "3": "GSM", "4": "G723", "8": "PCMA", "9": "G722", "13": "CN", "18": "G729"}
#: What stands among codecs and is no sound.
_BESIDE: Final = frozenset({"telephone-event", "CN"})
#: The suites that the edge takes, as rtpengine prefers them.
_TAKEN: Final = ("AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32")
#: Names of one SDP that are kept, and their length: another's words.
_MOST, _LONGEST = 32, 40
#: Packets of a side that has talked: a second of them.
_TALKED: Final = 50
_DIRECTIONS: Final = ("sendrecv", "sendonly", "recvonly", "inactive")


@dataclass(frozen=True, kw_only=True, slots=True)
class Try:
    """One place that the call was sent to."""

    began_at: datetime
    ended_at: datetime
    #: When it began to ring there.
    rung_at: datetime | None
    #: `sip:192.0.2.1:5060;transport=udp`; '' is wherever the account that was called is registered.
    uri: str
    #: The gateway's or the agent's host as it was configured.
    host: str
    #: The SIP answer; None if there was none, and then `reason` says why.
    code: int | None
    #: '' | silent | unreachable | cancelled | tls-name | tls-off
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What one side's offer or answer says of its first stream of audio."""

    side: Side
    #: By name, the best first.
    codecs: tuple[str, ...]
    #: `RTP/SAVP`; '' if there is no audio.
    profile: str
    #: SDES suites for which it has given keys.
    suites: tuple[str, ...]
    #: sendrecv | sendonly | recvonly | inactive
    direction: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Stream:
    """What the relay has had of one side, and how well it was heard on the other as that one's RTCP tells."""

    side: Side
    #: As the relay knows it by the packets: PCMU/8000; '' before the first.
    codec: str
    profile: str
    suite: str
    packets: int
    bytes: int
    #: Packets that could not be used: not decrypted, for example.
    errors: int
    #: The rest is None where no RTCP came. Of a hundred packets so many did not arrive.
    loss_percent: int | None = None
    jitter_ms: int | None = None
    round_trip_ms: float | None = None
    #: Mean opinion score, 1.0 to 5.0: as a whole, and at its worst.
    mos: float | None = None
    lowest_mos: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Audio:
    """Both sides' streams at one instant."""

    streams: tuple[Stream, ...]


Detail = Try | Said | Audio


@dataclass(frozen=True, kw_only=True, slots=True)
class Leg:
    """One leg as all that was told makes it; None is not known."""

    side: Side
    #: What the side's last offer or answer names.
    codecs: tuple[str, ...]
    codec: str | None
    encryption: Encryption | None
    suite: str | None
    audio: Stream | None
    #: As the side said last: sendrecv | sendonly | recvonly | inactive.
    direction: str | None


def said(side: Side, sdp: str) -> Said:
    """What stands in an SDP (RFC 8866), of which the end may be missing."""
    head, *medias = re.split(r"(?m)^m=", sdp)
    audio = next((media for media in medias if media.startswith("audio ")), "")
    words = audio.split("\n", 1)[0].split()
    names = _STATIC | dict(re.findall(r"(?m)^a=rtpmap:(\d+) ([^\s/]+)", audio))
    directions = [word for word in _DIRECTIONS if re.search(rf"(?m)^a={word}\s*$", audio)]
    directions += [word for word in _DIRECTIONS if re.search(rf"(?m)^a={word}\s*$", head)]
    return Said(
        side=side,
        codecs=tuple(names.get(type, type)[:_LONGEST] for type in words[3 : 3 + _MOST]),
        profile=words[2][:_LONGEST] if len(words) > 2 else "",
        suites=tuple(re.findall(r"(?m)^a=crypto:\d+ (\w{1,40})", audio)[:_MOST]),
        direction=(directions or ["sendrecv"])[0],
    )


def legs(details: Iterable[Detail]) -> tuple[Leg, Leg]:
    """Caller's and callee's: of several offers and answers of a side the last one counts, and the relay's word most."""
    last: dict[Side, Said] = {}
    streams: dict[Side, Stream] = {}
    for detail in details:
        if isinstance(detail, Said):
            last.pop(detail.side, None)
            last[detail.side] = detail
        elif isinstance(detail, Audio):
            streams |= {stream.side: stream for stream in detail.streams}
    caller, callee = (_leg(side, last, streams.get(side)) for side in SIDES)
    return caller, callee


def one_way(both: Iterable[Leg]) -> bool | None:
    """Whether one side alone has sent audio; None is not known.

    A side that agreed to listen is meant to be silent, and one that talked for a moment may not have been answered yet.
    """
    said = list(both)
    packets = sorted(leg.audio.packets for leg in said if leg.audio is not None)
    if len(packets) < 2:
        return None
    if packets[0] > 0 or packets[1] == 0:
        return False
    return True if packets[1] >= _TALKED and all(leg.direction == "sendrecv" for leg in said) else None


def _leg(side: Side, last: dict[Side, Said], stream: Stream | None) -> Leg:
    own = last.get(side)
    encryption, suite = _encryption(own) if stream is None else (_named(stream.suite), stream.suite or None)
    return Leg(
        side=side,
        codecs=() if own is None else own.codecs,
        codec=stream.codec.partition("/")[0] if stream is not None and stream.codec else _codec(side, last),
        encryption=encryption,
        suite=suite,
        audio=stream,
        direction=None if own is None else own.direction,
    )


def _codec(side: Side, last: dict[Side, Said]) -> str | None:
    """What is named first by whoever spoke last, and so answered. The other has the same if it names that, too."""
    if len(last) < 2:
        return None
    *_, answer = last.values()
    first = next((codec for codec in answer.codecs if codec not in _BESIDE), None)
    named = {codec.lower() for codec in last[side].codecs}
    return first if first is not None and first.lower() in named else None


def _encryption(own: Said | None) -> tuple[Encryption | None, str | None]:
    """As far as the side's own words tell: keys beside plain RTP are a suggestion (RFC 8643), taken up or not."""
    suite = None if own is None else next((suite for suite in _TAKEN if suite in own.suites), None)
    if own is None or (suite and "SAVP" not in own.profile):
        return None, None
    return _named(suite), suite


def _named(suite: str | None) -> Encryption:
    return "sdes" if suite else "none"
