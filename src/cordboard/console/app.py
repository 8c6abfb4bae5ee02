"""The console as one app: who is let in, what a form must carry, and what a browser may do with our pages."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode, urlsplit, urlunsplit

import structlog
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from cordboard.console.api import Api, Operation, Refused
from cordboard.console.assets import serve
from cordboard.console.pages import Page, Visit, csrf_of, is_csrf_of
from cordboard.console.rendering import render
from cordboard.console.routes import NAVIGATION, PAGES
from cordboard.domain.errors import Unauthenticated
from cordboard.usecases.sessions import Sessions

log = structlog.get_logger()

#: Largest form, in bytes, and that of a page that takes a file.
MAX_FORM: Final = 1 << 20
MAX_UPLOAD: Final = 128 << 20

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; media-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


#: What can be looked at, by path.
_SHOWN: Final = {page.path: page for page in PAGES if page.method == "GET"}


_OVER: Final = "Your session is over; what you sent was not done. Log in, and send it again."


class NotFromHere(Exception):
    """A form that was not sent from a page of ours."""


@dataclass(frozen=True, kw_only=True)
class Console:
    """Pages for who is logged in, and the way to log in."""

    api: Api
    sessions: Sessions

    async def login(self, request: Request) -> Response:
        if request.method != "POST":
            over = "over" in request.query_params
            return _login_page(request.query_params.get("next", "/"), problem=_OVER if over else None)
        form = await _form(request, MAX_FORM)
        _require_same_origin(request)
        name, secret, onward = (str(form.get(each, "")).strip() for each in ("name", "secret", "next"))
        address = request.client.host if request.client else ""
        if seconds := self.sessions.attempts.begin(address):
            return _too_many(onward, name, seconds)
        credentials = _basic(name, secret) if name else f"Bearer {secret}"
        try:
            # a header cannot carry everything that a form can
            credentials.encode("latin-1")
            await self.api.me(credentials)
        except (Refused, UnicodeEncodeError) as error:
            if isinstance(error, Refused) and error.status != HTTPStatus.UNAUTHORIZED:
                self.sessions.attempts.forgive(address)
                return _login_page(onward, name, str(error), error.status)
            return _login_page(onward, name, "These are not the credentials of anybody here.", 401)
        self.sessions.attempts.forgive(address)
        response = RedirectResponse(_local(onward), 303)
        if before := request.cookies.get(_cookie(request)):
            await self.sessions.end(before)
        kept = await self.sessions.begin(credentials)
        seconds = int(self.sessions.lasting.total_seconds())
        response.set_cookie(_cookie(request), kept, seconds, httponly=True, samesite="lax", secure=_secure(request))
        return response

    async def logout(self, request: Request) -> Response:
        kept = request.cookies.get(_cookie(request), "")
        _require_ours(request, kept, await _form(request, MAX_FORM))
        await self.sessions.end(kept)
        response = RedirectResponse("/login", 303)
        response.delete_cookie(_cookie(request), secure=_secure(request))
        return response

    async def visit(self, request: Request, page: Page) -> Response:
        """Raises Unauthenticated, Refused, NotFromHere."""
        kept = request.cookies.get(_cookie(request), "")
        credentials = await self.sessions.credentials(kept)
        me = await self.api.me(credentials)
        form = FormData()
        if page.method == "POST":
            form = await _form(request, MAX_UPLOAD if page.upload else MAX_FORM)
            _require_ours(request, kept, form)
        visit = Visit(
            request=request, page=page, me=me, csrf=csrf_of(kept), form=form, _api=self.api, _credentials=credentials
        )
        visit.navigation = _navigation(visit)
        try:
            return await page.handler(visit)
        finally:
            await form.close()


def app(native: ASGIApp, prefix: str, operations: Sequence[Operation], sessions: Sessions) -> ASGIApp:
    """The console over the native API `native`, whose base path is `prefix`; to be served at `/`."""
    console = Console(api=Api(native, prefix, {each.name: each for each in operations}), sessions=sessions)
    by_path: dict[str, dict[str, Page]] = {}
    for page in PAGES:
        by_path.setdefault(page.path, {})[page.method] = page
    routes = [
        Route("/login", _guarded(console.login), methods=["GET", "POST"]),
        Route("/logout", _guarded(console.logout), methods=["POST"]),
        Route("/assets/{name:path}", serve),
        *(Route(path, _endpoint(console, pages), methods=list(pages)) for path, pages in by_path.items()),
    ]
    return _Console(Router(routes))


def _navigation(visit: Visit) -> list[tuple[str, list[Page]]]:
    """What is open to the visitor, group by group."""
    groups = [
        (heading, [_SHOWN[path] for path in paths if visit.may(_SHOWN[path].uses[0])]) for heading, paths in NAVIGATION
    ]
    return [(heading, pages) for heading, pages in groups if pages]


class _Console:
    """The router, with pages for what leads nowhere."""

    def __init__(self, router: Router) -> None:
        self._router = router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self  # by which the router knows that somebody takes what it raises
        try:
            await self._router(scope, receive, send)
        except HTTPException as error:
            await _failed(error.status_code, error.detail)(scope, receive, send)


def _endpoint(console: Console, pages: Mapping[str, Page]) -> Any:
    async def handle(request: Request) -> Response:
        page = pages["GET" if request.method == "HEAD" else request.method]
        return await console.visit(request, page)

    return _guarded(handle)


def _guarded(handler: Any) -> Any:
    """The page, with what a browser is to know of it; what fails is a page too."""

    async def handle(request: Request) -> Response:
        try:
            response: Response = await handler(request)
        except Exception as error:  # the request boundary: what is not foreseen is logged
            response = _answer(request, error)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return handle


def _answer(request: Request, error: Exception) -> Response:
    if isinstance(error, Unauthenticated) or (isinstance(error, Refused) and error.status == HTTPStatus.UNAUTHORIZED):
        return _to_login(request)
    if isinstance(error, Refused):
        if error.status == HTTPStatus.UNPROCESSABLE_ENTITY and request.method in ("GET", "HEAD"):
            return _failed(404, "There is nothing at this address.")  # an id or a cursor that is none
        return _failed(error.status, str(error))
    if isinstance(error, NotFromHere):
        return _failed(403, "This form was not sent from a page of this console. Go back, reload the page, try again.")
    if isinstance(error, HTTPException):
        return _failed(error.status_code, error.detail)
    log.error("unexpected failure", exc_info=error)
    return _failed(500, "An internal error occurred; the log has it.")


def _to_login(request: Request) -> Response:
    """Where a form's page is shown again afterwards, since what was entered is still in the browser's history."""
    if request.headers.get("hx-request") == "true":
        return Response(status_code=401, headers={"HX-Redirect": "/login"})
    if request.method == "POST":
        form = _local(_path_of(request.headers.get("referer", "/")))
        return RedirectResponse(f"/login?{urlencode({'next': form, 'over': 'yes'})}", 303)
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse("/login" if back == "/" else f"/login?{urlencode({'next': back}, safe='/')}", 303)


def _path_of(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:
        return "/"
    return urlunsplit(("", "", parts.path, parts.query, ""))


def _failed(status: int, detail: str) -> Response:
    context = {"status": status, "title": HTTPStatus(status).phrase, "detail": detail}
    return HTMLResponse(render("failed.html", context), status, headers=_HEADERS)


def _login_page(onward: str, name: str = "", problem: str | None = None, status: int = 200) -> Response:
    return HTMLResponse(render("login.html", {"next": _local(onward), "name": name, "problem": problem}), status)


def _too_many(onward: str, name: str, seconds: int) -> Response:
    problem = f"Too many logins from your address were wrong. Try again in {seconds} seconds."
    response = _login_page(onward, name, problem, HTTPStatus.TOO_MANY_REQUESTS)
    response.headers["Retry-After"] = str(seconds)
    return response


async def _form(request: Request, most: int) -> FormData:
    """Raises HTTPException."""
    length = request.headers.get("content-length", "")
    if not length.isdecimal():
        raise HTTPException(411)
    if int(length) > most:
        raise HTTPException(413, f"More than {most >> 20} MiB are not taken here.")
    return await request.form()


def _require_ours(request: Request, kept: str, form: FormData) -> None:
    """Raises NotFromHere unless a page of this session sent the form."""
    _require_same_origin(request)
    token = request.headers.get("x-csrf") or str(form.get("csrf", ""))
    if not kept or not is_csrf_of(kept, token):
        raise NotFromHere


def _require_same_origin(request: Request) -> None:
    """Raises NotFromHere for what a browser says to come from another site."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None and site not in ("same-origin", "none"):
        raise NotFromHere
    if site is None and origin is not None and origin.partition("://")[2] != request.headers.get("host"):
        raise NotFromHere


def _basic(name: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"


def _local(onward: str) -> str:
    """A path of ours; anything else is the first page."""
    fine = onward.startswith("/") and not onward.startswith(("//", "/\\")) and onward.isprintable()
    return onward if fine else "/"


def _secure(request: Request) -> bool:
    return request.url.scheme == "https"


def _cookie(request: Request) -> str:
    """Over TLS a name that no other host's page can set (RFC 6265bis section 4.1.3.2)."""
    return "__Host-cordboard" if _secure(request) else "cordboard"
