"""Events: what happened, as it is told to whoever asks for it or has it sent."""

import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NewType

from cordboard.domain.errors import InvalidEventFilter
from cordboard.domain.tenants import TenantId
from cordboard.domain.times import to_wire

EventId = NewType("EventId", str)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: `*`, `call.ended`, `call.*`, `trunk.registration.*`.
_FILTER: Final = re.compile(r"\*|[a-z]+(\.[a-z]+)*(\.\*)?")

#: Every type that there is.
TYPES: Final = frozenset(
    f"{noun}.{what}"
    for noun, said in {
        "call": "started answered ended failed refused",
        "trunk": "created updated deleted degraded recovered registration.lost registration.restored",
        "account": "created updated deleted online offline",
        "number": "imported created assigned release.ordered released finished lapsed updated deleted",
        "verification": "failed passed",
        "webhook": "created updated deleted disabled test",
        **dict.fromkeys(("tenant", "operator", "key", "agent", "version"), "created updated deleted"),
    }.items()
    for what in said.split()
)

_encoded = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, kw_only=True, slots=True)
class Happened:
    """Something that happened. Never a secret: it is stored as it is, shown, and sent away."""

    #: The noun, then what happened to it: `call.ended`.
    type: str
    #: Whose it is; None is nobody's but the administrator's.
    tenant: TenantId | None
    #: The id of what it happened to.
    subject: str
    at: datetime
    #: As JSON has it: what the subject is like with this event.
    data: Mapping[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Event(Happened):
    """What happened, under the id by which it is known from then on."""

    id: EventId


def encode(happened: Happened) -> str:
    """The data as it is stored."""
    return _encoded(happened.data)


def event_id(happened: Happened, data: str) -> EventId:
    """A UUID (version 7, RFC 9562) made of nothing but what happened: told twice, it is one event."""
    said = "\n".join((happened.type, happened.tenant or "", happened.subject, to_wire(happened.at), data))
    return _id(happened.at, int.from_bytes(hashlib.sha256(said.encode()).digest()[:8], "big") >> 2)


def first_id(at: datetime) -> EventId:
    """No event of that instant or later has an id that sorts before it."""
    return _id(max(at, _EPOCH), 0)


def _id(at: datetime, rest: int) -> EventId:
    """Of its bits that are not version or variant the first 60 are the microsecond: ids sort as the instants do."""
    milliseconds, micros = divmod((at - _EPOCH) // timedelta(microseconds=1), 1000)
    return EventId(str(uuid.UUID(int=milliseconds << 80 | 7 << 76 | micros * 4096 // 1000 << 64 | 2 << 62 | rest)))


def check_filter(text: str) -> str:
    """A type of events, or the beginning of some: `call.ended`, `call.*`, `*`. Raises InvalidEventFilter."""
    if len(text) > 64 or not _FILTER.fullmatch(text):
        raise InvalidEventFilter(text)
    return text


def check_told(text: str) -> str:
    """As `check_filter`, and some event is of that type: who waits for `calls.*` would wait for ever."""
    first, last = first_and_last(check_filter(text))
    if not any(first <= type < last for type in TYPES):
        raise InvalidEventFilter(text)
    return text


def first_and_last(wanted: str) -> tuple[str, str]:
    """The types that a filter means, as texts sort: from the first on, and before the last."""
    if wanted == "*":
        return "", "~"
    if wanted.endswith(".*"):
        return wanted[:-1], wanted[:-2] + "/"
    return wanted, wanted + "!"
