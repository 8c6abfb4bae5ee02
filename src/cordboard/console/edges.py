"""Pages of the edges, of sources that are not heard, and of LiveKit."""

from typing import Any, Final

from starlette.responses import Response

from cordboard.console.api import Refused
from cordboard.console.forms import Field, Form
from cordboard.console.pages import Visit, page

BAN: Final = Form(
    fields=(
        Field(
            name="address",
            label="Address",
            required=True,
            help="IPv4 or IPv6. It is not heard for as long as bans last, whatever it sends.",
        ),
    )
)
REASONS: Final = {
    "flood": "it sent too much",
    "scanner": "a scanner's words",
    "credentials": "guessed passwords",
    "by-hand": "banned by hand",
}


async def show_edges(visit: Visit) -> Response:
    found = (await visit.api("list_edges")).body
    return await visit.show("edges/list.html", edges=found["data"], revision=found["revision"])


async def show_bans(visit: Visit) -> Response:
    return await _bans(visit, BAN)


async def ban(visit: Visit) -> Response:
    address = str(visit.form.get("address", "")).strip()
    try:
        await visit.api("ban", address=address or "-")
    except Refused as refused:
        return await _bans(visit, BAN.again(visit.form, refused), refused.status)
    return visit.go("/bans", f"{address} is not heard for a while.")


async def unban(visit: Visit) -> Response:
    address = visit.path["address"]
    try:
        await visit.api("unban", address=address)
    except Refused as refused:
        if refused.code != "not-banned":
            raise
    return visit.go("/bans", f"{address} is heard again.")


async def _bans(visit: Visit, form: Form, status: int = 200) -> Response:
    """Who is banned is known to the edge of this machine alone, and not while it starts."""
    found: list[dict[str, Any]] = []
    away = None
    try:
        found = (await visit.api("list_bans")).body["data"]
    except Refused as refused:
        if refused.code != "edge-unavailable":
            raise
        away = str(refused)
    return await visit.show("edges/bans.html", status, bans=found, away=away, form=form, reasons=REASONS)


async def show_livekit(visit: Visit) -> Response:
    return await _livekit(visit)


async def apply_livekit(visit: Visit) -> Response:
    try:
        body = {"mass_deletion": visit.form.get("mass_deletion") == "true"}
        applied = (await visit.api("apply_livekit", body=body)).body
    except Refused as refused:
        return await _livekit(visit, str(refused), refused.status)
    if applied["problems"]:
        return await visit.show("edges/livekit.html", plan=applied, absent=None, problem=None, applied=True)
    done = len(applied["changes"])
    return visit.go("/livekit", f"LiveKit is as it must be: {done} {'change' if done == 1 else 'changes'} made.")


async def _livekit(visit: Visit, problem: str | None = None, status: int = 200) -> Response:
    plan = absent = None
    try:
        plan = (await visit.api("plan_livekit")).body
    except Refused as refused:
        if refused.code == "no-livekit":
            absent = str(refused)
        else:
            problem, status = problem or str(refused), refused.status
    return await visit.show("edges/livekit.html", status, plan=plan, absent=absent, problem=problem, applied=False)


PAGES: Final = (
    page("GET /edges", "Edges", show_edges, "list_edges"),
    page("GET /bans", "Banned sources", show_bans, "list_bans", "ban"),
    page("POST /bans", "Banned sources", ban, "ban", "list_bans"),
    page("POST /bans/{address}/lift", "Banned sources", unban, "unban"),
    page("GET /livekit", "LiveKit", show_livekit, "plan_livekit"),
    page("POST /livekit", "LiveKit", apply_livekit, "apply_livekit", "plan_livekit"),
)
