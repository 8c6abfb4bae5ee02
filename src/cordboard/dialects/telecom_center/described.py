"""What the OpenAPI document says: the operations, and the form of what they take and answer.

The models here describe; requests are read by query.py and bodies.py, which know the vendor's words for each fault.
"""

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, create_model

from cordboard.dialects.openapi import Answer, Operation
from cordboard.dialects.telecom_center.bodies import MAX_LIMIT
from cordboard.dialects.telecom_center.errors import MEDIA_TYPE, Errors
from cordboard.dialects.telecom_center.query import PAGE_SIZE
from cordboard.dialects.telecom_center.resources import BY_TYPE, CUSTOMERS, SIP_ACCOUNTS, Kind, Resource
from cordboard.domain.tenants import MAX_NAME, Language, Termination

PREFIX = "/api/rest/public/operator"


def _maybe(**more: Any) -> Any:
    """A field that may be left out, without a value that it then has."""
    return Field(default_factory=lambda: None, **more)


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Self(BaseModel):
    """Where an object is."""

    self: str


class AccountAttributes(BaseModel):
    """Attributes of a SIP account; `fields[sip_device_routes]` leaves some out."""

    username: str = _maybe()
    password: str = _maybe()
    incoming_internal: bool = _maybe(description="Record calls from accounts of the customer")
    incoming_external: bool = _maybe(description="Record calls from outside")
    outgoing_internal: bool = _maybe(description="Record calls to accounts of the customer")
    outgoing_external: bool = _maybe(description="Record calls to outside")
    on_demand: bool = _maybe(description="The user may start a recording during the call")
    caller_id_name: str | None = _maybe()
    internal_caller_id: int | None = _maybe()
    external_caller_id: int | None = _maybe()
    allow_external_calls: bool = _maybe()
    is_online: bool = _maybe()
    user_agent: str | None = _maybe()
    use_allowed_ips: bool = _maybe()
    allowed_ips: str | None = _maybe(description="CIDR ranges with commas between")


class CustomerAttributes(BaseModel):
    """Attributes of a customer; `fields[customers]` leaves some out."""

    name: str = _maybe()
    language: Language = _maybe()
    trm_mode: Termination = _maybe()
    capacity_limit: int | None = _maybe()
    sip_account_limit: int | None = _maybe()


class Linkage(BaseModel):
    """The name of an object."""

    type: Literal["customers"]
    id: str


class ToCustomer(BaseModel):
    """A relationship to a customer."""

    data: Linkage


class AccountRelationships(BaseModel):
    """Relationships that are included."""

    customer: ToCustomer


class AccountObject(BaseModel):
    """A SIP account."""

    id: UUID
    type: Literal["sip_device_routes"]
    links: Self
    attributes: AccountAttributes = _maybe()
    relationships: AccountRelationships = _maybe()


class CustomerObject(BaseModel):
    """A customer."""

    id: str
    type: Literal["customers"]
    links: Self
    attributes: CustomerAttributes = _maybe()


class Meta(BaseModel):
    """About a list as a whole."""

    record_count: int = Field(description="Over all pages")


class Links(BaseModel):
    """Other pages of a list."""

    first: str
    prev: str = _maybe()
    next: str = _maybe()
    last: str


class Account(BaseModel):
    """The document of one account."""

    data: AccountObject
    included: list[CustomerObject] = _maybe()


class Accounts(BaseModel):
    """A page of accounts."""

    data: list[AccountObject]
    included: list[CustomerObject] = _maybe()
    meta: Meta
    links: Links


class Customer(BaseModel):
    """The document of one customer."""

    data: CustomerObject


class Customers(BaseModel):
    """A page of customers."""

    data: list[CustomerObject]
    meta: Meta
    links: Links


class AccountChanges(_Closed):
    """What of an account can be changed here."""

    use_allowed_ips: bool | Literal["true", "false", "1", "0", 1, 0] = _maybe()
    allowed_ips: str | None = _maybe(description="IP addresses and CIDR ranges with commas between")


class AccountUpdateData(_Closed):
    id: UUID
    type: Literal["sip_device_routes"]
    attributes: AccountChanges | None = _maybe()
    links: Any = _maybe()
    meta: Any = _maybe()


class AccountUpdate(BaseModel):
    """Body of PATCH sip_device_routes."""

    data: AccountUpdateData


class CustomerChanges(_Closed):
    """What a customer is made of."""

    name: str = _maybe(min_length=1, max_length=MAX_NAME)
    language: Language = _maybe()
    trm_mode: Termination = _maybe()
    termination_mode: Termination = _maybe(description="Another name of trm_mode")
    capacity_limit: int | str | None = _maybe(ge=0, le=MAX_LIMIT, pattern="^[0-9]{1,10}$")
    sip_account_limit: int | str | None = _maybe(ge=0, le=MAX_LIMIT, pattern="^[0-9]{1,10}$")


class NewCustomerAttributes(CustomerChanges):
    name: str = Field(min_length=1, max_length=MAX_NAME)


class NewCustomerData(_Closed):
    id: str | int | None = _maybe(description="Left out, the server makes one")
    type: Literal["customers"]
    attributes: NewCustomerAttributes
    links: Any = _maybe()
    meta: Any = _maybe()


class NewCustomer(BaseModel):
    """Body of POST customers."""

    data: NewCustomerData


class CustomerUpdateData(_Closed):
    id: str | int
    type: Literal["customers"]
    attributes: CustomerChanges | None = _maybe()
    links: Any = _maybe()
    meta: Any = _maybe()


class CustomerUpdate(BaseModel):
    """Body of PATCH customers."""

    data: CustomerUpdateData


class AccountPath(BaseModel):
    """Path of one account."""

    id: UUID


class CustomerPath(BaseModel):
    """Path of one customer."""

    id: str = Field(min_length=1)


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
    one = {200: _said("The account", Account), **_ALWAYS, **_MISSING}
    return [
        Operation(
            method="GET",
            path=path,
            also=(f"{path}/",),
            name="list_sip_device_routes",
            summary="Fetch SIP accounts",
            handler=views.list,
            query=_query("AccountList", _list_parameters(SIP_ACCOUNTS, largest_page)),
            answers={200: _said("A page of accounts", Accounts), **_ALWAYS},
        ),
        Operation(
            method="GET",
            path=f"{path}/{{id}}",
            also=(f"{path}/{{id}}/",),
            name="get_sip_device_route",
            summary="Fetch one SIP account",
            handler=views.get,
            path_model=AccountPath,
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
            path_model=AccountPath,
            query=view,
            body=AccountUpdate,
            answers={**one, **_BODY},
        ),
    ]


def _customer_operations(views: Any, largest_page: int) -> list[Operation]:
    path = f"{PREFIX}/{CUSTOMERS.type}"
    view = _query("CustomerView", _view_parameters(CUSTOMERS))
    one = {200: _said("The customer", Customer), **_ALWAYS, **_MISSING}
    return [
        Operation(
            method="GET",
            path=path,
            also=(f"{path}/",),
            name="list_customers",
            summary="Fetch customers",
            handler=views.list,
            query=_query("CustomerList", _list_parameters(CUSTOMERS, largest_page)),
            answers={200: _said("A page of customers", Customers), **_ALWAYS},
        ),
        Operation(
            method="POST",
            path=path,
            also=(f"{path}/",),
            name="create_customer",
            summary="Create a customer",
            handler=views.create,
            query=view,
            body=NewCustomer,
            answers={201: _said("The customer", Customer), **_ALWAYS, **_BODY, **_TAKEN},
        ),
        Operation(
            method="GET",
            path=f"{path}/{{id}}",
            also=(f"{path}/{{id}}/",),
            name="get_customer",
            summary="Fetch one customer",
            handler=views.get,
            path_model=CustomerPath,
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
            path_model=CustomerPath,
            query=view,
            body=CustomerUpdate,
            answers={**one, **_BODY},
        ),
        Operation(
            method="DELETE",
            path=f"{path}/{{id}}",
            also=(f"{path}/{{id}}/",),
            name="delete_customer",
            summary="Delete a customer with all that is its",
            handler=views.delete,
            path_model=CustomerPath,
            answers={204: Answer(description="Deleted"), **_ALWAYS, **_MISSING},
        ),
    ]
