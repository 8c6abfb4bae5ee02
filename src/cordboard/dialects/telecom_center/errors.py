"""What the operator API says when something fails: an array of JSON:API error objects, whose codes are the vendor's.

Each `Row` is one line of the documented table. A request may break several rules at once and is told of all of them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import structlog
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from cordboard.dialects.http import BodyTooLarge, ErrorTable, reply
from cordboard.domain import errors

log = structlog.get_logger()

MEDIA_TYPE = "application/vnd.api+json"
REALM = 'Basic realm="Cordboard operator API", charset="UTF-8"'


class Source(BaseModel):
    """Where in the request the fault is."""

    #: JSON pointer into the body (RFC 6901).
    pointer: str


class ErrorObject(BaseModel):
    """One thing that is wrong; `code` and `status` are strings."""

    title: str
    detail: str
    code: str
    source: Source | None = None
    status: str


class Errors(BaseModel):
    """The body of every answer that is not a success."""

    errors: list[ErrorObject]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One error object."""

    status: int
    code: str
    title: str
    detail: str
    pointer: str | None = None

    def wire(self) -> dict[str, Any]:
        source = {} if self.pointer is None else {"source": {"pointer": self.pointer}}
        return {"title": self.title, "detail": self.detail, "code": self.code, **source, "status": str(self.status)}


class Faulty(Exception):
    """The request is refused; what is wrong with it, the first of which gives the HTTP status."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(fault.detail for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `{}` in the detail stands for what the request held."""

    status: int
    code: str
    title: str
    detail: str

    def fault(self, *values: object) -> Fault:
        return Fault(status=self.status, code=self.code, title=self.title, detail=self.detail.format(*values))


INVALID_RESOURCE = Row(400, "101", "Invalid resource", "{} is not a valid resource.")
FILTER_NOT_ALLOWED = Row(400, "102", "Filter not allowed", "{} is not allowed.")
INVALID_ID = Row(400, "103", "Invalid field value", "{} is not a valid value for id.")
INVALID_FIELD = Row(400, "104", "Invalid field", "{} is not a valid field for {}.")
PARAM_NOT_ALLOWED = Row(400, "105", "Param not allowed", "{} is not allowed.")
PAGE_NOT_ALLOWED = Row(400, "105", "Page parameter not allowed", "{} is not an allowed page parameter.")
MISSING_PARAMETER = Row(400, "106", "Missing Parameter", "The required parameter, {}, is missing.")
INVALID_FILTER_VALUE = Row(400, "107", "Invalid filter value", "{} is not a valid value for {}.")
KEY_REQUIRED = Row(400, "109", "A key is required", "The resource object does not contain a key.")
KEY_NOT_IN_URL = Row(400, "110", "Key is not included in URL", "The URL does not support the key {}")
INVALID_INCLUDE = Row(400, "112", "Invalid field", "{} is not a valid relationship of {}")
INVALID_SORT = Row(400, "114", "Invalid sort criteria", "{} is not a valid sort criteria for {}")
INVALID_LINKAGE = Row(400, "115", "Invalid Links Object", "Data is not a valid Links Object.")
TYPE_MISMATCH = Row(400, "116", "Type Mismatch", "{} is not a valid type for this operation.")
INVALID_PAGE_VALUE = Row(400, "118", "Invalid page value", "{} is not a valid value for {} page parameter.")
PAGE_TOO_LARGE = Row(400, "118", "Invalid page value", "size exceeds maximum page size of {}.")
FIELDS_NOT_KEYED = Row(400, "119", "Invalid field format", "Fields must specify a type.")
FILTER_NOT_KEYED = Row(400, "120", "Invalid filters syntax", "{} is not a valid syntax for filtering.")
DATA_NOT_OBJECT = Row(400, "122", "Invalid data format", "Data must be a hash.")
BAD_REQUEST = Row(400, "400", "Bad Request", "{}")
UNAUTHENTICATED = Row(401, "401", "Unauthorized", "The username or the password is missing or wrong.")
NOT_FOUND = Row(404, "404", "Record not found", "The record identified by {} could not be found.")
NO_SUCH_PATH = Row(404, "404", "Not Found", "There is nothing at this path.")
METHOD_NOT_ALLOWED = Row(405, "405", "Method Not Allowed", "This method is not possible at this path.")
NOT_ACCEPTABLE = Row(
    406,
    "406",
    "Not acceptable",
    "All requests must use the 'application/vnd.api+json' Accept without media type parameters. "
    "This request specified '{}'.",
)
CONFLICT = Row(409, "409", "Conflict", "{}")
TOO_LARGE = Row(413, "413", "Content Too Large", "The body is larger than 1 MiB.")
UNSUPPORTED = Row(
    415,
    "415",
    "Unsupported media type",
    "All requests that create or update must use the 'application/vnd.api+json' Content-Type. "
    "This request specified '{}'.",
)
TOO_MANY_LOGINS = Row(429, "429", "Too Many Requests", "{}")
UNEXPECTED = Row(500, "500", "Internal Server Error", "Internal Server Error")
UNAVAILABLE = Row(503, "503", "Service Unavailable", "{}")

#: What the domain's errors become; `{}` is the error's own sentence, but for NotFound, where it is the id.
TABLE = ErrorTable(
    {
        errors.Unauthenticated: UNAUTHENTICATED,
        errors.MissingPermission: UNAUTHENTICATED,
        errors.NotForCaller: UNAUTHENTICATED,
        errors.NotFound: NOT_FOUND,
        errors.Conflict: CONFLICT,
        errors.Refused: CONFLICT,
        errors.TooManyLogins: TOO_MANY_LOGINS,
        errors.Unavailable: UNAVAILABLE,
        errors.EdgeRefused: UNAVAILABLE,
        errors.ProviderFailed: UNAVAILABLE,
        BodyTooLarge: TOO_LARGE,
    }
)
#: What Starlette itself refuses before an operation is reached.
NO_OPERATION = {404: NO_SUCH_PATH, 405: METHOD_NOT_ALLOWED}


def invalid(attribute: str, message: str) -> Fault:
    """An attribute that fails validation: code 100."""
    pointer = f"/data/attributes/{attribute}"
    return Fault(status=422, code="100", title=message, detail=f"{attribute} - {message}", pointer=pointer)


def respond(error: Exception) -> Response:
    """The answer to a failed operation. What no line foresees is logged and says nothing of itself."""
    if isinstance(error, Faulty):
        return _answer(error.faults)
    if isinstance(error, HTTPException):
        row = NO_OPERATION.get(error.status_code)
        phrase = HTTPStatus(error.status_code).phrase
        found = row or Row(error.status_code, str(error.status_code), phrase, phrase)
        return _answer([found.fault()], error.headers)
    if isinstance(error, errors.Invalid):
        return _answer([_unpointed(str(error))])
    row = TABLE.find(error)
    if row is None:
        log.error("unexpected failure", exc_info=error)
        row = UNEXPECTED
    headers = {"WWW-Authenticate": REALM} if row is UNAUTHENTICATED else {}
    if isinstance(error, errors.Unavailable):
        log.warning("cannot take this now", reason=str(error), exc_info=error.__cause__)
        headers["Retry-After"] = str(error.retry_after)
    return _answer([row.fault(error.ref if isinstance(error, errors.NotFound) else str(error))], headers)


def _unpointed(message: str) -> Fault:
    """A rule of the domain that no attribute alone broke."""
    return Fault(status=422, code="100", title=message, detail=message, pointer="/data")


def _answer(faults: Iterable[Fault], headers: Mapping[str, str] | None = None) -> Response:
    told = list(faults)
    body = {"errors": [fault.wire() for fault in told]}
    return reply(body, told[0].status, media_type=MEDIA_TYPE, headers=headers)
