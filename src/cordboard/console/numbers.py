"""Pages of numbers."""

from typing import Any, Final

from starlette.datastructures import FormData
from starlette.responses import Response

from cordboard.console.api import Refused
from cordboard.console.forms import Field, Form
from cordboard.console.lines import number_of
from cordboard.console.pages import Visit, page
from cordboard.console.parts import Listed, choices, listed, name_by_id, told, whose

_MEDIA: Final = (("", "SRTP if the other side has it"), ("disable", "Plain RTP"), ("require", "SRTP alone"))
_STATUSES: Final = (
    ("", "Any but finished"),
    ("assigned", "Assigned"),
    ("reserved", "Reserved"),
    ("pending_verification", "Pending verification"),
    ("released", "Released"),
    ("finished", "Finished"),
)
FILTER: Final = Form(
    fields=(
        Field(name="prefix", label="Begins with"),
        Field(name="status", label="Status", kind="select", options=_STATUSES),
        Field(name="agent", label="Calls answered by", kind="select"),
    )
)
_NAME: Final = Field(name="nickname", label="Name", help="What you call it.")
_AGENTS: Final = (
    Field(name="inbound_agent_id", label="Calls are answered by", kind="select"),
    Field(name="outbound_agent_id", label="May call out by it", kind="select"),
)
ADDRESSES: Final = Field(
    name="allowed_addresses",
    label="Carrier's addresses",
    kind="lines",
    absent_if_empty=True,
    help="Addresses and CIDR ranges that its calls come from, one a line. None lets everybody in.",
)
_OWN: Final = (
    ADDRESSES,
    Field(name="media_in", label="Media from the carrier", kind="select", options=_MEDIA, absent_if_empty=True),
    Field(
        name="termination_uri",
        label="Carrier for calls out",
        absent_if_empty=True,
        help="Host name or address with an optional port: sip.carrier.example:5060. Empty: inbound alone.",
    ),
    Field(name="media_out", label="Media to the carrier", kind="select", options=_MEDIA, absent_if_empty=True),
    Field(
        name="username", label="Username", absent_if_empty=True, help="If the carrier asks for credentials when called."
    ),
    Field(name="password", label="Password", kind="password", autocomplete="new-password"),
)
IMPORT: Final = Form(
    fields=(
        Field(name="number", label="Number", required=True, help="With + and the country code, or a SIP address."),
        _NAME,
        *_AGENTS,
        Field(name="trunk_id", label="Trunk", kind="select"),
        *_OWN,
    )
)
_NAMED: Final = {"inbound_agent_id": "agent", "outbound_agent_id": "agent", "trunk_id": "trunk"}
CHANGE: Final = Form(fields=(_NAME, Field(name="trunk_id", label="Trunk", kind="select"), *_AGENTS))


async def show_list(visit: Visit) -> Response:
    if (tenant := visit.tenant) is None:
        return await whose(visit, _nobodys(visit))
    asked = {key: visit.query.get(key, "").strip() for key in ("prefix", "status", "agent", "trunk")}
    where = {
        "tenant_id": tenant,
        "prefix": _beginning(asked["prefix"]),
        "status": asked["status"] or None,
        "trunk_id": asked["trunk"] or None,
    }
    agents = await choices(
        visit, "list_agents", id="agent_id", none="Anybody", chosen=(asked["agent"],), tenant_id=tenant
    )
    form = FILTER.choosing(agent=agents)
    try:
        await name_by_id(visit, asked, agent="agent")
        found = await listed(visit, "list_numbers", {**where, "inbound_agent_id": asked["agent"] or None})
    except Refused as refused:
        if refused.status not in (400, 422):
            raise
        nothing = Listed(rows=[], next=None, first=True, body={"names": {}})
        form = form.again(FormData(asked), refused)
        return await visit.show("numbers/list.html", refused.status, page=nothing, form=form, asked=asked, trunk=None)
    trunk = await told(visit, "get_trunk", trunk_id=asked["trunk"]) if asked["trunk"] else None
    return await visit.show("numbers/list.html", page=found, form=form.of(asked), asked=asked, trunk=trunk)


def _nobodys(visit: Visit) -> tuple[str, str] | None:
    return ("/numbers/add", "Add a platform number") if visit.may("add_number") else None


def _beginning(typed: str) -> str | None:
    """How numbers begin, as the API wants it: `34 91` is +3491."""
    joined = number_of(typed)
    return f"+{joined}" if joined.isdecimal() else joined or None


async def _choosing(visit: Visit, tenant: str, form: Form, number: dict[str, Any], no_trunk: str) -> Form:
    """The form with what the number's trunk and agents can be."""
    chosen = (number.get("inbound_agent_id"), number.get("outbound_agent_id"))
    agents = await choices(visit, "list_agents", id="agent_id", none="Nobody", chosen=chosen, tenant_id=tenant)
    trunks = await choices(visit, "list_trunks", none=no_trunk, chosen=(number.get("trunk_id"),))
    return form.choosing(inbound_agent_id=agents, outbound_agent_id=agents, trunk_id=trunks)


async def show(visit: Visit) -> Response:
    found = await visit.api("get_number", number_id=visit.path["number_id"])
    number = found.body
    known: dict[tuple[str, str | None], Any] = {}  # both directions are often one agent's
    for name, operation, key in _AROUND:
        if (id := number[name]) is not None and (operation, id) not in known:
            known[operation, id] = await told(visit, operation, **{key: id})
    around = {name: known.get((operation, number[name])) for name, operation, _ in _AROUND}
    return await visit.show("numbers/show.html", number=number, etag=found.etag, around=around)


_AROUND: Final = (
    ("trunk_id", "get_trunk", "trunk_id"),
    ("inbound_agent_id", "get_agent", "agent_id"),
    ("outbound_agent_id", "get_agent", "agent_id"),
    ("account_id", "get_account", "account_id"),
    ("tenant_id", "get_tenant", "tenant_id"),
)


async def _import_page(visit: Visit, tenant: str, form: Form, status: int = 200) -> Response:
    number = {"trunk_id": visit.query.get("trunk")}
    form = await _choosing(visit, tenant, form, number, "One of its own, as said below")
    return await visit.show("numbers/new.html", status, form=form)


async def new(visit: Visit) -> Response:
    if (tenant := visit.tenant) is None:
        return await whose(visit, _nobodys(visit))
    return await _import_page(visit, tenant, IMPORT.of({"trunk_id": visit.query.get("trunk")}))


async def create(visit: Visit) -> Response:
    if (tenant := visit.tenant) is None:
        return await whose(visit, _nobodys(visit))
    body = IMPORT.body(visit.form)
    body["number"] = number_of(body["number"] or "") or None
    try:
        await name_by_id(visit, body, **_NAMED)
        made = await visit.api("import_number", body=body, once=visit.once, tenant_id=tenant)
    except Refused as refused:
        return await _import_page(visit, tenant, IMPORT.again(visit.form, refused), refused.status)
    return visit.go(f"/numbers/{made.body['id']}", f"{made.body['number']} is imported.")


async def _change_page(
    visit: Visit, number: dict[str, Any], etag: str | None, form: Form, status: int = 200
) -> Response:
    if number["tenant_id"] is not None:
        form = await _choosing(visit, number["tenant_id"], form, number, "None: no calls")
    return await visit.show("numbers/edit.html", status, number=number, etag=etag, form=form)


def _changeable(number: dict[str, Any]) -> Form:
    """What may be changed of it: the trunk of an imported number alone."""
    if number["provider"] == "custom":
        return CHANGE
    return Form(fields=tuple(each for each in CHANGE.fields if each.name != "trunk_id"))


async def edit(visit: Visit) -> Response:
    found = await visit.api("get_number", number_id=visit.path["number_id"])
    return await _change_page(visit, found.body, found.etag, _changeable(found.body).of(found.body))


async def update(visit: Visit) -> Response:
    id = visit.path["number_id"]
    found = await visit.api("get_number", number_id=id)
    form = _changeable(found.body)
    body = form.body(visit.form)
    if found.body["account_id"] is not None and body["inbound_agent_id"] is None:
        del body["inbound_agent_id"]  # an account answers it, and goes on
    try:
        await name_by_id(visit, body, **_NAMED)
        await visit.api("update_number", body=body, if_match=visit.etag, number_id=id)
    except Refused as refused:
        return await _change_page(visit, found.body, visit.etag, form.again(visit.form, refused), refused.status)
    return visit.go(f"/numbers/{id}", "Saved.")


async def ask_release(visit: Visit) -> Response:
    id = visit.path["number_id"]
    found = await visit.api("get_number", number_id=id)
    preview = (await visit.api("release_number", query={"dry_run": "true"}, number_id=id)).body
    return await visit.show("numbers/release.html", number=found.body, etag=found.etag, preview=preview)


async def release(visit: Visit) -> Response:
    id = visit.path["number_id"]
    number = (await visit.api("get_number", number_id=id)).body
    await visit.api("release_number", if_match=visit.etag, number_id=id)
    if number["provider"] == "custom":
        return visit.go("/numbers", f"{number['number']} is released.")
    return visit.go(f"/numbers/{id}", "Its release is ordered.")


PAGES: Final = (
    page("GET /numbers", "Numbers", show_list, "list_numbers", "list_agents", "get_trunk", "search"),
    page("GET /numbers/new", "Import a number", new, "import_number", "list_agents", "list_trunks"),
    page("POST /numbers/new", "Import a number", create, "import_number", "list_agents", "list_trunks", "search"),
    page(
        "GET /numbers/{number_id}",
        "Number",
        show,
        *("get_number", "get_trunk", "get_agent", "get_account", "get_tenant"),
    ),
    page("GET /numbers/{number_id}/edit", "Change", edit, "update_number", "get_number", "list_agents", "list_trunks"),
    page(
        "POST /numbers/{number_id}/edit",
        "Change",
        update,
        *("update_number", "get_number", "list_agents", "list_trunks", "search"),
    ),
    page("GET /numbers/{number_id}/release", "Release", ask_release, "release_number", "get_number"),
    page("POST /numbers/{number_id}/release", "Release", release, "release_number", "get_number"),
)
