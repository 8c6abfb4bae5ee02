"""Pages of tenants' API keys."""

from typing import Final

from starlette.responses import Response

from cordboard.console.api import Refused
from cordboard.console.forms import Field, Form
from cordboard.console.pages import Visit, page
from cordboard.console.parts import listed, whose
from cordboard.domain.keys import PERMISSIONS

NEW: Final = Form(
    fields=(
        Field(name="name", label="Name", absent_if_empty=True, help="What it is for, so that you know it again."),
        Field(name="everything", label="It may do everything that the customer may", kind="checkbox"),
        Field(
            name="permissions",
            label="Or only what is ticked here",
            kind="checkboxes",
            options=tuple((each, each) for each in PERMISSIONS),
        ),
    ),
    values={"everything": True},
)


async def show_list(visit: Visit) -> Response:
    if (tenant := visit.tenant) is None:
        return await whose(visit)
    return await visit.show("keys/list.html", page=await listed(visit, "list_keys", tenant_id=tenant))


async def new(visit: Visit) -> Response:
    if visit.tenant is None:
        return await whose(visit)
    return await visit.show("keys/new.html", form=NEW)


async def create(visit: Visit) -> Response:
    if (tenant := visit.tenant) is None:
        return await whose(visit)
    body = NEW.body(visit.form)
    if body.pop("everything"):
        body["permissions"] = None
    try:
        if body["permissions"] == []:
            tell = "tick at least one, or let it do everything"
            raise Refused(422, {"errors": [{"pointer": "/permissions", "detail": tell}]})
        made = (await visit.api("create_key", body=body, once=visit.once, tenant_id=tenant)).body
    except Refused as refused:
        return await visit.show("keys/new.html", refused.status, form=NEW.again(visit.form, refused))
    return await visit.show("keys/made.html", 201, made=made)


async def ask_revocation(visit: Visit) -> Response:
    key = (await visit.api("get_key", key_id=visit.path["key_id"])).body
    return await visit.show("keys/revoke.html", key=key)


async def revoke(visit: Visit) -> Response:
    await visit.api("revoke_key", key_id=visit.path["key_id"])
    return visit.go("/keys", "The key is revoked: it is refused from now on.")


PAGES: Final = (
    page("GET /keys", "API keys", show_list, "list_keys"),
    page("GET /keys/new", "New API key", new, "create_key"),
    page("POST /keys/new", "New API key", create, "create_key"),
    page("GET /keys/{key_id}/revoke", "Revoke key", ask_revocation, "revoke_key", "get_key"),
    page("POST /keys/{key_id}/revoke", "Revoke key", revoke, "revoke_key"),
)
