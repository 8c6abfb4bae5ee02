"""What Diga's API says when something fails: an envelope with a code, or the list of invalid fields."""

from dataclasses import dataclass, field
from typing import Any, Literal

import structlog
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from cordboard.dialects.diga.wire import PaginationConflict
from cordboard.dialects.http import BodyTooLarge, ErrorTable, InvalidRequest, reply
from cordboard.domain import errors

log = structlog.get_logger()


class Error(BaseModel):
    """The envelope of every error but that of an invalid field."""

    status: Literal["error"]
    error_code: str
    message: str


class InvalidField(BaseModel):
    """One field that is not as it must be; `loc` leads to it from the request's root."""

    loc: list[str | int]
    msg: str
    type: str


class InvalidFields(BaseModel):
    """The second shape of a 422: every invalid field."""

    detail: list[InvalidField]


class Unprocessable(BaseModel):
    """A 422 in either shape."""

    status: Literal["error"] | None = None
    error_code: str | None = None
    message: str | None = None
    detail: list[InvalidField] | None = None


@dataclass(frozen=True, kw_only=True)
class Line:
    """Status and code of an error; the message is the error's own unless one is fixed."""

    status: int
    code: str
    message: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


def _found_nothing(noun: str, code: str) -> Line:
    return Line(status=404, code=code, message=f"{noun} {{ref}} not found")


TABLE = ErrorTable(
    {
        errors.Unauthenticated: Line(
            status=401,
            code="INVALID_API_KEY",
            message="Invalid or missing API key",
            headers={"WWW-Authenticate": "Bearer"},
        ),
        errors.MissingPermission: Line(status=403, code="MISSING_PERMISSIONS", message="Missing required permissions"),
        errors.NotForCaller: Line(status=403, code="MISSING_PERMISSIONS", message="Missing required permissions"),
        errors.UnknownNumber: _found_nothing("Phone", "PHONE_NOT_FOUND"),
        errors.UnknownVersion: _found_nothing("Agent version", "AGENT_VERSION_NOT_FOUND"),
        errors.AgentGivenForVersion: Line(status=404, code="AGENT_VERSION_NOT_FOUND"),
        errors.UnknownCursor: Line(status=400, code="NOT_VALID_FIELD"),
        errors.NotFound: Line(status=404, code="NOT_FOUND"),
        errors.Conflict: Line(status=409, code="DUPLICATE_FIELD"),
        errors.Refused: Line(status=400, code="BAD_PARAMETER"),
        errors.Unavailable: Line(status=503, code="SERVICE_UNAVAILABLE"),
        errors.EdgeRefused: Line(status=503, code="SERVICE_UNAVAILABLE"),
        errors.ProviderFailed: Line(status=502, code="SIP_PROVIDER_ERROR"),
        PaginationConflict: Line(status=422, code="INVALID_PAGINATION_PARAMETERS"),
        BodyTooLarge: Line(status=413, code="PAYLOAD_TOO_LARGE", message="The body is larger than 1 MiB"),
    }
)
UNEXPECTED = Line(status=500, code="INTERNAL_SERVER_ERROR", message="An internal server error occurred")
#: What Starlette itself refuses before an operation is reached.
NO_OPERATION = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}


def respond(error: Exception) -> Response:
    """The answer to a failed operation. What no line foresees is logged and says nothing of itself."""
    if isinstance(error, InvalidRequest):
        return _invalid([_field(detail) for detail in error.details])
    if isinstance(error, errors.GatewayMissing):
        loc = ["body", "outbound_config", "termination_uri"]
        return _invalid([{"loc": loc, "msg": "Field required", "type": "missing"}])
    if isinstance(error, errors.Invalid):
        return _invalid([{"loc": ["body"], "msg": str(error), "type": "value_error"}])
    if isinstance(error, HTTPException):
        code = NO_OPERATION.get(error.status_code, "HTTP_ERROR")
        return _envelope(error.status_code, code, error.detail, error.headers)
    line = TABLE.find(error)
    if line is None:
        log.error("unexpected failure", exc_info=error)
        line = UNEXPECTED
    message = str(error) if line.message is None else line.message.format(ref=getattr(error, "ref", ""))
    headers = dict(line.headers)
    if isinstance(error, errors.Unavailable):
        log.warning("cannot take this now", reason=str(error), exc_info=error.__cause__)
        headers["Retry-After"] = str(error.retry_after)
    return _envelope(line.status, line.code, message, headers)


def _field(detail: Any) -> dict[str, Any]:
    return {"loc": list(detail["loc"]), "msg": detail["msg"], "type": detail["type"]}


def _invalid(fields: list[dict[str, Any]]) -> Response:
    return reply({"detail": fields}, 422)


def _envelope(status: int, code: str, message: str, headers: Any = None) -> Response:
    return reply({"status": "error", "error_code": code, "message": message}, status, headers=headers)
