"""Pages of calls: the list, one call with its ladder and how it sounded, its sound, its end by hand."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from starlette.responses import Response

from cordboard.console.forms import Field
from cordboard.console.ladder import ladder
from cordboard.console.pages import Visit, page
from cordboard.console.parts import BETWEEN, STOP, filtered, told

#: What a state is called, and how it looks.
STATES: Final = {
    "started": ("ringing", "warn"),
    "answered": ("up", "good"),
    "ended": ("ended", "plain"),
    "failed": ("not answered", "bad"),
    "lost": ("lost", "bad"),
}
FILTERS: Final = (
    Field(name="number", label="Our number", help="+34911234567"),
    Field(
        name="direction",
        label="Direction",
        kind="select",
        options=(("", "All"), ("inbound", "Inbound"), ("outbound", "Outbound"), ("internal", "Internal")),
    ),
    Field(
        name="live",
        label="Under way",
        kind="select",
        options=(("", "All"), ("true", "Calls under way"), ("false", "Calls that are over")),
    ),
    Field(
        name="state",
        label="State",
        kind="select",
        options=(("", "All"), *((state, words.capitalize()) for state, (words, _) in STATES.items())),
    ),
    Field(name="call_id", label="SIP Call-ID"),
    *BETWEEN,
)


async def show_list(visit: Visit) -> Response:
    form, found = await filtered(visit, "list_calls", FILTERS)
    template = "calls/rows.html" if visit.partial else "calls/list.html"
    still = bool(visit.query.get("still")) or not found.first
    return await visit.show(template, form=form, page=found, still=still, states=STATES, lasting=lasting)


async def show(visit: Visit) -> Response:
    call = (await visit.api("get_call", call_id=visit.path["call_id"])).body
    template = "calls/call.html" if visit.partial else "calls/show.html"
    # what it went by may be gone since
    trunk = call["trunk_id"] and await told(visit, "get_trunk", trunk_id=call["trunk_id"])
    agent = call["agent_id"] and await told(visit, "get_agent", agent_id=call["agent_id"])
    shown = {"states": STATES, "trunk": trunk, "agent": agent, "said_of_it": sentences(call), "heard": heard}
    # of a call that is over nothing will be new
    status = STOP if visit.partial and call["ended_at"] else 200
    return await visit.show(template, status, call=call, ladder=ladder(call), lasting=lasting, **shown)


async def ask_end(visit: Visit) -> Response:
    call = (await visit.api("get_call", call_id=visit.path["call_id"])).body
    if call["ended_at"] is not None:
        return visit.go(f"/calls/{call['id']}", "The call is over already.")
    return await visit.show("calls/end.html", call=call)


async def end(visit: Visit) -> Response:
    id = visit.path["call_id"]
    await visit.api("end_call", call_id=id)
    return visit.go(f"/calls/{id}", "The call is hung up, on both sides.")


async def recording(visit: Visit) -> Response:
    return visit.passed("get_recording", call_id=visit.path["call_id"])


def sentences(call: Mapping[str, Any]) -> list[str]:
    """Who called whom, and what became of it."""
    who = call["caller"] or "Somebody who shows no number"
    return [f"{who} called {call['called'] or call['number']}, {call['direction']}.", _became(call)]


def _became(call: Mapping[str, Any]) -> str:
    why = f": {call['detail'] or call['reason']}" if call["reason"] else ""
    code = f" with {call['code']}" if call["code"] else ""
    if call["state"] == "started":
        return "It is being tried, or rings."
    if call["state"] == "lost":
        return f"What became of it is not known{why}."
    if call["answered_at"] is None:
        return f"It was never answered and ended{code}{why}."
    after = f"It was answered after {lasting(_between(call['started_at'], call['answered_at']))}"
    if call["ended_at"] is None:
        return f"{after}, and has been up for {lasting(call['seconds'])}."
    return f"{after}, lasted {lasting(call['seconds'])}, and ended{why}."


def lasting(seconds: float | None) -> str:
    """`300 ms`, `4.2 s`, `42 s`, `12 min 5 s`, `1 h 12 min`; nothing for a call without an answer."""
    if seconds is None:
        return "-"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, left = divmod(whole, 60)
    return f"{minutes} min {left} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def heard(mos: float | None) -> tuple[str, str]:
    """How a mean opinion score sounds to people, and how it looks."""
    if mos is None:
        return "not told", "plain"
    if mos >= 4.0:
        return "good", "good"
    return ("fair", "warn") if mos >= 3.1 else ("poor", "bad")


def _between(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


PAGES: Final = (
    page("GET /calls", "Calls", show_list, "list_calls"),
    page("GET /calls/{call_id}", "Call", show, "get_call", "get_trunk", "get_agent"),
    page("GET /calls/{call_id}/recording", "Recording", recording, "get_recording"),
    page("GET /calls/{call_id}/end", "Hang up", ask_end, "end_call", "get_call"),
    page("POST /calls/{call_id}/end", "Hang up", end, "end_call"),
)
