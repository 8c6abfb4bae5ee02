"""What Nebrija's API answers, written down apart from the serialiser: nothing more, nothing less.

https://docs.nebrijaai.com/api-reference/sip-trunks/actualizar-sip-trunk
https://docs.nebrijaai.com/api-reference/phone-numbers/actualizar-numero-de-telefono
"""

from http import HTTPStatus
from typing import Any, Literal

import httpx2
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
#: ISO 8601 in UTC, with Z.
INSTANT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"
MASK = "********"
Encryption = Literal["disable", "allow", "require"]


class Strict(BaseModel):
    """There is no other field, and every field is of its type. Those with a default may be left out."""

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)


class Gateway(Strict):
    ip_or_domain: str = Field(min_length=1)
    port: int = Field(ge=1, le=65535)
    name: str = Field(default="x", min_length=1)
    transport: Literal["udp", "tcp", "tls"] = "udp"
    priority: int = Field(default=0, ge=0, le=65535)
    weight: int = Field(default=0, ge=0, le=65535)


class Authentication(Strict):
    username: str = Field(default="x", min_length=1)
    password: Literal["********"] = MASK


class Both(Strict):
    inbound: Encryption
    outbound: Encryption


class Registration(Strict):
    expires: int
    domain: str = "x"


class Advanced(Strict):
    transport: Literal["udp", "tcp", "tls"] = "udp"
    media_encryption: Literal["disable", "require"] | Both = "require"
    tls_verify: Literal[False] = False
    options_probing: Literal[False] = False
    allowed_addresses: list[str] = []
    allowed_numbers: list[str] = Field(default=["+34*"], min_length=1)
    headers: dict[str, str] = Field(default={"X": "x"}, min_length=1)
    codecs: list[str] = Field(default=["PCMA"], min_length=1)
    max_concurrent_calls: int = 1
    max_calls_per_second: int = 1
    max_minutes_per_day: int = 1
    allowed_destinations: list[str] = Field(default=["+34"], min_length=1)
    number_format: Literal["digits", "international", "national"] = "digits"
    country_code: str = "34"
    called_number_from: Literal["to", "p-called-party-id"] = "to"
    failover_codes: list[int] = Field(default=[404], min_length=1)
    registration: Literal[True] | Registration = True
    inbound_authentication: Authentication = Authentication()


class SipTrunk(Strict):
    id: str = Field(pattern=UUID)
    name: str = Field(min_length=1)
    gateways: list[Gateway]
    authentication: Authentication
    advanced: Advanced
    is_system: bool
    provider_id: str | None
    created_at: str = Field(pattern=INSTANT)
    updated_at: str = Field(pattern=INSTANT)


class PhoneNumber(Strict):
    id: str = Field(pattern=UUID)
    number: str = Field(min_length=1)
    label: str | None
    type: str = Field(pattern="^[a-z]+(-[a-z]+)*$")
    sip_trunk_id: str | None = Field(pattern=UUID)
    assistant_id: str | None = Field(pattern=UUID)
    is_platform_number: bool
    created_at: str = Field(pattern=INSTANT)
    updated_at: str = Field(pattern=INSTANT)


class Error(Strict):
    status_code: int
    message: str = Field(min_length=1)
    error: str


class Invalid(Strict):
    status_code: Literal[400]
    message: list[str] = Field(min_length=1)
    error: Literal["Bad Request"]


def check(path: str, answer: httpx2.Response) -> None:
    """Fail unless the answer to `path` has the one shape that its status and method give it."""
    if answer.status_code == 204:
        assert answer.content == b""
        return
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    if not answer.is_success:
        (Invalid if answer.status_code == 400 else Error).model_validate(body)
        assert (body["statusCode"], body["error"]) == (answer.status_code, HTTPStatus(answer.status_code).phrase)
        return
    kind, *_ = path.partition("?")[0].removeprefix("/api/v1/").split("/")
    shape: type[Strict] = {"sip-trunks": SipTrunk, "phone-numbers": PhoneNumber}[kind]
    for each in body if isinstance(body, list) else [body]:
        shape.model_validate(each)
        _check_order(shape, each)


def _check_order(shape: type[Strict], shown: dict[str, Any]) -> None:
    """Keys stand in the order of the documentation's example."""
    assert list(shown) == [field.alias for field in shape.model_fields.values()]
