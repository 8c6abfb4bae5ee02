"""The search page: whatever begins with a text, and the way to it."""

from typing import Any, Final

from starlette.responses import Response

from cordboard.console.api import Refused
from cordboard.console.pages import Visit, page
from cordboard.domain.search import number

#: Heading and folder of pages of each kind, in their order.
KINDS: Final = {
    "number": ("Numbers", "/numbers"),
    "trunk": ("Trunks", "/trunks"),
    "account": ("Accounts", "/accounts"),
    "agent": ("Agents", "/agents"),
    "tenant": ("Customers", "/tenants"),
    "call": ("Calls", "/calls"),
}


async def show(visit: Visit) -> Response:
    asked = visit.query.get("q", "").strip()
    nothing: dict[str, Any] = {
        "asked": asked,
        "groups": [],
        "more": False,
        "cut": False,
        "problem": None,
        "national": False,
    }
    if not asked:
        return await visit.show("search.html", **nothing)
    try:
        found = (await visit.api("search", query={"q": asked, "tenant_id": visit.tenant})).body
    except Refused as refused:
        return await visit.show("search.html", refused.status, **nothing | {"problem": str(refused)})
    groups = [
        (heading, folder, [hit for hit in found["data"] if hit["kind"] == kind])
        for kind, (heading, folder) in KINDS.items()
    ]
    shown = {"groups": [group for group in groups if group[2]], "more": found["more"], "cut": found["cut"]}
    # digits are taken for a country code and what follows
    national = number(asked) is not None and not asked.startswith(("+", "00"))
    return await visit.show("search.html", **nothing | shown | {"national": national})


PAGES: Final = (page("GET /search", "Search", show, "search"),)
