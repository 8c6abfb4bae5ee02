"""Pages of the feed of events: what happens, as it happens."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from starlette.responses import Response

from cordboard.console.api import Refused
from cordboard.console.pages import Visit, page
from cordboard.console.parts import Listed, listed, whose

#: Filters that can be chosen; the address takes any other, too.
TYPES: Final = (
    *("call.*", "call.started", "call.answered", "call.ended", "call.failed", "call.refused"),
    *("trunk.*", "trunk.degraded", "trunk.recovered", "trunk.registration.*", "account.*", "number.*"),
    *("agent.*", "verification.*", "webhook.*"),
)


async def show_list(visit: Visit) -> Response:
    """The administrator sees everybody's; an operator says whose."""
    if visit.must_choose:
        return await whose(visit)
    type, subject = visit.query.get("type", ""), visit.query.get("subject", "").strip()
    problem, status = None, 200
    try:
        asked = {"type": type or None, "subject": subject or None, "tenant_id": visit.tenant}
        found = await listed(visit, "list_events", asked)
    except Refused as refused:
        found, problem, status = Listed(rows=[], next=None, first=True), str(refused), refused.status
    rows = [{**each, "brief": brief(each["data"])} for each in found.rows]
    types = TYPES if type in ("", *TYPES) else (type, *TYPES)
    return await visit.show(
        "events/list.html",
        status,
        page=replace(found, rows=rows),
        problem=problem,
        type=type,
        subject=subject,
        types=types,
    )


def brief(data: Mapping[str, Any]) -> str:
    """What an event's subject is called, as far as the event says so."""
    if data.get("caller") and data.get("called"):
        return f"{data['caller']} → {data['called']}"
    for name in ("name", "number", "username"):
        # of a change each field has what it was and what it is
        was, now = data.get("fields", {}).get(name) or (None, None)
        if found := data.get(name) or now or was:
            return str(found)
    return ""


async def show(visit: Visit) -> Response:
    event = (await visit.api("get_event", event_id=visit.path["event_id"])).body
    text = json.dumps(event["data"], indent=2, ensure_ascii=False)
    return await visit.show("events/show.html", event=event, data=text)


PAGES: Final = (
    page("GET /events", "Events", show_list, "list_events"),
    page("GET /events/{event_id}", "Event", show, "get_event"),
)
