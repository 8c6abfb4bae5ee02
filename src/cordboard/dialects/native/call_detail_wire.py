"""The native API's words for where a call was tried, and for its legs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from cordboard.domain.call_details import Detail, Encryption, Leg, Side, Stream, Try, legs, one_way
from cordboard.domain.times import to_wire


class TryShown(BaseModel):
    """A place that the call was sent to. `rang_ms` is the post-dial delay: until it rang there, or answered at once.

    Without a `code` there was no answer, and `reason` says why: silent, unreachable, cancelled, tls-name, tls-off. A
    `uri` of null is wherever the account that was called is registered.
    """

    at: datetime
    host: str | None
    uri: str | None
    code: int | None
    reason: str | None
    ms: int
    rang_ms: int | None


class StreamShown(BaseModel):
    """What came from that side, and how the other heard it: what RTCP alone tells is null without it.

    `errors` could not be decrypted or read. `mos` is 1.0 to 5.0.
    """

    packets: int
    bytes: int
    errors: int
    loss_percent: int | None
    jitter_ms: int | None
    round_trip_ms: float | None
    mos: float | None
    lowest_mos: float | None


class LegShown(BaseModel):
    """What lies between the edge and one side. Null is what was not told: of calls from before it was, for example.

    `codecs` are those that the side named last, in an offer or an answer, `codec` the one in use.
    """

    side: Side
    codecs: list[str]
    codec: str | None
    encryption: Encryption | None
    suite: str | None
    audio: StreamShown | None


def shown(told: Sequence[Detail]) -> dict[str, Any]:
    both = legs(told)
    return {
        "tries": [_try(detail) for detail in told if isinstance(detail, Try)],
        "legs": [_leg(leg) for leg in both],
        "one_way": one_way(both),
    }


def _try(t: Try) -> dict[str, Any]:
    rang = t.rung_at or (t.ended_at if t.code is not None and 200 <= t.code < 300 else None)
    return {
        "at": to_wire(t.began_at),
        "host": t.host or None,
        "uri": t.uri or None,
        "code": t.code,
        "reason": t.reason or None,
        "ms": _milliseconds(t.began_at, t.ended_at),
        "rang_ms": None if rang is None else _milliseconds(t.began_at, rang),
    }


def _leg(leg: Leg) -> dict[str, Any]:
    return {
        "side": leg.side,
        "codecs": list(leg.codecs),
        "codec": leg.codec,
        "encryption": leg.encryption,
        "suite": leg.suite,
        "audio": None if leg.audio is None else _stream(leg.audio),
    }


def _stream(s: Stream) -> dict[str, Any]:
    return {name: getattr(s, name) for name in StreamShown.model_fields}


def _milliseconds(since: datetime, until: datetime) -> int:
    return round((until - since).total_seconds() * 1000)
