"""What every dialect's HTTP has in common: reading a request, and answering with ready bytes.

Shapes of errors are the dialects' own; here they are only data.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, to_json
from starlette.requests import Request
from starlette.responses import Response

M = TypeVar("M", bound=BaseModel)
E = TypeVar("E")

#: Largest body that is read, in bytes.
MAX_BODY = 1024 * 1024

JSON = "application/json"


class InvalidRequest(Exception):
    """The request does not have the form that the operation takes.

    `details` are pydantic's, with `loc` from the request's root: `("body", "outbound_config", "termination_uri")`.
    """

    def __init__(self, details: list[ErrorDetails]) -> None:
        super().__init__(f"{len(details)} invalid fields")
        self.details = details


class BodyTooLarge(Exception):
    """The body is larger than 1 MiB."""

    def __init__(self) -> None:
        super().__init__("the body is larger than 1 MiB")


def reply(body: Any, status: int = 200, media_type: str = JSON, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer, encoded in one go."""
    return Response(to_json(body), status, headers=headers, media_type=media_type)


async def read_body(request: Request) -> bytes:
    """The whole body. Raises BodyTooLarge, as soon as that is known."""
    length = request.headers.get("content-length")
    if length is not None and (not length.isdecimal() or int(length) > MAX_BODY):
        raise BodyTooLarge
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY:
            raise BodyTooLarge
        chunks.append(chunk)
    return b"".join(chunks)


async def parse_body(request: Request, model: type[M], context: Any = None) -> M:
    """The body as `model`. Raises InvalidRequest, BodyTooLarge.

    An absent field and a null one differ: ask `model_fields_set`.
    """
    body = await read_body(request)
    try:
        return model.model_validate_json(body, context=context)
    except ValidationError as error:
        raise InvalidRequest(_located(error, "body")) from None


def parse_query(request: Request, model: type[M]) -> M:
    """The query string as `model`; of a repeated parameter the last counts. Raises InvalidRequest."""
    return _parse(request.query_params, model, "query")


def parse_path(request: Request, model: type[M]) -> M:
    """The path parameters as `model`. Raises InvalidRequest."""
    return _parse(request.path_params, model, "path")


def _parse(values: Mapping[str, Any], model: type[M], place: str) -> M:
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise InvalidRequest(_located(error, place)) from None


def _located(error: ValidationError, place: str) -> list[ErrorDetails]:
    """The details from the request's root. The input is left out: it may be a password."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    for detail in details:
        detail["loc"] = (place, *detail["loc"])
    return details


@dataclass(frozen=True)
class ErrorTable(Generic[E]):
    """What a dialect says for each class of error; a class without a line of its own gets its base's."""

    lines: Mapping[type[Exception], E]

    def find(self, error: Exception) -> E | None:
        """The line of the nearest base class, as Starlette finds its handlers."""
        return next((self.lines[kind] for kind in type(error).__mro__ if kind in self.lines), None)
