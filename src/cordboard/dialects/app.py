"""One app per dialect, from its operations, its way to know the caller, and its way to say what failed."""

import base64
import binascii
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import cache
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from cordboard.dialects.http import JSON
from cordboard.dialects.openapi import Operation
from cordboard.domain.errors import Unauthenticated
from cordboard.domain.keys import ApiKey
from cordboard.usecases.keys import Keyholders

#: For the log and the metrics alone, in nginx's words: the client went away in the middle of its body.
CLIENT_GONE = 499

_PARAMETER = re.compile(r"\{(\w+)\}")

Handler = Callable[[Request], Awaitable[Response]]
#: Who calls, or an error: the second argument of every operation.
Authorise = Callable[[Request, Operation], Awaitable[Any]]
Respond = Callable[[Exception], Response]


def dialect(
    operations: Iterable[Operation],
    document: Callable[[], Mapping[str, Any]],
    *,
    prefix: str,
    authorise: Authorise,
    respond: Respond,
) -> ASGIApp:
    """An app to be mounted at `prefix`, with its own OpenAPI document, made when first asked for, at `openapi.json`."""
    by_path: dict[str, dict[str, Handler]] = {}
    spelt: dict[str, str] = {}
    for operation in operations:
        handler = _guarded(operation, authorise, respond)
        for path in (operation.path, *operation.also):
            # one route a path, so that a 405 names all that is allowed, whatever an operation calls its parameters
            first = spelt.setdefault(_PARAMETER.sub("{}", path), path)
            named = handler if first == path else _renaming(handler, _PARAMETER.findall(path))
            by_path.setdefault(first.removeprefix(prefix), {})[operation.method] = named
    by_path["/openapi.json"] = {"GET": _document(document)}
    routes = [Route(path, _Endpoint(handlers), methods=list(handlers)) for path, handlers in by_path.items()]
    return _Dialect(routes, respond)


class _Dialect:
    """Routes by the noun that each path begins with, and nothing of a framework around them: each handler answers its
    own failures.

    Left are paths and methods that lead nowhere, which the router raises before anything is sent.
    """

    def __init__(self, routes: Iterable[Route], respond: Respond) -> None:
        by_noun: dict[str, list[BaseRoute]] = {}
        for route in routes:
            by_noun.setdefault(_noun(route.path), []).append(route)
        # a router tries its routes one after the other
        self._routers = {noun: Router(found) for noun, found in by_noun.items()}
        self._nowhere = Router()
        self._respond = respond

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self  # by which the router knows that somebody takes what it raises
        router = self._routers.get(_noun(scope["path"].removeprefix(scope["root_path"])), self._nowhere)
        try:
            await router(scope, receive, send)
        except HTTPException as error:
            await self._respond(error)(scope, receive, send)


def _noun(path: str) -> str:
    """`trunks` of `/trunks/{trunk_id}`."""
    return path[1:].partition("/")[0]


class _Endpoint:
    """The handlers of one path, by method."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = dict(handlers)
        if "GET" in handlers:
            self._handlers["HEAD"] = handlers["GET"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._handlers[scope["method"]](Request(scope, receive))
        await response(scope, receive, send)


def bearer_token(request: Request) -> str:
    """The token of `Authorization: Bearer` (RFC 6750 section 2.1). Raises Unauthenticated."""
    shown = next((value for name, value in request.scope["headers"] if name == b"authorization"), b"")
    scheme, _, token = shown.decode("latin-1").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated
    return token.strip()


def basic_credentials(value: str | None) -> tuple[str, str]:
    """Name and password of `Authorization: Basic` (RFC 7617), in UTF-8. Raises Unauthenticated."""
    scheme, _, encoded = (value or "").strip().partition(" ")
    if scheme.lower() != "basic":
        raise Unauthenticated
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise Unauthenticated from error
    name, colon, password = text.partition(":")
    if not colon or "\0" in text:
        raise Unauthenticated
    return name, password


def address_of(request: Request) -> str | None:
    """Where it comes from; None: from the console, which counts its logins itself."""
    return None if request.client is None else request.client.host


def by_key(keyholders: Keyholders) -> Authorise:
    """Who holds a tenant's API key that permits the operation. Raises Unauthenticated, MissingPermission."""

    async def holder(request: Request, operation: Operation) -> ApiKey:
        key = await keyholders.holder(bearer_token(request))
        if operation.permission is not None:
            key.require(operation.permission)
        return key

    return holder


def _guarded(operation: Operation, authorise: Authorise, respond: Respond) -> Handler:
    async def handle(request: Request) -> Response:
        try:
            caller = await authorise(request, operation)
            return await operation.handler(request, caller)
        except ClientDisconnect:
            return Response(status_code=CLIENT_GONE)
        except Exception as error:  # the request boundary: `respond` logs what no table foresees
            return respond(error)

    return handle


def _renaming(handler: Handler, names: list[str]) -> Handler:
    """The handler with its own names for the path's parameters."""

    async def handle(request: Request) -> Response:
        request.scope["path_params"] = dict(zip(names, request.path_params.values(), strict=True))
        return await handler(request)

    return handle


def _document(document: Callable[[], Mapping[str, Any]]) -> Handler:
    @cache
    def body() -> bytes:
        return json.dumps(document(), ensure_ascii=False).encode()

    async def serve(request: Request) -> Response:
        return Response(body(), media_type=JSON)

    return serve
