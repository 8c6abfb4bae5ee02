"""What Nebrija's API says when something fails: the form of NestJS, on which it most plausibly runs."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import structlog
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from cordboard.dialects.http import BodyTooLarge, ErrorTable, InvalidRequest, reply
from cordboard.dialects.nebrija.advanced import WIRE_NAMES
from cordboard.domain import errors

log = structlog.get_logger()


class Error(BaseModel):
    """Why an operation failed."""

    statusCode: int  # noqa: N815  the vendor's spelling
    message: str
    #: The status in words.
    error: str


class Invalid(BaseModel):
    """What of a request is not as it must be, each thing with its place: `gateways.0.port: …`."""

    statusCode: int  # noqa: N815  the vendor's spelling
    message: list[str]
    error: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """Status of an error; the message is the error's own unless one is fixed."""

    status: int
    message: str | None = None


TABLE = ErrorTable(
    {
        errors.Unauthenticated: Line(status=401, message="Unauthorized"),
        errors.MissingPermission: Line(status=403),
        errors.NotForCaller: Line(status=403),
        errors.SystemTrunk: Line(status=403),
        errors.UnknownTrunk: Line(status=404, message="SIP trunk {ref} not found"),
        errors.UnknownNumber: Line(status=404, message="phone number {ref} not found"),
        errors.UnknownAgent: Line(status=404, message="assistant {ref} not found"),
        errors.NotFound: Line(status=404),
        errors.Conflict: Line(status=409),
        errors.Refused: Line(status=409),
        errors.Unavailable: Line(status=503),
        errors.EdgeRefused: Line(status=503),
        errors.ProviderFailed: Line(status=502),
        BodyTooLarge: Line(status=413),
    }
)
UNEXPECTED = Line(status=500, message="Internal server error")


def respond(error: Exception) -> Response:
    """The answer to a failed operation. What no line foresees is logged and says nothing of itself."""
    if (wrong := _wrong(error)) is not None:
        return _answer(400, wrong)
    if isinstance(error, HTTPException):
        return _answer(error.status_code, error.detail, error.headers)
    line = TABLE.find(error)
    if line is None:
        log.error("unexpected failure", exc_info=error)
        line = UNEXPECTED
    message = str(error) if line.message is None else line.message.format(ref=getattr(error, "ref", ""))
    headers = {"WWW-Authenticate": "Bearer"} if line.status == 401 else {}
    if isinstance(error, errors.Unavailable):
        log.warning("cannot take this now", reason=str(error), exc_info=error.__cause__)
        headers["Retry-After"] = str(error.retry_after)
    return _answer(line.status, message, headers)


def _wrong(error: Exception) -> list[str] | None:
    """What is wrong with the request itself; None if that is not what failed."""
    if isinstance(error, InvalidRequest):
        return [_said(detail["loc"], detail["msg"], detail["type"]) for detail in error.details]
    if isinstance(error, errors.InvalidOption):
        return [f"{WIRE_NAMES.get(error.option, error.option)}: {error.why}"]
    if isinstance(error, errors.GatewayMissing):
        return ["gateways: authentication and registration need one at least"]
    return [str(error)] if isinstance(error, errors.Invalid) else None


def _said(loc: tuple[int | str, ...], message: str, kind: str) -> str:
    """A field by its path from the body's or the query's root, and what it lacks."""
    path = ".".join(str(part) for part in loc[1:])
    if kind == "extra_forbidden":
        message = "there is no such option"
    return f"{path or loc[0]}: {message.removeprefix('Value error, ')}"


def _answer(status: int, message: str | list[str], headers: Any = None) -> Response:
    body = {"statusCode": status, "message": message, "error": HTTPStatus(status).phrase}
    return reply(body, status, headers=headers)
