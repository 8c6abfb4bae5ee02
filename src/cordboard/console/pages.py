"""Pages, and the visit of one: what a page's handler is given, and what it may do."""

import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from cordboard.console.api import Answer, Api, Me, Refused
from cordboard.console.rendering import render

ID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

#: What was done, told on the next page.
SAID: Final = "cordboard-said"


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page, or one thing that a form does."""

    #: `GET /trunks/{trunk_id}`.
    method_path: str
    title: str
    #: The operations of the native API that it may call, by name; the first one says whether it is open to a visitor.
    uses: tuple[str, ...]
    handler: "Callable[[Visit], Awaitable[Response]]"
    #: It takes a file.
    upload: bool = False

    @property
    def method(self) -> str:
        return self.method_path.split()[0]

    @property
    def path(self) -> str:
        return self.method_path.split()[1]


def page(
    method_path: str,
    title: str,
    handler: "Callable[[Visit], Awaitable[Response]]",
    *uses: str,
    upload: bool = False,
) -> Page:
    """A page, and the operations that it uses."""
    return Page(method_path=method_path, title=title, uses=uses, handler=handler, upload=upload)


@dataclass(kw_only=True)
class Visit:
    """A request of somebody who is logged in."""

    request: Request
    page: Page
    me: Me
    #: What forms must carry, so that no other site can send one.
    csrf: str
    #: Of a POST; a GET has none.
    form: FormData = field(default_factory=FormData)
    #: The pages that are open to the visitor, group by group.
    navigation: list[tuple[str, list[Page]]] = field(default_factory=list)
    #: Whose the object is that the page is about, once that is known.
    owner: str | None = None
    _api: Api
    _credentials: str = field(repr=False)

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query_params

    @property
    def path(self) -> Mapping[str, str]:
        """The values of the page's path parameters."""
        return self.request.path_params

    @property
    def tenant(self) -> str | None:
        """The tenant whose objects are looked at, one's own, that of the page's object or a chosen one; None:
        nobody's in particular.

        Raises Refused for what is no id.
        """
        asked = self.me.tenant or self.owner or self.request.query_params.get("tenant") or None
        if asked is not None and not ID.fullmatch(asked):
            raise Refused(404, {"detail": "There is no such customer."})
        return asked

    @property
    def must_choose(self) -> bool:
        """Whether an operator has yet to say whose objects are meant, where the administrator sees everybody's."""
        return self.tenant is None and self.me.kind != "administrator"

    def entered(self, name: str) -> str:
        """What a form of ours always carries. Raises Refused if somebody's own has left it out."""
        found = self.form.get(name)
        if not isinstance(found, str):
            raise Refused(400, {"detail": f"The form has no {name}: reload its page, and send it from there."})
        return found

    @property
    def once(self) -> str:
        """By which a form that is sent twice counts once. Raises Refused."""
        return self.entered("once")

    @property
    def etag(self) -> str:
        """What the object was when the form was shown; it stays that until the form is read anew. Raises Refused."""
        return self.entered("etag") or '""'

    @property
    def section(self) -> str:
        """The list that the page's object is of; of another page its own path."""
        path = self.request.url.path
        return f"/{path.split('/')[1]}" if self.path else path

    @property
    def partial(self) -> bool:
        """Whether only the part that changes is asked for, by htmx."""
        return self.request.headers.get("hx-request") == "true"

    def may(self, *operations: str) -> bool:
        """Whether all of these operations are open to the visitor."""
        return all(self.me.may(self._api.operations[name]) for name in operations)

    def leads_to(self, path: str) -> bool:
        """Whether a page of the navigation is open to the visitor."""
        return any(each.path == path for _, pages in self.navigation for each in pages)

    async def api(
        self,
        name: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        text: tuple[bytes, str] | None = None,
        once: str | None = None,
        if_match: str | None = None,
        **path: str,
    ) -> Answer:
        """Carry out an operation of the page's. `once` is its Idempotency-Key. Raises Refused."""
        if name not in self.page.uses:
            raise LookupError(f"{self.page.method_path} does not say that it uses {name}")
        headers = {"idempotency-key": once, "if-match": if_match}
        given = {key: value for key, value in headers.items() if value}
        found = await self._api.call(self._credentials, name, query=query, body=body, text=text, headers=given, **path)
        if path and path == self.path and name.startswith("get_"):
            self.owner = path.get("tenant_id") or found.body.get("tenant_id") or self.owner
        return found

    def passed(self, name: str, **path: str) -> Response:
        """The answer of an operation of the page's as it is: a file, perhaps a long one."""
        if name not in self.page.uses:
            raise LookupError(f"{self.page.method_path} does not say that it uses {name}")
        return self._api.passed(self._credentials, name, **path)

    async def chosen(self) -> dict[str, Any] | None:
        """The tenant that was chosen by an operator or the administrator. Raises Refused."""
        if self.me.tenant is not None or self.tenant is None:
            return None
        shown: dict[str, Any] = (await self._api.call(self._credentials, "get_tenant", tenant_id=self.tenant)).body
        return shown

    async def tenants(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """Those that the visitor may choose between, as the API lists them. Raises Refused."""
        found: dict[str, Any] = (await self._api.call(self._credentials, "list_tenants", query=query)).body
        return found

    def url(self, path: str, **query: Any) -> str:
        """The address of another page; the tenant that was chosen stays chosen."""
        path, _, had = path.partition("?")
        given: dict[str, Any] = {} if self.me.tenant is not None else {"tenant": self.tenant}
        given |= dict(parse_qsl(had)) | query
        left = {key: value for key, value in given.items() if value not in (None, "")}
        return f"{path}?{urlencode(left)}" if left else path

    def same(self, **query: Any) -> str:
        """The address of this page with other parameters."""
        given = {**self.query, **query}
        left = {key: value for key, value in given.items() if value not in (None, "")}
        return f"{self.request.url.path}?{urlencode(left)}" if left else self.request.url.path

    async def show(self, template: str, status: int = 200, **context: Any) -> Response:
        """A page, made of a template. Raises Refused."""
        context |= {
            "visit": self,
            "me": self.me,
            "url": self.url,
            "chosen": None if self.partial else await self.chosen(),
        }
        context["said"] = None if self.partial else self.request.cookies.get(SAID)
        response = HTMLResponse(render(template, context), status)
        if context["said"]:
            response.delete_cookie(SAID)
        return response

    def go(self, path: str, said: str = "", **query: Any) -> Response:
        """On to another page, which tells what was done. With `tenant=None` none is chosen any more."""
        response = RedirectResponse(self.url(path, **query), 303)
        if said:
            secure = self.request.url.scheme == "https"
            response.set_cookie(SAID, quote(said[:300]), max_age=60, httponly=True, samesite="lax", secure=secure)
        return response


def csrf_of(kept: str) -> str:
    """The token of a session's forms, which tells nothing of the session."""
    return hashlib.sha256(f"csrf:{kept}".encode()).hexdigest()


def is_csrf_of(kept: str, token: str) -> bool:
    return hmac.compare_digest(csrf_of(kept).encode(), token.encode("utf-8", "surrogateescape"))
