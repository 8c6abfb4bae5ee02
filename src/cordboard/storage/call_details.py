"""What is told of a call beside its life, as JSON: nobody looks for calls by it."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from cordboard.domain.call_details import Audio, Detail, Said, Stream, Try
from cordboard.domain.times import from_wire, opt_from_wire, opt_to_wire, to_wire

_encoded = json.JSONEncoder(separators=(",", ":")).encode


def written(detail: Detail) -> tuple[str, str]:
    """Its kind, and all of it."""
    told = _fields(detail)
    if isinstance(detail, Try):
        told["began_at"], told["ended_at"] = to_wire(detail.began_at), to_wire(detail.ended_at)
        told["rung_at"] = opt_to_wire(detail.rung_at)
    elif isinstance(detail, Audio):
        told["streams"] = [_fields(stream) for stream in detail.streams]
    kind = {Try: "try", Said: "said", Audio: "audio"}[type(detail)]
    return kind, _encoded(told)


def read(kind: str, told: str) -> Detail:
    """The reverse."""
    return _READ[kind](json.loads(told))


def _fields(of: Detail | Stream) -> dict[str, Any]:
    """As `asdict`, which copies what nobody changes."""
    return {name: getattr(of, name) for name in of.__slots__}


def _try(told: Mapping[str, Any]) -> Try:
    times = {"began_at": from_wire(told["began_at"]), "ended_at": from_wire(told["ended_at"])}
    return Try(**{**told, **times, "rung_at": opt_from_wire(told["rung_at"])})


def _said(told: Mapping[str, Any]) -> Said:
    known = {name: told[name] for name in Said.__slots__}
    return Said(**{**known, "codecs": tuple(told["codecs"]), "suites": tuple(told["suites"])})


def _audio(told: Mapping[str, Any]) -> Audio:
    return Audio(streams=tuple(Stream(**stream) for stream in told["streams"]))


_READ: Final[dict[str, Callable[[Mapping[str, Any]], Detail]]] = {"try": _try, "said": _said, "audio": _audio}
