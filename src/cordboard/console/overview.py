"""The first page: how it stands now, in numbers and pictures that renew themselves."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from starlette.responses import Response

from cordboard.console import pictures
from cordboard.console.pages import Visit, page

#: Trunks whose strips are drawn, and reasons that are listed.
TRUNKS: Final = 6
REASONS: Final = 8
#: Trunks that are looked at, the newest, and so many at once.
LOOKED_AT: Final = 300
AT_ONCE: Final = 100
#: The worst first; of those without a gateway there is no state.
_STATES: Final = ("down", "degraded", "unknown", "up")
HOURS: Final = 24
#: What there must be, the page that makes it, and why.
_STEPS: Final = (
    ("list_agents", "/agents/new", "Make an agent", "The SIP URI of your voice AI, where calls go."),
    ("list_trunks", "/trunks/new", "Connect a carrier", "A trunk says where its calls come from and go to."),
    ("list_numbers", "/numbers/new", "Import a number", "And send its calls to the agent."),
)


async def show(visit: Visit) -> Response:
    """The whole page; or, for htmx, the parts of it that change, each to be put in the place of its elder."""
    part = visit.query.get("part") if visit.partial else None
    template = {"now": "overview/now.html", "trunks": "overview/trunks.html"}.get(part or "", "overview/page.html")
    context: dict[str, Any] = {"swap": part is not None, "hours": HOURS}
    if part != "trunks":
        context |= {"figures": await _figures(visit), "edges": await _edges(visit), "steps": []}
    if part != "now":
        context["health"] = await _health(visit)
    if part is None:
        context["steps"] = await _first_steps(visit)
    return await visit.show(template, **context)


async def _figures(visit: Visit) -> dict[str, Any] | None:
    if not visit.may("get_figures"):
        return None
    found = (await visit.api("get_figures", query={"tenant_id": visit.tenant})).body
    minutes, registered = found["minutes"], found["registered"]
    totals = {kind: sum(each[kind] for each in minutes) for kind in ("calls", "answered", "failed", "refused")}
    busiest = max(each["calls"] for each in minutes)
    counts = [each["count"] for each in registered["minutes"]]
    return {
        **found,
        "totals": totals,
        "reasons": found["refusals"][:REASONS],
        "calls_top": pictures.top_of([each["calls"] + each["refused"] for each in minutes]),
        "calls_picture": pictures.bars(
            minutes,
            ("calls", "refused"),
            f"Calls by minute over the last hour: {totals['calls']} calls, at most {busiest} in a minute, and"
            f" {totals['refused']} refused",
        ),
        "registered_top": pictures.top_of(counts),
        "registered_picture": pictures.steps(
            counts, f"Registered accounts over the last hour: between {min(counts)} and {max(counts)}, now {counts[-1]}"
        ),
    }


async def _edges(visit: Visit) -> list[dict[str, Any]]:
    return (await visit.api("list_edges")).body["data"] if visit.may("list_edges") else []


async def _health(visit: Visit) -> dict[str, Any] | None:
    """How many trunks with gateways there are by state, and the worst with their strips: the tenant's, or the system's
    where no tenant is chosen."""
    if not visit.may("list_trunks", "get_trunk_strip"):
        return None
    whose = {"system": "true"} if visit.tenant is None else {"tenant_id": visit.tenant}
    found: list[tuple[str, dict[str, Any]]] = []
    after = None
    for _ in range(LOOKED_AT // AT_ONCE):
        body = (
            await visit.api("list_trunks", query={**whose, "health": "true", "limit": AT_ONCE, "after": after})
        ).body
        found += standing(body["data"], body["health"] or {})
        after = body["next"]
        if after is None:
            break
    return {
        "of": len(found),
        "states": [(state, number) for state in _STATES if (number := sum(each[0] == state for each in found))],
        "more": after is not None,
        "trunks": [{**trunk, "places": await _places(visit, trunk["id"])} for _, trunk in worst(found)],
    }


def standing(trunks: Iterable[dict[str, Any]], health: Mapping[str, str]) -> list[tuple[str, dict[str, Any]]]:
    """Those that place calls, each with its state."""
    return [(health.get(each["id"], "unknown"), each) for each in trunks if each["gateways"]]


def worst(found: Iterable[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    """The few whose strips are drawn."""
    return sorted(found, key=lambda each: _STATES.index(each[0]))[:TRUNKS]


async def _places(visit: Visit, trunk: str) -> list[dict[str, Any]]:
    strip = (await visit.api("get_trunk_strip", query={"hours": HOURS}, trunk_id=trunk)).body
    return [pictures.with_strip(each, HOURS) for each in strip["gateways"]]


async def _first_steps(visit: Visit) -> list[tuple[str, str, str]]:
    """What is to be done before a call can come: path, label and why of each."""
    if visit.tenant is None:
        if visit.may("create_tenant") and not (await visit.api("list_tenants", query={"limit": 1})).body["data"]:
            return [("/tenants/new", "Make the first customer", "Numbers, trunks, accounts and agents belong to one.")]
        return []
    todo = []
    for operation, path, label, why in _STEPS:
        if visit.may(operation) and not await _has_any(visit, operation, visit.tenant):
            todo.append((path, label, why))
    return todo


async def _has_any(visit: Visit, operation: str, tenant: str) -> bool:
    if operation == "list_agents":
        found = await visit.api(operation, query={"limit": 1}, tenant_id=tenant)
    else:
        found = await visit.api(operation, query={"limit": 1, "tenant_id": tenant})
    return bool(found.body["data"])


PAGES: Final = (
    page(
        "GET /",
        "Overview",
        show,
        "get_me",
        *("get_figures", "list_edges", "list_trunks", "get_trunk_strip"),
        *("create_tenant", "list_tenants", "list_agents", "list_numbers"),
    ),
)
