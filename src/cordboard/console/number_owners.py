"""Pages that say whose a number is: the platform's own numbers, and the account that answers one."""

from typing import Final

from starlette.responses import Response

from cordboard.console.api import Refused
from cordboard.console.forms import Field, Form
from cordboard.console.lines import number_of
from cordboard.console.numbers import ADDRESSES
from cordboard.console.pages import Page, Visit, page
from cordboard.console.parts import choices, name_by_id

_CUSTOMER: Final = Field(name="tenant_id", label="Customer", kind="select")
ADD: Final = Form(
    fields=(
        Field(name="number", label="Number", required=True, help="With + and the country code."),
        _CUSTOMER,
        Field(
            name="status",
            label="It is",
            kind="select",
            options=(("reserved", "Reserved"), ("assigned", "Assigned: the customer has it at once")),
            help="A number that is reserved for a customer goes back after a day.",
        ),
        ADDRESSES,
    )
)
ASSIGN: Final = Form(fields=(_CUSTOMER,))
ANSWER: Final = Form(
    fields=(
        Field(
            name="username",
            label="SIP account",
            required=True,
            help="Its username. All phones that are registered as it ring when the number is called.",
        ),
    )
)


async def _customers(visit: Visit, form: Form, none: str) -> Form:
    return form.choosing(tenant_id=await choices(visit, "list_tenants", none=none, chosen=(visit.tenant,)))


async def new(visit: Visit) -> Response:
    return await _add_page(visit, ADD.of({"tenant_id": visit.tenant}))


async def _add_page(visit: Visit, form: Form, status: int = 200) -> Response:
    form = await _customers(visit, form, "Nobody yet: into the inventory")
    return await visit.show("numbers/add.html", status, form=form)


async def add(visit: Visit) -> Response:
    body = ADD.body(visit.form)
    body["number"] = number_of(body["number"] or "") or None
    try:
        await name_by_id(visit, body, tenant_id="tenant")
        made = await visit.api("add_number", body=body, once=visit.once)
    except Refused as refused:
        return await _add_page(visit, ADD.again(visit.form, refused), refused.status)
    return visit.go(f"/numbers/{made.body['id']}", f"{made.body['number']} is added.")


async def ask_customer(visit: Visit) -> Response:
    return await _assign_page(visit, ASSIGN.of({"tenant_id": visit.tenant}))


async def _assign_page(visit: Visit, form: Form, status: int = 200) -> Response:
    number = (await visit.api("get_number", number_id=visit.path["number_id"])).body
    form = await _customers(visit, form, "Choose one")
    return await visit.show("numbers/assign.html", status, number=number, form=form, who="a customer")


async def assign(visit: Visit) -> Response:
    number = (await visit.api("get_number", number_id=visit.path["number_id"])).body
    try:
        body = {"number": number["number"], **ASSIGN.body(visit.form)}
        await name_by_id(visit, body, tenant_id="tenant")
        await visit.api("assign_number", body=body, once=visit.once)
    except Refused as refused:
        return await _assign_page(visit, ASSIGN.again(visit.form, refused), refused.status)
    return visit.go(f"/numbers/{number['id']}", "It is assigned.")


async def ask_account(visit: Visit) -> Response:
    return await _account_page(visit, ANSWER)


async def _account_page(visit: Visit, form: Form, status: int = 200) -> Response:
    number = (await visit.api("get_number", number_id=visit.path["number_id"])).body
    return await visit.show("numbers/assign.html", status, number=number, form=form, who="a SIP account")


async def answer(visit: Visit) -> Response:
    number = (await visit.api("get_number", number_id=visit.path["number_id"])).body
    try:
        found = await visit.api("list_accounts", query={"username": visit.entered("username").strip()})
        body = {"number": number["number"], "account_id": found.body["data"][0]["id"]}
        await visit.api("assign_number", body=body, once=visit.once)
    except Refused as refused:
        return await _account_page(visit, ANSWER.again(visit.form, refused), refused.status)
    return visit.go(f"/numbers/{number['id']}", "Its calls go to the account.")


#: Before the pages of one number: /numbers/add is none.
PAGES: Final[tuple[Page, ...]] = (
    page("GET /numbers/add", "Add a platform number", new, "add_number", "list_tenants"),
    page("POST /numbers/add", "Add a platform number", add, "add_number", "list_tenants"),
    # the first operation says who may: assigning to a customer is the administrator's
    page("GET /numbers/{number_id}/assign", "Assign", ask_customer, "add_number", "get_number", "list_tenants"),
    page(
        "POST /numbers/{number_id}/assign",
        "Assign",
        assign,
        *("assign_number", "get_number", "list_tenants"),
    ),
    page("GET /numbers/{number_id}/account", "Send to an account", ask_account, "assign_number", "get_number"),
    page(
        "POST /numbers/{number_id}/account",
        "Send to an account",
        answer,
        *("assign_number", "get_number", "list_accounts"),
    ),
)
