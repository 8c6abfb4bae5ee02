"""Pages of trunks."""

from typing import Any, Final

from starlette.responses import Response

from cordboard.console import pictures
from cordboard.console.api import Refused
from cordboard.console.changes import Deleting
from cordboard.console.forms import Form
from cordboard.console.pages import Visit, page
from cordboard.console.parts import NAMED, listed, told, whose
from cordboard.console.trunk_forms import BLANK, FORM, SECTIONS, body_of, filled

#: Hours of a health strip.
HOURS: Final = 24
#: The way to the trunks that are nobody's.
SYSTEM: Final = ("/trunks?system=yes", "The system's trunks")


async def show_list(visit: Visit) -> Response:
    system = visit.query.get("system") == "yes"
    if not system and visit.tenant is None:
        return await whose(visit, SYSTEM)
    where = {"system": "true"} if system else {"tenant_id": visit.tenant}
    found = await listed(visit, "list_trunks", {**where, "health": "true"})
    return await visit.show("trunks/list.html", page=found, system=system)


async def show(visit: Visit) -> Response:
    id = visit.path["trunk_id"]
    found = await visit.api("get_trunk", trunk_id=id)
    trunk = found.body
    tenant = trunk["tenant_id"] or visit.tenant
    numbers = None
    if tenant is not None:
        numbers = await told(visit, "list_numbers", {"trunk_id": id, "tenant_id": tenant, "limit": NAMED})
    strip = await told(visit, "get_trunk_strip", {"hours": HOURS}, trunk_id=id)
    registrations = None
    if trunk["options"]["registration"] is not None:
        registrations = await told(visit, "get_trunk_registrations", trunk_id=id)
    return await visit.show(
        "trunks/show.html",
        trunk=trunk,
        form=filled(trunk),
        numbers=numbers,
        places=[pictures.with_strip(each, HOURS) for each in strip["gateways"]] if strip else (),
        hours=HOURS,
        health=await told(visit, "get_trunk_health", trunk_id=id),
        registrations=registrations,
    )


async def allow_list(visit: Visit) -> Response:
    """Apart, since a list is compared with those of other trunks, which takes a while where there are many."""
    id = visit.path["trunk_id"]
    trunk = (await visit.api("get_trunk", trunk_id=id)).body
    lint = (await visit.api("lint_allow_list", trunk_id=id)).body
    template = "trunks/findings.html" if visit.partial else "trunks/allow-list.html"
    return await visit.show(template, trunk=trunk, lint=lint)


async def new(visit: Visit) -> Response:
    if visit.tenant is None and visit.query.get("system") != "yes":
        return await whose(visit, SYSTEM)
    return await _new_page(visit, filled(BLANK))


async def _new_page(visit: Visit, form: Form, status: int = 200) -> Response:
    known = await told(visit, "list_catalogue") if visit.tenant is not None else None
    return await _form_page(visit, "trunks/new.html", form, status, known=known)


async def _form_page(visit: Visit, template: str, form: Form, status: int = 200, **rest: Any) -> Response:
    return await visit.show(template, status, form=form, sections=SECTIONS, **rest)


async def create(visit: Visit) -> Response:
    owner = {"system": True} if visit.query.get("system") == "yes" else {"tenant_id": visit.tenant}
    try:
        made = await visit.api("create_trunk", body={**body_of(visit.form), **owner}, once=visit.once)
    except Refused as refused:
        return await _new_page(visit, FORM.again(visit.form, refused), refused.status)
    return visit.go(f"/trunks/{made.body['id']}", f"{made.body['name']} is there.")


async def edit(visit: Visit) -> Response:
    found = await visit.api("get_trunk", trunk_id=visit.path["trunk_id"])
    return await _form_page(visit, "trunks/edit.html", filled(found.body), trunk=found.body, etag=found.etag)


async def update(visit: Visit) -> Response:
    id = visit.path["trunk_id"]
    before = (await visit.api("get_trunk", trunk_id=id)).body
    try:
        await visit.api("update_trunk", body=body_of(visit.form, before), if_match=visit.etag, trunk_id=id)
    except Refused as refused:
        found = await visit.api("get_trunk", trunk_id=id)
        form = FORM.again(visit.form, refused)
        return await _form_page(visit, "trunks/edit.html", form, refused.status, trunk=found.body, etag=visit.etag)
    return visit.go(f"/trunks/{id}", "Saved.")


async def allow(visit: Visit) -> Response:
    """Calls may come from one more address."""
    id, address = visit.path["trunk_id"], visit.entered("address")
    found = await visit.api("get_trunk", trunk_id=id)
    allowed = list(dict.fromkeys([*(found.body["allowed_addresses"] or ()), address]))
    await visit.api("update_trunk", body={"allowed_addresses": allowed}, if_match=found.etag, trunk_id=id)
    return visit.go(f"/trunks/{id}", f"Calls from {address} are let in.")


DELETING: Final = Deleting(noun="trunk", done="The trunk is deleted.")

PAGES: Final = (
    page("GET /trunks", "Trunks", show_list, "list_trunks"),
    page("GET /trunks/new", "New trunk", new, "create_trunk", "list_catalogue"),
    page("POST /trunks/new", "New trunk", create, "create_trunk", "list_catalogue"),
    page(
        "GET /trunks/{trunk_id}",
        "Trunk",
        show,
        *("get_trunk", "get_trunk_health", "get_trunk_strip", "get_trunk_registrations", "list_numbers"),
    ),
    page("GET /trunks/{trunk_id}/allow-list", "Who calls", allow_list, "lint_allow_list", "get_trunk"),
    page("GET /trunks/{trunk_id}/edit", "Change trunk", edit, "update_trunk", "get_trunk"),
    page("POST /trunks/{trunk_id}/edit", "Change trunk", update, "update_trunk", "get_trunk"),
    page("POST /trunks/{trunk_id}/allow", "Let an address in", allow, "update_trunk", "get_trunk"),
    page("GET /trunks/{trunk_id}/delete", "Delete trunk", DELETING.ask, "delete_trunk", "get_trunk"),
    page("POST /trunks/{trunk_id}/delete", "Delete trunk", DELETING.delete, "delete_trunk"),
)
