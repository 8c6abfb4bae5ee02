"""The form of what the operator API takes and answers, for its OpenAPI document alone.

Requests are read by query.py and bodies.py, which know the vendor's words for each fault.
"""

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from cordboard.dialects.telecom_center.bodies import MAX_LIMIT
from cordboard.domain.tenants import MAX_NAME, Language, Termination


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
