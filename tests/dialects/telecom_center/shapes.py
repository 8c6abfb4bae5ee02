"""What the operator API answers, written down apart from the serialiser: nothing more, nothing less.

https://doc.telecom.center/reference/sip-accounts.html
https://doc.telecom.center/reference/customers.html
https://jsonapi.org/format/1.0/
"""

from typing import Any, Literal

import httpx2
from pydantic import BaseModel, ConfigDict, Field

UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
NETWORKS = r"^([0-9a-f:.]+/[0-9]{1,3}(,[0-9a-f:.]+/[0-9]{1,3})*)?$"
URL = r"^https?://[^/]+/api/rest/public/operator/(sip_device_routes|customers)"
#: A page of a list: brackets and commas are percent-encoded.
PAGE = URL + r"\?[A-Za-z0-9_.~%=&+-]*page%5Bnumber%5D=[0-9]+&page%5Bsize%5D=[0-9]+"
TYPE = "application/vnd.api+json"
ATTRIBUTES = (
    "username password incoming_internal incoming_external outgoing_internal outgoing_external on_demand "
    "caller_id_name internal_caller_id external_caller_id allow_external_calls is_online user_agent use_allowed_ips "
    "allowed_ips".split()
)


class Strict(BaseModel):
    """There is no other field, and every field is of its type. Those with a default may be left out."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Links(Strict):
    self: str = Field(pattern=URL + "/[^/?]+$")


class AccountAttributes(Strict):
    username: str = ""
    password: str = Field(default="", min_length=8)
    incoming_internal: bool = False
    incoming_external: bool = False
    outgoing_internal: bool = False
    outgoing_external: bool = False
    on_demand: bool = False
    caller_id_name: str | None = None
    internal_caller_id: int | None = None
    external_caller_id: int | None = None
    allow_external_calls: bool = False
    is_online: bool = False
    user_agent: str | None = None
    use_allowed_ips: bool = False
    allowed_ips: str | None = Field(default=None, pattern=NETWORKS)


class CustomerAttributes(Strict):
    name: str = ""
    language: Literal["EN", "RU", "LT", "LV"] = "EN"
    trm_mode: Literal["operator", "operator_customer", "system", "system_customer", "customer"] = "operator"
    capacity_limit: int | None = None
    sip_account_limit: int | None = None


class Linkage(Strict):
    type: Literal["customers"]
    id: str


class ToCustomer(Strict):
    data: Linkage


class Relationships(Strict):
    customer: ToCustomer


class Account(Strict):
    id: str = Field(pattern=UUID)
    type: Literal["sip_device_routes"]
    links: Links
    attributes: AccountAttributes | None = None
    relationships: Relationships | None = None


class Customer(Strict):
    id: str = Field(min_length=1)
    type: Literal["customers"]
    links: Links
    attributes: CustomerAttributes | None = None


class Meta(Strict):
    record_count: int = Field(ge=0)


class Pages(Strict):
    first: str = Field(pattern=PAGE)
    prev: str = Field(default="", pattern=PAGE)
    next: str = Field(default="", pattern=PAGE)
    last: str = Field(pattern=PAGE)


class OneAccount(Strict):
    data: Account
    included: list[Customer] = Field(default=[], min_length=1, max_length=1)


class ManyAccounts(Strict):
    data: list[Account]
    included: list[Customer] = Field(default=[], min_length=1)
    meta: Meta
    links: Pages


class OneCustomer(Strict):
    data: Customer


class ManyCustomers(Strict):
    data: list[Customer]
    meta: Meta
    links: Pages


class Source(Strict):
    pointer: str = Field(pattern="^/data")


class Error(Strict):
    title: str = Field(min_length=1)
    detail: str = Field(min_length=1)
    code: str = Field(pattern="^[0-9]{3}$")
    source: Source | None = None
    status: str = Field(pattern="^[45][0-9]{2}$")


class Errors(Strict):
    errors: list[Error] = Field(min_length=1)


SHAPES = {("sip_device_routes", 0): ManyAccounts, ("sip_device_routes", 1): OneAccount}
SHAPES |= {("customers", 0): ManyCustomers, ("customers", 1): OneCustomer}


def check(path: str, answer: httpx2.Response) -> None:
    """Fail unless the answer to `path` has the one shape that its status and method give it."""
    if answer.status_code == 204:
        assert answer.content == b""
        return
    assert answer.headers["content-type"] == TYPE, answer.headers
    document = answer.json()
    if not answer.is_success:
        Errors.model_validate(document)
        assert {error["status"] for error in document["errors"]} == {str(answer.status_code)}
        return
    type, *id = path.rstrip("/").partition("/api/rest/public/operator/")[2].split("/")
    SHAPES[type, 1 if answer.status_code == 201 else len(id)].model_validate(document)
    _check_order(document)


def _check_order(document: dict[str, Any]) -> None:
    """Keys stand in the order of the documentation's examples."""
    assert list(document) == [key for key in ("data", "included", "meta", "links") if key in document]
    data = document["data"] if isinstance(document["data"], list) else [document["data"]]
    for each in data:
        order = ("id", "type", "links", "attributes", "relationships")
        assert list(each) == [key for key in order if key in each]
        if each["type"] == "sip_device_routes":
            shown = list(each.get("attributes", {}))
            assert shown == [name for name in ATTRIBUTES if name in shown]
