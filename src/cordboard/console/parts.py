"""What pages have in common: a list by pages, a deletion that says first what goes with it, the question whose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.responses import Response

from cordboard.console.api import Answer, Refused
from cordboard.console.forms import Field, Form, wrong
from cordboard.console.pages import ID, Visit

#: Rows of a page.
ROWS: Final = 50
#: Numbers that are named on the page of what they are connected to; the list of numbers has the others.
NAMED: Final = 10
#: The status by which htmx asks no more.
STOP: Final = 286


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A page of a list."""

    rows: list[dict[str, Any]]
    #: The cursor of the following page; None at the end.
    next: str | None
    #: Whether it is the first page.
    first: bool
    #: The whole answer.
    body: Mapping[str, Any] = field(default_factory=dict)


async def listed(visit: Visit, operation: str, query: Mapping[str, Any] | None = None, **path: Any) -> Listed:
    """A page of a list operation, from the address's `after` on. Raises Refused."""
    after = visit.query.get("after")
    asked = {**(query or {}), "limit": ROWS, "after": after}
    found = (await visit.api(operation, query=asked, **path)).body
    return Listed(rows=found["data"], next=found["next"], first=after is None, body=found)


async def told(visit: Visit, operation: str, query: Mapping[str, Any] | None = None, **path: Any) -> Any:
    """What an operation answers, or None where it is not open to the visitor or cannot be known now."""
    if not visit.may(operation):
        return None
    try:
        return (await visit.api(operation, query=query, **path)).body
    except Refused:
        return None


async def choices(
    visit: Visit, operation: str, *, none: str, id: str = "id", chosen: Sequence[object] = (), **path: Any
) -> list[tuple[str, str]] | None:
    """A list to choose from; those `chosen` are among it. `none` is none of them. None if there are too many."""
    query = None if path or operation == "list_tenants" else {"tenant_id": visit.tenant}
    found = await told(visit, operation, query, **path) or {"data": (), "next": None}
    if found["next"] is not None:
        return None
    options = [("", none), *((str(each[id]), str(each["name"])) for each in found["data"])]
    known = dict(options)
    return options + [(each, each) for each in dict.fromkeys(map(str, filter(None, chosen))) if each not in known]


async def name_by_id(visit: Visit, body: dict[str, Any], **kinds: str) -> None:
    """In the body, the id in place of each name that was written where there were too many to choose from: of an agent,
    a trunk or a customer, by field. Raises Refused."""
    for name, kind in kinds.items():
        if (written := body.get(name)) and not ID.fullmatch(written):
            body[name] = await _id_of(visit, name, kind, written)


async def _id_of(visit: Visit, field: str, kind: str, written: str) -> str:
    if kind == "tenant":
        found = (await visit.api("list_tenants", query={"ref": written})).body["data"]
    else:
        hits = (await visit.api("search", query={"q": written, "tenant_id": visit.tenant})).body["data"]
        found = [each for each in hits if each["kind"] == kind and each["name"].casefold() == written.casefold()]
    if len(found) != 1:
        raise wrong({field: "none is called so: write its whole name" if not found else "more than one: write its id"})
    return str(found[0]["id"])


def entered(visit: Visit, fields: tuple[Field, ...]) -> Form:
    """The form that a page's address fills in."""
    form = given(visit)
    return Form(fields=fields, values={each.name: each.entered(form) for each in fields})


async def filtered(visit: Visit, operation: str, fields: tuple[Field, ...]) -> tuple[Form, Listed]:
    """What the address's filters leave of a list, of the tenant that was chosen or of all; a filter that makes no sense
    is told at its field."""
    form = entered(visit, fields)
    query = {name: value for name, value in form.values.items() if value}
    for name in ("from", "to"):
        if name in query:
            query[name] = instant(query[name])
    try:
        return form, await listed(visit, operation, {**query, "tenant_id": visit.tenant})
    except Refused as refused:
        if refused.status not in (400, 422):
            raise
        wrong = form.again(given(visit), refused)
        return wrong, Listed(rows=[], next=None, first=True)


def given(visit: Visit) -> FormData:
    """A page's address as if it had come by a form."""
    return FormData([*visit.request.query_params.multi_items()])


def instant(text: str) -> str:
    """What somebody has entered as an instant; of one without a zone it is UTC. What is none stays, to be refused."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return (at.replace(tzinfo=UTC) if at.tzinfo is None else at).isoformat()


async def whose(visit: Visit, nobodys: tuple[str, str] | None = None) -> Response:
    """The question whose objects are meant, where they are always somebody's; `nobodys`: the page of the others, and
    what it is called."""
    after = visit.query.get("after")
    found = await visit.tenants({"limit": ROWS, "after": after})
    page = Listed(rows=found["data"], next=found["next"], first=after is None)
    return await visit.show("whose.html", page=page, nobodys=nobodys)


#: Filters of what happened when.
BETWEEN: Final = (
    Field(name="from", label="Since (UTC)", help="2026-11-21 08:00"),
    Field(name="to", label="Before (UTC)", help="2026-11-21 09:00"),
)


async def deletion(
    visit: Visit,
    operation: str,
    shown: Answer | None,
    name: str,
    back: str,
    query: Mapping[str, str] | None = None,
    *,
    typed: Form | None = None,
    **path: Any,
) -> Response:
    """The question before an object is deleted as it is `shown`, with what goes with it; `typed` is what must be
    entered for it. Raises Refused."""
    preview = (await visit.api(operation, query={**(query or {}), "dry_run": "true"}, **path)).body
    counts = [kind for kind, number in preview.items() if number]
    etag = None if shown is None else shown.etag
    status = 422 if typed is not None and typed.errors else 200
    return await visit.show(
        "delete.html", status, name=name, preview=preview, counts=counts, back=back, etag=etag, typed=typed
    )
