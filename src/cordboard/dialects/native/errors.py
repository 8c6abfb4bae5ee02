"""What the native API says when something fails: problem details (RFC 9457)."""

from http import HTTPStatus
from typing import Any, Final

import structlog
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from cordboard.dialects.http import BodyTooLarge, ErrorTable, InvalidRequest, reply
from cordboard.domain import errors

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"


class InvalidField(BaseModel):
    """One field that is not as it must be."""

    #: JSON pointer into the body (RFC 6901), or the name of a parameter.
    pointer: str
    detail: str


class Problem(BaseModel):
    """Why an operation failed; `code` never changes its meaning."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    errors: list[InvalidField] | None = None
    #: Of rows that are out of place: where their import goes on.
    position: int | None = None


#: Status and code by class of error.
TABLE: ErrorTable[tuple[int, str]] = ErrorTable(
    {
        errors.Unauthenticated: (401, "unauthenticated"),
        errors.MissingPermission: (403, "missing-permission"),
        errors.NotForCaller: (403, "not-for-caller"),
        errors.UnknownTenant: (404, "unknown-tenant"),
        errors.UnknownKey: (404, "unknown-key"),
        errors.UnknownImport: (404, "unknown-import"),
        errors.UnknownOperator: (404, "unknown-operator"),
        errors.UnknownAccount: (404, "unknown-account"),
        errors.UnknownNumber: (404, "unknown-number"),
        errors.UnknownAgent: (404, "unknown-agent"),
        errors.UnknownVersion: (404, "unknown-version"),
        errors.UnknownTrunk: (404, "unknown-trunk"),
        errors.UnknownCall: (404, "unknown-call"),
        errors.UnknownWebhook: (404, "unknown-webhook"),
        errors.UnknownEvent: (404, "unknown-event"),
        errors.NoRecording: (404, "no-recording"),
        errors.UnknownVerification: (404, "unknown-verification"),
        errors.UnknownSchedule: (404, "unknown-schedule"),
        errors.UnknownEntry: (404, "unknown-entry"),
        errors.NotBanned: (404, "not-banned"),
        errors.UnknownCursor: (400, "unknown-cursor"),
        errors.NotFound: (404, "not-found"),
        errors.NumberTaken: (409, "number-taken"),
        errors.ReferenceTaken: (409, "reference-taken"),
        errors.UsernameTaken: (409, "username-taken"),
        errors.ExtensionTaken: (409, "internal-caller-id-taken"),
        errors.OperatorTaken: (409, "operator-taken"),
        errors.AccountLimitReached: (409, "account-limit-reached"),
        errors.TooManyWebhooks: (409, "too-many-webhooks"),
        errors.OperatorHasCustomers: (409, "operator-has-customers"),
        errors.AmbiguousTenant: (409, "ambiguous-tenant"),
        errors.Conflict: (409, "conflict"),
        errors.GatewayMissing: (409, "gateway-missing"),
        errors.CallNotStanding: (409, "call-not-standing"),
        errors.SharedAddress: (409, "shared-address"),
        errors.AgentInUse: (409, "agent-in-use"),
        errors.ImportFinished: (409, "import-finished"),
        errors.OutOfPlace: (409, "out-of-place"),
        errors.InvalidRows: (422, "invalid-rows"),
        errors.AnswerLost: (409, "answer-lost"),
        errors.Refused: (409, "refused"),
        errors.PreconditionFailed: (412, "precondition-failed"),
        errors.KeyReused: (422, "idempotency-key-reused"),
        errors.Invalid: (422, "invalid"),
        errors.TooBusy: (503, "too-busy"),
        errors.TooManyLogins: (429, "too-many-logins"),
        errors.TooManyVerifications: (503, "too-many-verifications"),
        errors.StillRunning: (503, "still-running"),
        errors.StoreUnavailable: (503, "store-unavailable"),
        errors.EdgeUnavailable: (503, "edge-unavailable"),
        errors.NotApplied: (503, "not-applied"),
        errors.Unavailable: (503, "unavailable"),
        errors.EdgeRefused: (503, "edge-refused"),
        errors.BeingChanged: (503, "being-changed"),
        errors.ProviderFailed: (502, "livekit-failed"),
        errors.NoProvider: (409, "no-livekit"),
        errors.TooMuchWouldGo: (409, "mass-deletion"),
        BodyTooLarge: (413, "body-too-large"),
    }
)


#: What no error of the domain stands behind, with what it means.
OTHER_CODES: Final = {
    "no-such-path": (404, "No operation is there."),
    "method-not-allowed": (405, "There is one, by another method; `Allow` names them."),
    "internal": (500, "An internal error; the server's log has it."),
}


def respond(error: Exception) -> Response:
    """The answer to a failed operation. What no line foresees is logged and says nothing of itself."""
    if isinstance(error, InvalidRequest):
        # the prefix is pydantic's, and tells nobody anything
        said = [(_pointer(d["loc"]), d["msg"].removeprefix("Value error, ")) for d in error.details]
        fields = [{"pointer": pointer, "detail": detail} for pointer, detail in said]
        detail = "; ".join(f"{pointer or 'body'}: {detail}" for pointer, detail in said)
        return _problem(422, "invalid", detail, errors=fields)
    if isinstance(error, HTTPException):
        code = {404: "no-such-path", 405: "method-not-allowed"}.get(error.status_code, "http-error")
        return _problem(error.status_code, code, error.detail, headers=error.headers)
    found = TABLE.find(error)
    if found is None:
        log.error("unexpected failure", exc_info=error)
        return _problem(500, "internal", "An internal error occurred; the log has it.")
    headers = {"WWW-Authenticate": 'Bearer, Basic realm="Cordboard", charset="UTF-8"'} if found[0] == 401 else {}
    if isinstance(error, errors.Unavailable):
        log.warning("cannot take this now", reason=str(error), exc_info=error.__cause__)
        headers["Retry-After"] = str(error.retry_after)
    extra: dict[str, Any] = {}
    if isinstance(error, errors.AmbiguousTenant):
        extra["ids"] = error.ids
    elif isinstance(error, errors.OutOfPlace):
        extra["position"] = error.position
    return _problem(*found, str(error), headers=headers, **extra)


def _pointer(loc: tuple[int | str, ...]) -> str:
    place, *rest = loc
    if place != "body":
        return str(rest[0]) if rest else ""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in rest)


def _problem(status: int, code: str, detail: str, headers: Any = None, **extra: Any) -> Response:
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        **extra,
    }
    return reply(body, status, media_type=MEDIA_TYPE, headers=headers)
