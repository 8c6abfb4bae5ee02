"""What Diga's API answers, written down apart from the serialiser: nothing more, nothing less.

https://docs.diga.io/api-reference/phones/get-phone
https://docs.diga.io/api-reference/phones/list-phones
https://api.diga.io/openapi.json (PhoneRegisterResponseSchema, SipConfigResponseSchema, ErrorResponseSchema)
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

UUID = Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
OptUUID = Field(pattern=UUID.metadata[0].pattern)
#: ISO 8601 in UTC, with Z.
INSTANT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"
Encryption = Literal["disable", "allow", "require"]


class Strict(BaseModel):
    """Every field is there, of its type, and there is no other."""

    model_config = ConfigDict(extra="forbid", strict=True)


class SipConfig(Strict):
    termination_uri: str | None
    username: str | None
    inbound_media_encryption: Encryption
    outbound_media_encryption: Encryption
    allowed_addresses: list[str] | None


class Phone(Strict):
    id: str = UUID
    number: str = Field(min_length=1)
    telephony_provider: Literal["netelip", "custom"]
    status: Literal["reserved", "pending_verification", "assigned", "released", "finished"]
    nickname: str | None
    released_at: str | None = Field(pattern=INSTANT)
    scheduled_release_at: str | None = Field(pattern=INSTANT)
    assigned_at: str | None = Field(pattern=INSTANT)
    inbound_agent_id: str | None = OptUUID
    outbound_agent_id: str | None = OptUUID
    sip_config: SipConfig | None
    checkout_url: str | None
    reservation_expires_at: str | None = Field(pattern=INSTANT)
    region_codes: list[str]


class PhonePage(Strict):
    data: list[Phone]
    has_more: bool
    first_id: str | None
    last_id: str | None
    current_page: int | None
    total_pages: int | None


class Envelope(Strict):
    status: Literal["error"]
    error_code: str = Field(pattern=r"^[A-Z]+(_[A-Z]+)*$")
    message: str = Field(min_length=1)


class InvalidField(Strict):
    loc: list[str | int] = Field(min_length=1)
    msg: str = Field(min_length=1)
    type: str = Field(min_length=1)


class Detail(Strict):
    detail: list[InvalidField] = Field(min_length=1)


_ERROR: TypeAdapter[Envelope | Detail] = TypeAdapter(Envelope | Detail)


def check_error(body: Any, status: int) -> None:
    """Raise ValidationError unless `body` is one of the two error shapes, the second on 422 alone."""
    if status == 422:
        _ERROR.validate_python(body)
    else:
        Envelope.model_validate(body)
