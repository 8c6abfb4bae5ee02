"""Pages of SIP accounts."""

from functools import partial
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.responses import Response

from cordboard.console.api import Refused
from cordboard.console.changes import Deleting, Editing
from cordboard.console.forms import Field, Form, wrong
from cordboard.console.lines import number_of
from cordboard.console.pages import Visit, page
from cordboard.console.parts import listed, told, whose

#: Changes of its registrations that an account's page tells.
PAST: Final = 20
RECORDED: Final = (
    ("incoming-internal", "In, from the customer's own accounts"),
    ("incoming-external", "In, from outside"),
    ("outgoing-internal", "Out, to the customer's own accounts"),
    ("outgoing-external", "Out, to outside"),
    ("on-demand", "Those that the user asks for, during the call"),
)
_REST: Final = (
    Field(name="caller_id_name", label="Name", help="The display name of its calls."),
    Field(
        name="internal_caller_id",
        label="Extension",
        kind="number",
        help="What the customer's other accounts dial, and see when it calls them.",
    ),
    Field(
        name="external_caller_id",
        label="Number that is shown outside",
        kind="number",
        help="One of the customer's numbers.",
    ),
    Field(name="allow_external_calls", label="It may call outside", kind="checkbox"),
    Field(name="use_allowed_ips", label="It registers and calls from these addresses alone", kind="checkbox"),
    Field(name="allowed_ips", label="Addresses", help="Addresses and CIDR ranges, with commas between."),
    Field(name="record", label="Recorded calls", kind="checkboxes", options=RECORDED),
)
NEW: Final = Form(
    fields=(
        Field(name="username", label="Username", absent_if_empty=True, help="One is made if it is empty."),
        Field(
            name="password",
            label="Password",
            kind="password",
            autocomplete="new-password",
            help="One is made if it is empty. It is shown once.",
        ),
        *_REST,
    )
)
EDIT: Final = Form(
    fields=(
        Field(name="username", label="Username", required=True, help="Another one ends its registrations."),
        Field(
            name="password",
            label="New password",
            kind="password",
            autocomplete="new-password",
            help="Empty: it stays as it is. Another one ends its registrations.",
        ),
        *_REST,
    )
)


async def show_list(visit: Visit) -> Response:
    if (tenant := visit.tenant) is None:
        return await whose(visit)
    found = await listed(visit, "list_accounts", {"tenant_id": tenant})
    shown = await told(visit, "get_tenant", tenant_id=tenant)
    there_are = None if shown is None else shown["accounts"]
    return await visit.show("accounts/list.html", page=found, full=_limit_reached(shown), there_are=there_are)


async def _full(visit: Visit, tenant: str) -> str | None:
    """Why no account can be made now, if none can."""
    return _limit_reached(await told(visit, "get_tenant", tenant_id=tenant))


def _limit_reached(shown: dict[str, Any] | None) -> str | None:
    if shown is None or shown["account_limit"] is None or shown["accounts"] < shown["account_limit"]:
        return None
    limit = shown["account_limit"]
    return f"{shown['name']} has reached its limit of {limit} SIP account{'' if limit == 1 else 's'}."


async def new(visit: Visit) -> Response:
    if (tenant := visit.tenant) is None:
        return await whose(visit)
    return await visit.show("accounts/new.html", form=NEW, full=await _full(visit, tenant))


def _body(form: Form, entered: FormData) -> dict[str, Any]:
    """What was entered. Raises Refused for what would become something else."""
    body = form.body(entered)
    amiss = {}
    if body["use_allowed_ips"] and body["allowed_ips"] is None:
        amiss["allowed_ips"] = "say which addresses: it could not register from anywhere"
    if str(entered.get("internal_caller_id", "")).strip().startswith("0"):
        amiss["internal_caller_id"] = "begin with another digit: an extension does not begin with 0"
    if amiss:
        raise wrong(amiss)
    if (
        isinstance(number := body["external_caller_id"], str)
        and (digits := number_of(number).removeprefix("+")).isdecimal()
    ):
        body["external_caller_id"] = int(digits)
    return body


async def create(visit: Visit) -> Response:
    if (tenant := visit.tenant) is None:
        return await whose(visit)
    try:
        made = await visit.api("create_account", body=_body(NEW, visit.form), once=visit.once, tenant_id=tenant)
    except Refused as refused:
        form, full = NEW.again(visit.form, refused), await _full(visit, tenant)
        return await visit.show("accounts/new.html", refused.status, form=form, full=full)
    edges = await told(visit, "list_edges")
    return await visit.show("accounts/password.html", 201, made=made.body, edges=edges["data"] if edges else ())


async def show(visit: Visit) -> Response:
    id = visit.path["account_id"]
    account = (await visit.api("get_account", account_id=id)).body
    past = await told(visit, "list_registrations", {"account_id": id, "limit": PAST})
    return await visit.show("accounts/show.html", account=account, past=past, recorded=dict(RECORDED))


EDITING: Final = Editing(noun="account", template="accounts/edit.html", form=EDIT, read=partial(_body, EDIT))
DELETING: Final = Deleting(
    noun="account", called="username", done="The account is deleted; its registrations have ended."
)

PAGES: Final = (
    page("GET /accounts", "SIP accounts", show_list, "list_accounts", "get_tenant"),
    page("GET /accounts/new", "New SIP account", new, "create_account", "get_tenant"),
    page("POST /accounts/new", "New SIP account", create, "create_account", "get_tenant", "list_edges"),
    page("GET /accounts/{account_id}", "SIP account", show, "get_account", "list_registrations"),
    page("GET /accounts/{account_id}/edit", "Change", EDITING.edit, "update_account", "get_account"),
    page("POST /accounts/{account_id}/edit", "Change", EDITING.update, "update_account", "get_account"),
    page("GET /accounts/{account_id}/delete", "Delete", DELETING.ask, "delete_account", "get_account"),
    page("POST /accounts/{account_id}/delete", "Delete", DELETING.delete, "delete_account"),
)
