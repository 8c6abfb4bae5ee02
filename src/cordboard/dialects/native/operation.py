"""How the native API's operations are declared: what they take, what they answer, and whom they are open to."""

from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import BaseModel

from cordboard.dialects.http import JSON
from cordboard.dialects.native.errors import MEDIA_TYPE, Problem
from cordboard.dialects.openapi import Answer, Operation

PREFIX: Final = "/cordboard/v1"

#: Who may call an operation at least; the later ones may call what the earlier ones may.
Least = Literal["tenant", "operator", "administrator"]
OPERATOR: Final = "operator"
ADMINISTRATOR: Final = "administrator"

_SAID: Final = {
    400: "A value that names nothing",
    401: "The credentials are missing or wrong",
    403: "The credentials are not enough for it",
    404: "There is no such object",
    409: "It exists already, or its state does not allow this",
    412: "It has been changed since",
    413: "The body is larger than 1 MiB",
    422: "A field is not of the form it must have",
    500: "An internal error",
    502: "LiveKit refused, or did not answer; nothing was changed",
    503: "Too busy, or stored and not yet applied; try again",
}

_PREFER: Final = "`wait=N`: answer when every edge has the change, or after N seconds (30 at most)"
_IDEMPOTENCY_KEY: Final = "Of your making: sent again within 24 hours, it is answered again and not carried out again"
_IF_MATCH: Final = "An ETag that was shown: 412 if the object has been changed since"


@dataclass(frozen=True, kw_only=True)
class NativeOperation(Operation):
    """An operation with whom it is open to."""

    least: Least = "tenant"
    #: Of an object with an ETag, which If-Match may name.
    versioned: bool = False
    changes: bool = False
    #: It takes an Idempotency-Key.
    once: bool = False
    #: Open to every key, whatever it is restricted to.
    unrestricted: bool = False


def read(
    method_path: str, name: str, summary: str, handler: Any, shown: type[BaseModel] | type[bytes], **rest: Any
) -> NativeOperation:
    """An operation that changes nothing. `rest` is of NativeOperation; `also_said` are more statuses."""
    found = Answer(description="Found", body=shown, media_type=rest.pop("media_type", JSON))
    answers = {200: found, **_problems(404, *rest.pop("also_said", ()))}
    return _operation(method_path, name, summary, handler, answers, rest)


def write(
    method_path: str, name: str, summary: str, handler: Any, status: int, shown: type[BaseModel] | None, **rest: Any
) -> NativeOperation:
    """An operation that changes something. `rest` is of NativeOperation; `also_done` are more ways in which it goes
    well: status to description and body."""
    done = {each: Answer(description=said, body=body) for each, (said, body) in rest.pop("also_done", {}).items()}
    versioned = (412,) if rest.get("versioned") else ()
    answers = {status: Answer(description="Done", body=shown), **done, **_problems(404, 409, 413, 502, *versioned)}
    rest["headers"] = {"Prefer": _PREFER}
    rest = {"changes": True, "once": method_path.startswith("POST "), **rest}
    if rest["once"]:
        rest["headers"]["Idempotency-Key"] = _IDEMPOTENCY_KEY
    if versioned:
        rest["headers"]["If-Match"] = _IF_MATCH
    return _operation(method_path, name, summary, handler, answers, rest)


def _operation(
    method_path: str, name: str, summary: str, handler: Any, answers: dict[int, Answer], rest: dict[str, Any]
) -> NativeOperation:
    method, path = method_path.split()
    return NativeOperation(
        method=method, path=PREFIX + path, name=name, summary=summary, handler=handler, answers=answers, **rest
    )


def _problems(*statuses: int) -> dict[int, Answer]:
    return {
        status: Answer(description=_SAID[status], body=Problem, media_type=MEDIA_TYPE)
        for status in (401, 403, 422, 500, 503, *statuses)
    }
