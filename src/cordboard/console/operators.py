"""Pages of operators: logins that see their own customers."""

from typing import Any, Final

from starlette.responses import Response

from cordboard.console.api import Refused
from cordboard.console.forms import Field, Form
from cordboard.console.pages import Visit, page
from cordboard.console.parts import ROWS, Listed, deletion

NEW: Final = Form(
    fields=(
        Field(
            name="name",
            label="Name",
            required=True,
            help="By which it logs in, here and at the operator API. Its password is made and shown once.",
        ),
    )
)


async def show_list(visit: Visit) -> Response:
    after = visit.query.get("after")
    rows = (await visit.api("list_operators", query={"after": after, "limit": ROWS})).body["data"]
    onward = rows[-1]["name"] if len(rows) == ROWS else None
    return await visit.show("operators/list.html", page=Listed(rows=rows, next=onward, first=after is None))


async def new(visit: Visit) -> Response:
    return await visit.show("operators/new.html", form=NEW)


async def create(visit: Visit) -> Response:
    try:
        made = await visit.api("create_operator", body=NEW.body(visit.form), once=visit.once)
    except Refused as refused:
        return await visit.show("operators/new.html", refused.status, form=NEW.again(visit.form, refused))
    return await visit.show("operators/password.html", 201, made=made.body)


async def ask_renewal(visit: Visit) -> Response:
    return await visit.show("operators/renew.html", operator=await _operator(visit))


async def renew(visit: Visit) -> Response:
    id = visit.path["operator_id"]
    made = await visit.api("renew_operator_password", once=visit.once, operator_id=id)
    return await visit.show("operators/password.html", made=made.body)


async def ask_deletion(visit: Visit) -> Response:
    operator = await _operator(visit)
    try:
        return await deletion(
            visit, "delete_operator", None, operator["name"], "/operators", operator_id=operator["id"]
        )
    except Refused as refused:
        return await visit.show("operators/kept.html", refused.status, operator=operator, why=str(refused))


async def delete(visit: Visit) -> Response:
    await visit.api("delete_operator", operator_id=visit.path["operator_id"])
    return visit.go("/operators", "The operator is deleted.")


async def _operator(visit: Visit) -> dict[str, Any]:
    """Raises Refused."""
    found = (await visit.api("list_operators", query={"ref": visit.path["operator_id"]})).body["data"]
    operator: dict[str, Any] = found[0]
    return operator


PAGES: Final = (
    page("GET /operators", "Operators", show_list, "list_operators"),
    page("GET /operators/new", "New operator", new, "create_operator"),
    page("POST /operators/new", "New operator", create, "create_operator"),
    page(
        "GET /operators/{operator_id}/password",
        "New password",
        ask_renewal,
        "renew_operator_password",
        "list_operators",
    ),
    page("POST /operators/{operator_id}/password", "New password", renew, "renew_operator_password"),
    page("GET /operators/{operator_id}/delete", "Delete operator", ask_deletion, "delete_operator", "list_operators"),
    page("POST /operators/{operator_id}/delete", "Delete operator", delete, "delete_operator"),
)
