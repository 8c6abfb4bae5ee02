"""The native API's words for trunks."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, RootModel, model_validator

from cordboard.dialects.fields import Networks, host, if_sent
from cordboard.dialects.native.preview import Preview
from cordboard.dialects.native.wire import (
    Body,
    Codec,
    CredentialGiven,
    Header,
    Name,
    Username,
    checked_codecs,
    checked_headers,
)
from cordboard.domain.addresses import Transport
from cordboard.domain.edge import TrunkHealth
from cordboard.domain.numbers import parse_number
from cordboard.domain.times import to_wire
from cordboard.domain.trunk_options import (
    REGISTER_DEFAULT,
    CalledNumberFrom,
    NumberFormat,
    Registration,
    TrunkOptions,
    check_options,
)
from cordboard.domain.trunks import MAX_GATEWAYS, Gateway, MediaPolicy, Trunk
from cordboard.usecases import trunks


def _option(name: str) -> AfterValidator:
    """That a value of this option is as the domain wants it."""

    def checked(value: Any) -> Any:
        given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value}
        check_options(TrunkOptions(**given))
        return value

    return AfterValidator(checked)


def _expires(value: int) -> int:
    check_options(TrunkOptions(registration=Registration(expires=value)))
    return value


Host = Annotated[str, AfterValidator(host)]
SrvField = Annotated[int, Field(ge=0, le=65535)]
Limit = Annotated[int, Field(ge=1, le=1_000_000)]


class GatewayGiven(Body):
    """Where a trunk sends calls; no transport (null) is the trunk's, or what DNS says, or else UDP."""

    host: Host = Field(description="Host name or IP address")
    port: int | None = Field(default=None, ge=1, le=65535)
    transport: Transport | None = None
    name: Name | None = None
    priority: SrvField | None = Field(default=None, description="The lowest first; of all gateways or of none")
    weight: SrvField | None = Field(default=None, description="Share among those of one priority; null is 1")

    def gateway(self) -> Gateway:
        return Gateway(**{name: getattr(self, name) for name in GatewayGiven.model_fields})


class RegistrationGiven(Body):
    """That the edge registers at the gateways."""

    expires: Annotated[int, AfterValidator(_expires)] = Field(default=REGISTER_DEFAULT, description="Seconds")
    domain: Host | None = Field(default=None, description="Of the address of record; null is the gateway's host")


class OptionsUpdate(Body):
    """Changes to what is asked of a trunk: absent is unchanged, null is the default."""

    transport: Transport | None = if_sent(description="Of gateways that say none themselves")
    callers: Annotated[list[str], _option("callers")] | None = if_sent(
        description="Who may call in: E.164 numbers, or their beginnings with `*` behind them; [] or null is everybody"
    )
    headers: Annotated[list[Header], AfterValidator(checked_headers)] | None = if_sent(
        description="Header fields of the INVITE to a gateway"
    )
    codecs: Annotated[list[Codec], AfterValidator(checked_codecs)] | None = if_sent(description="Of the carrier's leg")
    max_calls: Limit | None = if_sent(description="At once, both directions together, at each edge")
    max_calls_per_second: Limit | None = if_sent()
    max_minutes_per_day: Limit | None = if_sent(description="Outbound, of one UTC day, at each edge")
    destinations: Annotated[list[str], _option("destinations")] | None = if_sent(
        description="Beginnings of E.164 numbers that may be called; [] or null is all but premium rate and satellites"
    )
    number_format: NumberFormat | None = if_sent(description="How the carrier writes numbers")
    country_code: Annotated[str, _option("country_code")] | None = if_sent(
        description="In whose national form it writes"
    )
    called_number_from: CalledNumberFrom | None = if_sent(description="Where the called number stands in its INVITE")
    failover_codes: Annotated[list[int], _option("failover_codes")] | None = if_sent(
        description="Answers after which the next gateway is tried, besides none at all, 408 and 5xx"
    )
    registration: RegistrationGiven | None = if_sent()

    def options(self) -> tuple[TrunkOptions, frozenset[str]]:
        """The options, and which of them were sent."""
        values: dict[str, Any] = {
            name: getattr(self, name) for name in self.model_fields_set if getattr(self, name) is not None
        }
        for name in ("callers", "codecs", "destinations", "failover_codes"):
            if name in values:
                values[name] = tuple(values[name])
        if "headers" in values:
            values["headers"] = tuple((header.name, header.value) for header in values["headers"])
        if "registration" in values:
            values["registration"] = Registration(**values["registration"].model_dump())
        return TrunkOptions(**values), frozenset(self.model_fields_set)


class TrunkUpdate(Body):
    """Changes to a trunk: absent is unchanged, null clears."""

    name: Name = if_sent()
    gateways: list[GatewayGiven] = if_sent(
        max_length=MAX_GATEWAYS,
        description="All of them, in order of use; [] makes the trunk inbound only, and its credentials go too",
    )
    username: CredentialGiven | None = if_sent(description="Answers the carrier's 401 or 407")
    password: CredentialGiven | None = if_sent(repr=False)
    inbound_username: Username | None = if_sent(
        description="The carrier must call with these digest credentials; null drops both"
    )
    inbound_password: CredentialGiven = if_sent(repr=False)
    allowed_addresses: Networks | None = if_sent(
        description="Addresses and CIDR ranges that calls come from; [] or null lets everybody in"
    )
    media_in: MediaPolicy = if_sent(description="SRTP of calls from the carrier")
    media_out: MediaPolicy = if_sent(description="SRTP of calls to the carrier")
    tls_verify: bool = if_sent(description="Whether the gateways' certificates and names are checked")
    probe: bool = if_sent(description="Whether the gateways are asked from time to time if they are there")
    options: OptionsUpdate = if_sent()

    def patch(self) -> trunks.Patch:
        """Only what was sent."""
        values: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set & _PATCHED}
        if "gateways" in values:
            values["gateways"] = tuple(each.gateway() for each in self.gateways)
        if "allowed_addresses" in self.model_fields_set:
            values["allowed"] = None if self.allowed_addresses is None else tuple(self.allowed_addresses)
        if "options" in self.model_fields_set:
            values["options"], values["named"] = self.options.options()
        return trunks.Patch(**values)


_PATCHED = frozenset(TrunkUpdate.model_fields) - {"allowed_addresses", "options"}


class NewTrunk(TrunkUpdate):
    """A trunk of a tenant's, a key's own if it names none; or of the system: all tenants may call through it, and none
    changes it."""

    name: Name
    tenant_id: UUID | None = None
    system: bool = False

    @model_validator(mode="after")
    def _owned(self) -> Self:
        if self.system and self.tenant_id is not None:
            raise ValueError("say whose it is: tenant_id, or system")
        return self


class TrunkPath(BaseModel):
    """Path of one trunk."""

    trunk_id: UUID


#: Trunks whose gateways the edge is asked for with one request.
MAX_HEALTH = 100


class TrunkQuery(BaseModel):
    """The trunks of one tenant (a key's own if it names none) or of the system, newest first; or one by its number."""

    tenant_id: UUID | None = None
    number: Annotated[str, AfterValidator(parse_number)] | None = None
    system: bool = False
    health: bool = Field(default=False, description="Tell whether they answer; of 100 at once at most")
    after: UUID | None = None
    limit: int = Field(default=100, ge=1, le=1000)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.health and self.limit > MAX_HEALTH:
            raise ValueError(f"the health of {MAX_HEALTH} trunks at once is told: say limit={MAX_HEALTH}")
        if (self.tenant_id is not None) + (self.number is not None) + self.system > 1:
            raise ValueError("say whose trunks: tenant_id, number or system, one of them")
        return self


class GatewayShown(BaseModel):
    """Where a trunk sends calls."""

    host: str
    port: int | None
    transport: Transport | None
    name: str | None
    priority: int | None
    weight: int | None


class RegistrationShown(BaseModel):
    """That the edge registers at the gateways."""

    expires: int
    domain: str | None


class OptionsShown(BaseModel):
    """What is asked of a trunk."""

    transport: Transport | None
    callers: list[str]
    headers: list[Header]
    codecs: list[str]
    max_calls: int | None
    max_calls_per_second: int | None
    max_minutes_per_day: int | None
    destinations: list[str]
    number_format: NumberFormat
    country_code: str | None
    called_number_from: CalledNumberFrom
    failover_codes: list[int]
    registration: RegistrationShown | None


class TrunkShown(BaseModel):
    """A trunk; of its passwords only whether there is one."""

    id: UUID
    tenant_id: UUID | None
    name: str
    is_system: bool
    gateways: list[GatewayShown]
    username: str | None
    has_password: bool
    inbound_username: str | None
    allowed_addresses: list[str] | None
    media_in: MediaPolicy
    media_out: MediaPolicy
    tls_verify: bool
    probe: bool
    options: OptionsShown
    provider_id: str | None
    created_at: datetime
    updated_at: datetime


class TrunkOrPreview(RootModel[TrunkShown | Preview]):
    """The trunk; with `dry_run` what the change would touch."""


class Trunks(BaseModel):
    """Some trunks; `next` is the `after` of the following page, or null at the end."""

    data: list[TrunkShown]
    next: UUID | None
    health: dict[UUID, TrunkHealth] | None = Field(
        description="With `health`: whether their gateways answer, by id; one without gateways is not in it. null if "
        "no edge of this server can say"
    )


def trunk(shown: Trunk) -> dict[str, Any]:
    # no `asdict`, which copies what nobody changes: the encoder takes dataclasses apart itself
    options = {name: getattr(shown.options, name) for name in TrunkOptions.__slots__}
    headers = [{"name": name, "value": value} for name, value in shown.options.headers]
    return {
        "id": shown.id,
        "tenant_id": shown.tenant,
        "name": shown.name,
        "is_system": shown.system,
        "gateways": shown.gateways,
        "username": shown.username,
        "has_password": shown.password is not None,
        "inbound_username": shown.inbound and shown.inbound.username,
        "allowed_addresses": shown.allowed,
        "media_in": shown.media_in,
        "media_out": shown.media_out,
        "tls_verify": shown.tls_verify,
        "probe": shown.probe,
        "options": {**options, "headers": headers},
        "provider_id": shown.provider_id,
        "created_at": to_wire(shown.created_at),
        "updated_at": to_wire(shown.updated_at),
    }
