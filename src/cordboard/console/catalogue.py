"""Pages of the catalogue: what known carriers and platforms ask, and a trunk or an agent made of an entry."""

from typing import Any, Final

from starlette.responses import Response

from cordboard.console.api import Refused
from cordboard.console.forms import Field, Form, wrong
from cordboard.console.pages import Visit, page
from cordboard.console.parts import whose
from cordboard.domain.catalogue import Parameter, WrongParameter, filled

#: What is asked besides the entry's parameters, which stand under `set/`.
_CREDENTIALS: Final = {
    "carrier": (
        Field(name="username", label="Username", help="Answers the carrier's challenge.", absent_if_empty=True),
        Field(name="password", label="Password", kind="password", autocomplete="new-password"),
    ),
    "platform": (
        Field(
            name="auth_username",
            label="Username at the platform",
            help="If the platform asks for credentials.",
            absent_if_empty=True,
        ),
        Field(name="auth_password", label="Password at the platform", kind="password", autocomplete="new-password"),
    ),
}
_MAKES: Final = {"carrier": "create_trunk", "platform": "create_agent"}


async def show_list(visit: Visit) -> Response:
    return await visit.show("catalogue/list.html", entries=(await visit.api("list_catalogue")).body["data"])


async def show(visit: Visit) -> Response:
    entry = await _entry(visit)
    return await visit.show("catalogue/show.html", entry=entry, makes=_MAKES[entry["kind"]])


async def use(visit: Visit) -> Response:
    if visit.tenant is None:
        return await whose(visit)
    entry = await _entry(visit)
    form = _form(entry)
    given = {f"set/{each['name']}": each["default"] or "" for each in entry["parameters"]}
    filled_in = Form(fields=form.fields, values={**given, "name": entry["name"]})
    return await visit.show("catalogue/use.html", entry=entry, form=filled_in)


async def make(visit: Visit) -> Response:
    if (tenant := visit.tenant) is None:
        return await whose(visit)
    entry = await _entry(visit)
    form = _form(entry)
    try:
        body, once = _body(entry, form.body(visit.form)), visit.once
        if entry["kind"] == "platform":
            made = (await visit.api("create_agent", body=body, once=once, tenant_id=tenant)).body
            return visit.go(f"/agents/{made['agent_id']}", f"{made['name']} is there.")
        made = (await visit.api("create_trunk", body={**body, "tenant_id": tenant}, once=once)).body
        return visit.go(f"/trunks/{made['id']}", f"{made['name']} is there.")
    except Refused as refused:
        again = form.again(visit.form, refused)
        return await visit.show("catalogue/use.html", refused.status, entry=entry, form=again)


async def _entry(visit: Visit) -> dict[str, Any]:
    found: dict[str, Any] = (await visit.api("get_catalogue_entry", entry_id=visit.path["entry_id"])).body
    return found


def _form(entry: dict[str, Any]) -> Form:
    asked = tuple(
        Field(
            name=f"set/{each['name']}",
            label=each["name"].capitalize(),
            help=each["means"] if each["default"] else f"{each['means']}, such as {each['example']}",
            required=each["default"] is None,
        )
        for each in entry["parameters"]
    )
    credentials = tuple(field for field in _CREDENTIALS[entry["kind"]] if field.name not in entry["sets"])
    return Form(fields=(Field(name="name", label="Name", required=True), *asked, *credentials))


def _body(entry: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """The body of the operation. Raises Refused."""
    told = {name: value for name, value in said.pop("set", {}).items() if value is not None}
    try:
        return {**filled(entry["sets"], [Parameter(**each) for each in entry["parameters"]], told), **said}
    except WrongParameter as error:
        raise wrong({f"set/{error.name}": str(error)}) from error


PAGES: Final = (
    page("GET /catalogue", "Catalogue", show_list, "list_catalogue"),
    page("GET /catalogue/{entry_id}", "Entry", show, "get_catalogue_entry"),
    page("GET /catalogue/{entry_id}/use", "Use it", use, "get_catalogue_entry"),
    page("POST /catalogue/{entry_id}/use", "Use it", make, "get_catalogue_entry", "create_agent", "create_trunk"),
)
