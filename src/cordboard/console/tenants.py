"""Pages of tenants, which people call customers, and of the limits that they have."""

from dataclasses import replace
from typing import Any, Final

from starlette.responses import Response

from cordboard.console.api import Refused
from cordboard.console.changes import Deleting, Editing, shown
from cordboard.console.forms import Field, Form
from cordboard.console.pages import Visit, page
from cordboard.console.parts import listed

LANGUAGES: Final = (("EN", "English"), ("RU", "Russian"), ("LT", "Lithuanian"), ("LV", "Latvian"))
TERMINATIONS: Final = (
    ("operator", "the operator's"),
    ("operator_customer", "the operator's, then the customer's"),
    ("system", "the system's"),
    ("system_customer", "the system's, then the customer's"),
    ("customer", "the customer's"),
)
_NAME: Final = Field(name="name", label="Name", required=True)
_LIMITS: Final = (
    Field(
        name="account_limit",
        label="SIP accounts at most",
        kind="number",
        help="Empty is no limit. Lowered below what there are, it takes none away.",
    ),
    Field(
        name="capacity_limit",
        label="Calls at once at most",
        kind="number",
        help="Empty is what the installation allows every customer.",
    ),
    Field(name="language", label="Language", kind="select", options=LANGUAGES),
    Field(
        name="termination_mode",
        label="Whose trunks its outbound calls take",
        kind="select",
        options=TERMINATIONS,
        help="In the words of the operator's own system, which is told it again.",
    ),
)
_REFERENCE: Final = Field(
    name="reference",
    label="Reference",
    absent_if_empty=True,
    help="Its id in your own system: letters, digits and _ . ~ -",
)
EDIT: Final = Form(fields=(_NAME, *_LIMITS))
NEW: Final = Form(fields=(_NAME, _REFERENCE, *_LIMITS))
TYPED: Final = Form(fields=(Field(name="name", label="Its name", required=True, help="Type it, to be sure."),))


async def show_list(visit: Visit) -> Response:
    if visit.me.tenant is not None:
        return visit.go(f"/tenants/{visit.me.tenant}")
    return await visit.show("tenants/list.html", page=await listed(visit, "list_tenants"))


async def _new_form(visit: Visit) -> Form:
    """Only the administrator says whose customer it is."""
    if not visit.may("list_operators"):
        return NEW
    found = (await visit.api("list_operators", query={"limit": 1000})).body["data"]
    if not found:
        return NEW
    options = (("", "nobody's: the administrator's own"), *((each["id"], each["name"]) for each in found))
    whose = Field(name="operator_id", label="Operator", kind="select", options=options, absent_if_empty=True)
    return Form(fields=(*NEW.fields, whose))


async def new(visit: Visit) -> Response:
    return await visit.show("tenants/new.html", form=await _new_form(visit))


async def create(visit: Visit) -> Response:
    form = await _new_form(visit)
    try:
        made = (await visit.api("create_tenant", body=form.body(visit.form), once=visit.once)).body
    except Refused as refused:
        return await visit.show("tenants/new.html", refused.status, form=form.again(visit.form, refused))
    return visit.go(f"/tenants/{made['id']}", f"{made['name']} is there.", tenant=made["id"])


async def show(visit: Visit) -> Response:
    tenant = (await visit.api("get_tenant", tenant_id=visit.path["tenant_id"])).body
    keys: list[dict[str, Any]] | None = None
    if visit.may("list_keys"):
        keys = (await visit.api("list_keys", query={"limit": 10}, tenant_id=tenant["id"])).body["data"]
    return await visit.show("tenants/show.html", tenant=tenant, keys=keys, terminations=dict(TERMINATIONS))


async def ask_deletion(visit: Visit) -> Response:
    return await DELETING.ask(visit, TYPED)


async def delete(visit: Visit) -> Response:
    """All that a customer has goes with it, so its name is typed."""
    tenant = (await shown(visit, "tenant")).body
    if visit.entered("name").strip() != tenant["name"]:
        return await DELETING.ask(visit, replace(TYPED, errors={"name": [f"Type {tenant['name']}"]}))
    return await DELETING.delete(visit, tenant=None)


EDITING: Final = Editing(noun="tenant", template="tenants/edit.html", form=EDIT, read=EDIT.body)
DELETING: Final = Deleting(noun="tenant", done="The customer is deleted.")

PAGES: Final = (
    page("GET /tenants", "Customers", show_list, "list_tenants"),
    page("GET /tenants/new", "New customer", new, "create_tenant", "list_operators"),
    page("POST /tenants/new", "New customer", create, "create_tenant", "list_operators"),
    page("GET /tenants/{tenant_id}", "Customer", show, "get_tenant", "list_keys"),
    page("GET /tenants/{tenant_id}/edit", "Change customer", EDITING.edit, "update_tenant", "get_tenant"),
    page("POST /tenants/{tenant_id}/edit", "Change customer", EDITING.update, "update_tenant", "get_tenant"),
    page("GET /tenants/{tenant_id}/delete", "Delete customer", ask_deletion, "delete_tenant", "get_tenant"),
    page("POST /tenants/{tenant_id}/delete", "Delete customer", delete, "delete_tenant", "get_tenant"),
)
