"""The native API as the console calls it: by name, in this process, with the credentials of who is logged in.

So a page can do nothing that a program could not, and rules, isolation and ETags are written once.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_RANK: Final = {"tenant": 0, "operator": 1, "administrator": 2}


class Operation(Protocol):
    """An operation of the native API, as far as a caller must know it."""

    @property
    def name(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str:
        """With the API's base path: `/cordboard/v1/trunks/{trunk_id}`."""

    @property
    def least(self) -> str:
        """Who may call it at least."""

    @property
    def permission(self) -> str | None:
        """What a tenant's key needs for it; None: an unrestricted key."""

    @property
    def unrestricted(self) -> bool:
        """Whether it is open to every key all the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What an operation answered when it went well."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        """The JSON of the answer; None if it has none."""
        return json.loads(self.content) if self.content else None

    @property
    def etag(self) -> str | None:
        return self.headers.get("etag")


class Refused(Exception):
    """An operation that failed: its problem (RFC 9457), as the API tells it."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(problem.get("detail", f"the API answered {status}"))
        self.status = status
        self.problem = problem

    @property
    def code(self) -> str:
        return str(self.problem.get("code", ""))


@dataclass(frozen=True, kw_only=True)
class Me:
    """Who is logged in."""

    kind: str
    name: str
    tenant: str | None
    #: What a key is restricted to; None: nothing.
    permissions: tuple[str, ...] | None

    def may(self, operation: Operation) -> bool:
        """Whether the operation is open to this caller at all; the API decides again when it is called."""
        if _RANK[self.kind] < _RANK[operation.least]:
            return False
        return self.permissions is None or operation.unrestricted or operation.permission in self.permissions


class Passed(Response):
    """An operation's answer as it comes, piece by piece, with the headers of a page besides."""

    def __init__(self, app: ASGIApp, asked: Scope) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._app = app
        self._asked = asked

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {key for key, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(h for h in self.raw_headers if h[0] not in own)]
            await send(message)

        await self._app(self._asked, receive, sent)


def _carried(value: str) -> bool:
    """Whether a header field can hold it (RFC 9110 section 5.5)."""
    return all(" " <= each <= "~" or "\xa0" <= each <= "\xff" for each in value)


class Api:
    """The operations by name, and the app that carries them out."""

    def __init__(self, app: ASGIApp, prefix: str, operations: Mapping[str, Operation]) -> None:
        self._app = app
        self._prefix = prefix
        self.operations: Final = operations

    async def me(self, credentials: str) -> Me:
        """Whose they are. Raises Refused, with 401 if nobody's."""
        said = (await self.call(credentials, "get_me")).body
        permissions = None if said["permissions"] is None else tuple(said["permissions"])
        return Me(kind=said["kind"], name=said["name"], tenant=said["tenant_id"], permissions=permissions)

    async def call(
        self,
        credentials: str,
        name: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        text: tuple[bytes, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **path: str,
    ) -> Answer:
        """The answer of an operation; `text` is a body that is no JSON, with its media type. Raises Refused."""
        operation = self.operations[name]
        content, media_type = text or (b"" if body is None else json.dumps(body).encode(), "application/json")
        sent = {"authorization": credentials, "content-type": media_type, **(headers or {})}
        given = {key: value for key, value in (query or {}).items() if value is not None}
        if not all(map(_carried, sent.values())):
            raise Refused(400, {"detail": "The form was changed on its way: reload its page, and send it from there."})
        asked = self._scope(operation, path, urlencode(given, doseq=True), sent)
        answer = await self._send(asked, content)
        if answer.status >= 400:
            raise Refused(answer.status, answer.body or {})
        return answer

    def passed(self, credentials: str, name: str, **path: str) -> Response:
        """The answer of an operation that may be long, to be passed on to who asks; what failed is passed on too."""
        return Passed(self._app, self._scope(self.operations[name], path, "", {"authorization": credentials}))

    def _scope(self, operation: Operation, values: Mapping[str, str], query: str, headers: Mapping[str, str]) -> Scope:
        def asked(write: Callable[[str], str]) -> str:
            return re.sub(r"\{(\w+)\}", lambda found: write(values[found[1]]), operation.path)

        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": operation.method,
            "scheme": "http",
            # as a server gives it, but a slash within a value stays apart from those between
            "path": asked(lambda value: value.replace("/", "%2F")),
            "raw_path": asked(lambda value: quote(value, safe="")).encode(),
            "root_path": self._prefix,
            "query_string": query.encode(),
            "headers": [(key.lower().encode(), value.encode("latin-1")) for key, value in headers.items()],
            "client": None,
            "server": ("console", 80),
        }

    async def _send(self, scope: Scope, content: bytes) -> Answer:
        status, answered, parts = 500, {}, []

        async def receive() -> Message:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status, answered
            if message["type"] == "http.response.start":
                status = message["status"]
                answered = {key.decode().lower(): value.decode("latin-1") for key, value in message.get("headers", ())}
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))

        await self._app(scope, receive, send)
        return Answer(status=status, headers=answered, content=b"".join(parts))
