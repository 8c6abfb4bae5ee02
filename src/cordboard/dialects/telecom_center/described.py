"""The operations, with all that the OpenAPI document says of them."""

from typing import Any

from pydantic import BaseModel, Field, create_model

from cordboard.dialects.openapi import Answer, Operation
from cordboard.dialects.telecom_center import schemas
from cordboard.dialects.telecom_center.errors import MEDIA_TYPE, Errors
from cordboard.dialects.telecom_center.query import PAGE_SIZE
from cordboard.dialects.telecom_center.resources import BY_TYPE, CUSTOMERS, SIP_ACCOUNTS, Kind, Resource

PREFIX = "/api/rest/public/operator"


_FILTERS = {Kind.TEXT: None, Kind.INTEGER: "^[0-9]+(,[0-9]+)*$", Kind.BOOLEAN: "^(true|false)(,(true|false))*$"}


def _parameter(name: str, description: str, type: Any = str, **more: Any) -> dict[str, Any]:
    return {
        name.translate({ord(c): "_" for c in "[]."}): (
            type | None,
            Field(default=None, alias=name, description=description, **more),
        )
    }


def _list_of(names: Any) -> str:
    one = f"({'|'.join(sorted(names))})"
    return f"^({one}(,{one})*)?$"


def _view_parameters(resource: Resource) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if resource.relationships:
        made |= _parameter("include", "Relationships to include", pattern=_list_of(resource.relationships))
    for type in (resource.type, *resource.relationships.values()):
        made |= _parameter(
            f"fields[{type}]", f"Fields of {type} to show, and no others", pattern=_list_of(BY_TYPE[type].fields)
        )
    return made


def _list_parameters(resource: Resource, largest: int) -> dict[str, Any]:
    signed = [f"-?{name}" for name in resource.sorts]
    made = _view_parameters(resource)
    made |= _parameter("sort", "Attributes to sort by, - descends", pattern=_list_of(signed))
    made |= _parameter("page[number]", "Which page, from 1", int, ge=1)
    made |= _parameter("page[size]", f"Objects on a page, {PAGE_SIZE} if not given", int, ge=1, le=largest)
    for name, kind in resource.filters.items():
        made |= _parameter(f"filter[{name}]", f"Any of these, exactly: {name}", pattern=_FILTERS[kind])
    return made


def _query(name: str, parameters: dict[str, Any]) -> type[BaseModel]:
    model: type[BaseModel] = create_model(name, **parameters)
    return model


def _said(description: str, body: Any = Errors) -> Answer:
    return Answer(description=description, body=body, media_type=MEDIA_TYPE)


_ALWAYS = {
    400: _said("A parameter or the body's form is not as it must be"),
    401: _said("Unauthorized"),
    406: _said("Accept names the JSON:API type with parameters alone"),
    415: _said("Content-Type is not the JSON:API type without parameters"),
    500: _said("Internal Server Error"),
    503: _said("Too busy, or stored and not yet applied; try again"),
}
_MISSING = {404: _said("Record not found")}
_BODY = {413: _said("The body is larger than 1 MiB"), 422: _said("An attribute fails validation")}
_TAKEN = {409: _said("The id is in use already")}


def operations(accounts: Any, customers: Any, largest_page: int) -> list[Operation]:
    """Every operation, with the handlers of `accounts` and `customers`."""
    return [
        *_account_operations(accounts, largest_page),
        *_customer_operations(customers, largest_page),
    ]


def _account_operations(views: Any, largest_page: int) -> list[Operation]:
    path = f"{PREFIX}/{SIP_ACCOUNTS.type}"
    view = _query("AccountView", _view_parameters(SIP_ACCOUNTS))
    one = {200: _said("The account", schemas.Account), **_ALWAYS, **_MISSING}
    return [
        Operation(
            method="GET",
            path=path,
            also=(f"{path}/",),
            name="list_sip_device_routes",
            summary="Fetch SIP accounts",
            handler=views.list,
            query=_query("AccountList", _list_parameters(SIP_ACCOUNTS, largest_page)),
            answers={200: _said("A page of accounts", schemas.Accounts), **_ALWAYS},
        ),
        Operation(
            method="GET",
            path=f"{path}/{{id}}",
            also=(f"{path}/{{id}}/",),
            name="get_sip_device_route",
            summary="Fetch one SIP account",
            handler=views.get,
            path_model=schemas.AccountPath,
            query=view,
            answers=one,
        ),
        Operation(
            method="PATCH",
            path=f"{path}/{{id}}",
            also=(f"{path}/{{id}}/",),
            name="update_sip_device_route",
            summary="Say from which addresses a SIP account may register and call",
            handler=views.update,
            path_model=schemas.AccountPath,
            query=view,
            body=schemas.AccountUpdate,
            answers={**one, **_BODY},
        ),
    ]


def _customer_operations(views: Any, largest_page: int) -> list[Operation]:
    path = f"{PREFIX}/{CUSTOMERS.type}"
    view = _query("CustomerView", _view_parameters(CUSTOMERS))
    one = {200: _said("The customer", schemas.Customer), **_ALWAYS, **_MISSING}
    return [
        Operation(
            method="GET",
            path=path,
            also=(f"{path}/",),
            name="list_customers",
            summary="Fetch customers",
            handler=views.list,
            query=_query("CustomerList", _list_parameters(CUSTOMERS, largest_page)),
            answers={200: _said("A page of customers", schemas.Customers), **_ALWAYS},
        ),
        Operation(
            method="POST",
            path=path,
            also=(f"{path}/",),
            name="create_customer",
            summary="Create a customer",
            handler=views.create,
            query=view,
            body=schemas.NewCustomer,
            answers={201: _said("The customer", schemas.Customer), **_ALWAYS, **_BODY, **_TAKEN},
        ),
        Operation(
            method="GET",
            path=f"{path}/{{id}}",
            also=(f"{path}/{{id}}/",),
            name="get_customer",
            summary="Fetch one customer",
            handler=views.get,
            path_model=schemas.CustomerPath,
            query=view,
            answers=one,
        ),
        Operation(
            method="PATCH",
            path=f"{path}/{{id}}",
            also=(f"{path}/{{id}}/",),
            name="update_customer",
            summary="Update a customer",
            handler=views.update,
            path_model=schemas.CustomerPath,
            query=view,
            body=schemas.CustomerUpdate,
            answers={**one, **_BODY},
        ),
        Operation(
            method="DELETE",
            path=f"{path}/{{id}}",
            also=(f"{path}/{{id}}/",),
            name="delete_customer",
            summary="Delete a customer with all that is its",
            handler=views.delete,
            path_model=schemas.CustomerPath,
            answers={204: Answer(description="Deleted"), **_ALWAYS, **_MISSING},
        ),
    ]
