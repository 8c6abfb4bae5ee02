"""What every operation of the native API can do besides its own work: `ETag` and `If-Match`, `Idempotency-Key`,
`Prefer: wait`."""

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from pydantic_core import ErrorDetails, to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from cordboard.dialects.http import InvalidRequest, read_body, reply
from cordboard.dialects.native.operation import NativeOperation
from cordboard.domain.errors import PreconditionFailed, Unavailable
from cordboard.domain.idempotency import KEY
from cordboard.domain.tenants import Actor
from cordboard.storage.transaction import Query, Transaction
from cordboard.usecases import idempotency
from cordboard.usecases.edges import Edges
from cordboard.usecases.idempotency import CURRENT, AlreadyDone, Answered, Once
from cordboard.usecases.ports import Context

T = TypeVar("T")
Present = Callable[[T], Mapping[str, Any]]
Handler = Callable[[Request, Actor], Awaitable[Response]]

#: Seconds that `Prefer: wait` waits at most.
LONGEST_WAIT: Final = 30
_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})")
_LIVE = re.compile(r"\.[0-9a-f]+\"$")
_KEPT_HEADERS: Final = ("content-type", "etag", "cordboard-revision")


def tag(body: Mapping[str, Any], live: Mapping[str, Any] | None = None) -> str:
    """The strong ETag of an object as it is shown (RFC 9110 section 8.8.3); behind a dot, what of it is not stored."""
    return f'"{_hash(body)}"' if live is None else f'"{_hash(body)}.{_hash(live)}"'


def _hash(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(to_json(body)).hexdigest()[:32]


def shown(body: Mapping[str, Any], status: int = 200, *, versioned: Mapping[str, Any] | None = None) -> Response:
    """An object, with its ETag; `versioned` is what of it is stored, if it shows more than that."""
    etag = tag(body) if versioned is None else tag(versioned, body)
    return reply(body, status, headers={"ETag": etag})


def if_match(request: Request, get: Query[T], present: Present[T], usecase: Query[Any]) -> Query[Any]:
    """The use case, on condition that the object is still as `If-Match` says, in the same transaction.

    `get` reads the object, `present` makes of it what its ETag is of; live state does not count. It raises
    PreconditionFailed (RFC 9110 section 13.1.1).
    """
    wanted = request.headers.get("if-match")
    if wanted is None or wanted.strip() == "*":
        return usecase
    tags = {_LIVE.sub('"', each.strip()) for each in wanted.split(",")}

    async def on_condition(tx: Transaction) -> Any:
        if tag(present(await get(tx))) not in tags:
            raise PreconditionFailed
        return await usecase(tx)

    return on_condition


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What goes around each operation."""

    context: Context
    edges: Edges

    def around(self, operation: NativeOperation) -> NativeOperation:
        handler = self._reading(operation.handler)
        if operation.changes:
            handler = self._writing(operation.handler)
        if operation.once:
            handler = self._once(handler)
        return replace(operation, handler=_strict(operation, handler))

    def _reading(self, handler: Handler) -> Handler:
        async def handle(request: Request, who: Actor) -> Response:
            response = await handler(request, who)
            current, known = response.headers.get("etag"), request.headers.get("if-none-match")
            if current is None or known is None or current not in re.findall(r'"[^"]*"', known):
                return response
            return Response(status_code=304, headers={"ETag": current})

        return handle

    def _writing(self, handler: Handler) -> Handler:
        async def handle(request: Request, who: Actor) -> Response:
            wait = _WAIT.search(request.headers.get("prefer", ""))
            response = await handler(request, who)
            if response.status_code < 300:
                # it is done, whatever can be said of it now
                with suppress(Unavailable):
                    await self._tell_revision(response, None if wait is None else min(int(wait[1]), LONGEST_WAIT))
            return response

        return handle

    async def _tell_revision(self, response: Response, patience: int | None) -> None:
        revision = await self.edges.newest()
        response.headers["Cordboard-Revision"] = str(revision)
        if patience is not None and await self.edges.applied(revision, self.context.clock, patience):
            response.headers["Preference-Applied"] = f"wait={patience}"

    def _once(self, handler: Handler) -> Handler:
        async def handle(request: Request, who: Actor) -> Response:
            name = _idempotency_key(request)
            if name is None:
                return await handler(request, who)
            body = await read_body(request)
            once = Once(who.name, name, _fingerprint(request, body), self.context.clock())
            before = await idempotency.answered_before(self.context, once)
            if before is None:
                try:
                    return await self._carry_out(handler, _again(request, body), who, once)
                except AlreadyDone:  # by another request, at the same time
                    before = await idempotency.answered_before(self.context, once)
            return _answer(before)

        return handle

    async def _carry_out(self, handler: Handler, request: Request, who: Actor, once: Once) -> Response:
        answer = None
        try:
            with _current(once):
                response = await handler(request, who)
            headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
            answer = Answered(status=response.status_code, headers=headers, body=bytes(response.body).decode())
        finally:
            if once.claimed:
                await idempotency.keep(self.context, once, answer)
        return response


def _strict(operation: NativeOperation, handler: Handler) -> Handler:
    """A parameter that the operation does not have is refused by name, as a field of a body is."""
    fields = {} if operation.query is None else operation.query.model_fields
    known = {field.alias or name for name, field in fields.items()}

    async def handle(request: Request, who: Actor) -> Response:
        unknown = [name for name in request.query_params if name not in known]
        if unknown:
            raise InvalidRequest([_wrong("query", name, "there is no such parameter") for name in unknown])
        return await handler(request, who)

    return handle


def _wrong(place: str, name: str, why: str) -> ErrorDetails:
    return {"type": "value_error", "loc": (place, name), "msg": why, "input": None}


@contextmanager
def _current(once: Once) -> Any:
    token = CURRENT.set(once)
    try:
        yield
    finally:
        CURRENT.reset(token)


def _idempotency_key(request: Request) -> str | None:
    """The key, with or without the quotes of a structured field. Raises InvalidRequest."""
    given = request.headers.get("idempotency-key")
    if given is None:
        return None
    name = given.strip().removeprefix('"').removesuffix('"')
    if not KEY.fullmatch(name):
        raise InvalidRequest([_wrong("header", "Idempotency-Key", "1 to 255 visible ASCII characters")])
    return name


def _fingerprint(request: Request, body: bytes) -> str:
    asked = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return hashlib.sha256(asked + body).hexdigest()


def _again(request: Request, body: bytes) -> Request:
    """The request with a body that was read."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(request.scope, receive)


def _answer(before: Answered | None) -> Response:
    assert before is not None  # whoever did it has claimed the key, and that stands for a day
    headers = {**before.headers, "Idempotency-Replayed": "true"}
    return Response(before.body, before.status, headers=headers)
