"""Diga's words: requests to commands, rows to phones. Every field of the July 2026 shape, null ones too."""

from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, model_validator
from pydantic_core import from_json

from cordboard.dialects.fields import Credential, Networks, Nickname, Termination
from cordboard.domain.addresses import HostPort
from cordboard.domain.agents import VersionId
from cordboard.domain.numbers import NumberId, Provider, Status, parse_number
from cordboard.domain.tenants import TenantId
from cordboard.domain.trunks import MediaPolicy, TrunkId
from cordboard.storage.numbers import Filter, ShownNumber
from cordboard.usecases.numbers import Import, NumberPatch, TrunkPatch
from cordboard.usecases.pages import Page
from cordboard.usecases.ports import UNCHANGED, NewId


def _utc(value: datetime) -> datetime:
    """A time without a zone is UTC."""
    if value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the instant lies outside the years 1 to 9999") from error


#: Never in a repr: a model may end up in a traceback.
Password = Annotated[Credential | None, Field(repr=False)]
Number = Annotated[str, Field(min_length=1), AfterValidator(parse_number)]
Allowed = Annotated[
    Networks,
    Field(description="IP addresses and CIDR ranges; an empty list accepts all traffic"),
]
Instant = Annotated[datetime, AfterValidator(_utc)]


class InboundConfig(BaseModel):
    """How calls come in."""

    media_encryption: MediaPolicy = MediaPolicy.ALLOW
    allowed_addresses: Allowed | None = None


class OutboundConfig(BaseModel):
    """How calls go out."""

    termination_uri: Termination
    username: Credential | None = None
    password: Password = None
    media_encryption: MediaPolicy = MediaPolicy.ALLOW


class LegacySipConfig(BaseModel):
    """The outbound half as it was sent until April 2026."""

    termination_uri: Termination
    username: Credential | None = None
    password: Password = None


class PhoneImport(BaseModel):
    """Body of POST import, in the July 2026 shape or the older one."""

    phone_number: Number
    nickname: Nickname | None = None
    inbound_config: InboundConfig | None = None
    outbound_config: OutboundConfig | None = None
    sip_config: LegacySipConfig | None = Field(default=None, json_schema_extra={"deprecated": True})

    @model_validator(mode="after")
    def _one_outbound(self) -> Self:
        if self.sip_config is not None and self.outbound_config is not None:
            raise ValueError("send sip_config or outbound_config, not both")
        return self

    def command(self, new_id: NewId) -> Import:
        inbound = self.inbound_config or InboundConfig()
        outbound = self.outbound_config
        if self.sip_config is not None:
            outbound = OutboundConfig.model_construct(**dict(self.sip_config))
        new = partial(
            Import,
            id=NumberId(new_id()),
            trunk_id=TrunkId(new_id()),
            number=self.phone_number,
            nickname=self.nickname,
            allowed=_tuple(inbound.allowed_addresses),
            media_in=inbound.media_encryption,
        )
        if outbound is None:
            return new()
        return new(
            gateway=outbound.termination_uri,
            username=outbound.username,
            password=outbound.password,
            media_out=outbound.media_encryption,
        )


class PhoneUpdate(BaseModel):
    """Body of PATCH phone: absent is unchanged, null clears."""

    nickname: Nickname | None = None
    inbound_version_id: UUID | None = None
    outbound_version_id: UUID | None = None

    def command(self) -> NumberPatch:
        sent = self.model_fields_set
        return NumberPatch(
            nickname=self.nickname if "nickname" in sent else UNCHANGED,
            inbound_version=_version(self.inbound_version_id) if "inbound_version_id" in sent else UNCHANGED,
            outbound_version=_version(self.outbound_version_id) if "outbound_version_id" in sent else UNCHANGED,
        )


class InboundConfigUpdate(BaseModel):
    """Changes to how calls come in: null media_encryption is unchanged, null allowed_addresses clears."""

    media_encryption: MediaPolicy | None = None
    allowed_addresses: Allowed | None = None


class OutboundConfigUpdate(BaseModel):
    """Changes to how calls go out: null clears, but for media_encryption, where it is unchanged."""

    termination_uri: Termination | None = None
    username: Credential | None = None
    password: Password = None
    media_encryption: MediaPolicy | None = None


class SipConfigUpdate(BaseModel):
    """Body of PATCH sip-config; a null half is unchanged."""

    inbound_config: InboundConfigUpdate | None = None
    outbound_config: OutboundConfigUpdate | None = None

    def command(self) -> TrunkPatch:
        inbound = self.inbound_config or InboundConfigUpdate()
        outbound = self.outbound_config or OutboundConfigUpdate()
        sent = outbound.model_fields_set
        cleared = "allowed_addresses" in inbound.model_fields_set
        return TrunkPatch(
            allowed=_tuple(inbound.allowed_addresses) if cleared else UNCHANGED,
            media_in=inbound.media_encryption or UNCHANGED,
            media_out=outbound.media_encryption or UNCHANGED,
            gateway=outbound.termination_uri if "termination_uri" in sent else UNCHANGED,
            username=outbound.username if "username" in sent else UNCHANGED,
            password=outbound.password if "password" in sent else UNCHANGED,
            outbound=self.outbound_config is not None,
        )


class PhonePath(BaseModel):
    """Path of one phone."""

    phone_id: UUID


class ReleasePath(BaseModel):
    """Path of the phone to release."""

    id: UUID


class PaginationConflict(Exception):
    """Two ways of asking for a page at once."""


class PhoneQuery(BaseModel):
    """Query of the list."""

    after: UUID | None = None
    before: UUID | None = None
    page: int | None = Field(default=None, ge=1)
    limit: int = Field(default=20, ge=1, le=100)
    order: Literal["asc", "desc"] = "desc"
    inbound_agent_id: UUID | None = None
    outbound_agent_id: UUID | None = None
    status: Status | None = None
    start_assigned_at: Instant | None = None
    end_assigned_at: Instant | None = None

    def checked(self) -> Self:
        """Raise PaginationConflict unless at most one way of paging is asked for."""
        if self.before is not None and self.after is not None:
            raise PaginationConflict("Cannot specify both 'before' and 'after' parameters")
        if self.page is not None and (self.before is not None or self.after is not None):
            raise PaginationConflict("Cannot specify 'page' together with 'before' or 'after'")
        return self

    @property
    def after_id(self) -> NumberId | None:
        return None if self.after is None else NumberId(str(self.after))

    @property
    def before_id(self) -> NumberId | None:
        return None if self.before is None else NumberId(str(self.before))

    def filter(self, tenant: TenantId) -> Filter:
        return Filter(
            tenant=tenant,
            inbound_agent=None if self.inbound_agent_id is None else str(self.inbound_agent_id),
            outbound_agent=None if self.outbound_agent_id is None else str(self.outbound_agent_id),
            status=self.status,
            assigned_from=self.start_assigned_at,
            assigned_to=self.end_assigned_at,
        )


class SipConfig(BaseModel):
    """The trunk of an imported phone; a password is never shown."""

    termination_uri: str | None
    username: str | None
    inbound_media_encryption: MediaPolicy
    outbound_media_encryption: MediaPolicy
    allowed_addresses: list[str] | None


class Phone(BaseModel):
    """A phone as every operation shows it."""

    id: UUID
    number: str
    telephony_provider: Provider
    status: Status
    nickname: str | None
    released_at: datetime | None
    scheduled_release_at: datetime | None
    assigned_at: datetime | None
    inbound_agent_id: UUID | None
    outbound_agent_id: UUID | None
    sip_config: SipConfig | None
    checkout_url: str | None
    reservation_expires_at: datetime | None
    region_codes: list[str]


class PhonePage(BaseModel):
    """One page of phones."""

    data: list[Phone]
    has_more: bool
    first_id: UUID | None
    last_id: UUID | None
    current_page: int | None
    total_pages: int | None


def phone(shown: ShownNumber) -> dict[str, Any]:
    """A phone in its wire form, from the store's view of a number."""
    return {
        "id": shown.id,
        "number": shown.number,
        "telephony_provider": shown.provider,
        "status": shown.status,
        "nickname": shown.nickname,
        "released_at": shown.released_at,
        "scheduled_release_at": shown.scheduled_release_at,
        "assigned_at": shown.assigned_at,
        "inbound_agent_id": shown.inbound_agent_id,
        "outbound_agent_id": shown.outbound_agent_id,
        "sip_config": _sip_config(shown) if shown.provider == "custom" and shown.trunk_id is not None else None,
        "checkout_url": None,
        "reservation_expires_at": shown.reservation_expires_at,
        "region_codes": from_json(shown.region_codes),
    }


def _sip_config(shown: ShownNumber) -> dict[str, Any]:
    return {
        "termination_uri": None if shown.host is None else _host_port(shown.host, shown.port),
        "username": shown.username,
        "inbound_media_encryption": shown.media_in,
        "outbound_media_encryption": shown.media_out,
        "allowed_addresses": None if shown.allowed is None else from_json(shown.allowed),
    }


@lru_cache(maxsize=1024)  # many phones hang on few gateways
def _host_port(host: str, port: int | None) -> str:
    return str(HostPort(host=host, port=port))


def phone_page(page: Page) -> dict[str, Any]:
    """A page of phones in its wire form."""
    data = [phone(row) for row in page.rows]
    return {
        "data": data,
        "has_more": page.more,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "current_page": page.number,
        "total_pages": page.pages,
    }


def _tuple(values: list[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)


def _version(id: UUID | None) -> VersionId | None:
    return None if id is None else VersionId(str(id))
