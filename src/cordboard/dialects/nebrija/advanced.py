"""`advanced`: the options of a trunk, by their names at Nebrija's API and in the domain.

The vendor's pages say that there are advanced settings and name none; these are ours. Null and absence are the default.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from cordboard.dialects.fields import Networks, if_sent
from cordboard.dialects.nebrija.authentication import InboundAuthentication, authentication
from cordboard.domain.addresses import Transport, check_host
from cordboard.domain.headers import MAX_HEADERS, check_headers
from cordboard.domain.media import CODECS, check_codecs
from cordboard.domain.trunk_options import (
    MAX_LISTED,
    REGISTER_DEFAULT,
    REGISTER_SECONDS,
    CalledNumberFrom,
    NumberFormat,
    Registration,
    TrunkOptions,
)
from cordboard.domain.trunks import MediaPolicy, Trunk

#: Options that are the domain's, by their fields here, and the field of TrunkOptions.
_OPTIONS: Final = {
    "transport": "transport",
    "allowed_numbers": "callers",
    "headers": "headers",
    "codecs": "codecs",
    "max_concurrent_calls": "max_calls",
    "max_calls_per_second": "max_calls_per_second",
    "max_minutes_per_day": "max_minutes_per_day",
    "allowed_destinations": "destinations",
    "number_format": "number_format",
    "country_code": "country_code",
    "called_number_from": "called_number_from",
    "failover_codes": "failover_codes",
    "registration": "registration",
}
#: What a message calls the domain's options.
WIRE_NAMES: Final = {
    **{field: f"advanced.{to_camel(name)}" for name, field in _OPTIONS.items()},
    "inbound": "advanced.inboundAuthentication",
}


class _Options(BaseModel):
    """What is not known is refused by name."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)


class BothWays(_Options):
    """A policy for each direction; one that is left out stays as it is."""

    inbound: MediaPolicy = if_sent(description="Of calls from the carrier")
    outbound: MediaPolicy = if_sent(description="Of calls to the carrier")


class RegistrationGiven(_Options):
    """How the edge registers at the gateways, with the trunk's username and password."""

    expires: Annotated[int, Field(strict=True, ge=REGISTER_SECONDS[0], le=REGISTER_SECONDS[1])] = Field(
        default=REGISTER_DEFAULT, description="Seconds"
    )
    domain: Annotated[str, AfterValidator(check_host)] | None = Field(
        default=None, description="Host of the address of record; null is that of the gateway"
    )


def _both_ways(value: Any) -> Any:
    return {"inbound": value, "outbound": value} if isinstance(value, str) else value


def _registration(value: Any) -> Any:
    return {True: {}, False: None}[value] if isinstance(value, bool) else value


def _headers(values: dict[str, str]) -> dict[str, str]:
    return dict(check_headers(list(values.items())))


def _codecs(values: list[str]) -> list[str]:
    return list(check_codecs(values))


TransportGiven = Literal["auto", "udp", "tcp", "tls"]
Limit = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Flag = Annotated[bool, Field(strict=True)]
Numbers = Annotated[list[str], Field(max_length=MAX_LISTED)]
Code = Annotated[int, Field(strict=True, ge=400, le=499)]
Codec = Annotated[str, Field(json_schema_extra={"enum": list(CODECS)})]


class Advanced(_Options):
    """Advanced settings of a trunk; one that is null, or was never sent, is as it is by default."""

    transport: TransportGiven | None = if_sent(
        description="Of gateways that name none themselves; auto (the default) is what DNS says, or else UDP"
    )
    media_encryption: Annotated[
        BothWays | None, BeforeValidator(_both_ways, json_schema_input_type=MediaPolicy | BothWays | None)
    ] = if_sent(description="SRTP: disable, allow (the default) or require, for both directions or for each")
    tls_verify: Flag | None = if_sent(description="Whether gateways' certificates and names are checked; true")
    options_probing: Flag | None = if_sent(description="Whether gateways are asked if they are there; true")
    allowed_addresses: Networks | None = if_sent(
        description="Addresses and CIDR ranges that calls come from; [] and null let everybody in"
    )
    allowed_numbers: Numbers | None = if_sent(
        description="Who may call in: numbers such as +34911234567, or beginnings such as +34*; [] is everybody"
    )
    headers: Annotated[dict[str, str], Field(max_length=MAX_HEADERS), AfterValidator(_headers)] | None = if_sent(
        description="Header fields of the INVITE to a gateway"
    )
    codecs: Annotated[list[Codec], AfterValidator(_codecs)] | None = if_sent(
        description="Of the carrier's leg, in order of preference; [] leaves offers as they are"
    )
    max_concurrent_calls: Limit | None = if_sent(description="Both directions together, at each edge")
    max_calls_per_second: Limit | None = if_sent(description="At each edge")
    max_minutes_per_day: Limit | None = if_sent(description="Outbound, of one UTC day, at each edge")
    allowed_destinations: Numbers | None = if_sent(
        description="Beginnings of numbers that may be called, such as +34; [] is all but premium rate and satellites"
    )
    number_format: NumberFormat | None = if_sent(description="How the carrier writes numbers; e164")
    country_code: str | None = if_sent(
        pattern="^[1-9][0-9]{0,2}$", description="In whose national form, such as 34; national needs it"
    )
    called_number_from: CalledNumberFrom | None = if_sent(
        description="Where the called number stands in the carrier's INVITE; ruri"
    )
    failover_codes: Annotated[list[Code], Field(max_length=100)] | None = if_sent(
        description="Answers after which the next gateway is tried, besides none at all, 408 and 5xx"
    )
    registration: Annotated[
        RegistrationGiven | None,
        BeforeValidator(_registration, json_schema_input_type=bool | RegistrationGiven | None),
    ] = if_sent(description="Whether the edge registers at the gateways, and how; null and false: it does not")
    inbound_authentication: InboundAuthentication | None = if_sent(
        description="With what the carrier answers our 407 when it calls; null: its address alone says who it is"
    )

    def options(self) -> tuple[TrunkOptions, frozenset[str]]:
        """The domain's options that were sent, and which these are."""
        sent = {field: _value(getattr(self, name)) for name, field in _OPTIONS.items() if name in self.model_fields_set}
        if "transport" in sent:
            sent["transport"] = transport(self.transport)
        given = {field: value for field, value in sent.items() if value is not None}
        return TrunkOptions(**given), frozenset(sent)

    def fields(self) -> dict[str, Any]:
        """What else was sent: fields of the domain's New and Patch."""
        sent, found = self.model_fields_set, dict[str, Any]()
        if "media_encryption" in sent:
            both = self.media_encryption or BothWays(inbound=MediaPolicy.ALLOW, outbound=MediaPolicy.ALLOW)
            names = {"inbound": "media_in", "outbound": "media_out"}
            found |= {names[name]: getattr(both, name) for name in both.model_fields_set}
        if "tls_verify" in sent:
            found["tls_verify"] = self.tls_verify is not False
        if "options_probing" in sent:
            found["probe"] = self.options_probing is not False
        if "allowed_addresses" in sent:
            found["allowed"] = None if self.allowed_addresses is None else tuple(self.allowed_addresses)
        if "inbound_authentication" in sent:
            given = {"username": None} if self.inbound_authentication is None else self.inbound_authentication.fields()
            found |= {f"inbound_{name}": value for name, value in given.items()}
        return found


class AdvancedShown(Advanced):
    """As they are shown: those alone that are not as by default, in one form each. For the document; none is made."""

    transport: Literal["udp", "tcp", "tls"] = if_sent()
    media_encryption: MediaPolicy | BothWays = if_sent()  # type: ignore[assignment]
    registration: Literal[True] | RegistrationGiven = if_sent()  # type: ignore[assignment]


def transport(given: TransportGiven | None) -> Transport | None:
    """As the domain has it."""
    return None if given is None or given == "auto" else Transport(given)


def _value(given: Any) -> Any:
    """As the domain has it."""
    if isinstance(given, list):
        return tuple(given)
    if isinstance(given, dict):
        return tuple(given.items())
    if isinstance(given, RegistrationGiven):
        return Registration(expires=given.expires, domain=given.domain)
    return given


def advanced(trunk: Trunk) -> dict[str, Any]:
    """What of a trunk is not as it is by default."""
    options, inbound = trunk.options, trunk.inbound
    found: dict[str, Any] = {
        "transport": options.transport,
        "mediaEncryption": _media(trunk),
        "tlsVerify": _unless(True, trunk.tls_verify),
        "optionsProbing": _unless(True, trunk.probe),
        "allowedAddresses": trunk.allowed,
        "allowedNumbers": options.callers or None,
        "headers": dict(options.headers) or None,
        "codecs": options.codecs or None,
        "maxConcurrentCalls": options.max_calls,
        "maxCallsPerSecond": options.max_calls_per_second,
        "maxMinutesPerDay": options.max_minutes_per_day,
        "allowedDestinations": options.destinations or None,
        "numberFormat": _unless(NumberFormat.E164, options.number_format),
        "countryCode": options.country_code,
        "calledNumberFrom": _unless(CalledNumberFrom.RURI, options.called_number_from),
        "failoverCodes": options.failover_codes or None,
        "registration": _registered(options.registration),
        "inboundAuthentication": None if inbound is None else authentication(inbound.username, stored=True),
    }
    return {name: value for name, value in found.items() if value is not None}


def _unless(default: Any, value: Any) -> Any:
    return None if value is default else value


def _media(trunk: Trunk) -> Any:
    if trunk.media_in is not trunk.media_out:
        return {"inbound": trunk.media_in, "outbound": trunk.media_out}
    return _unless(MediaPolicy.ALLOW, trunk.media_in)


def _registered(registration: Registration | None) -> Any:
    if registration is None:
        return None
    if registration == Registration():
        return True
    domain = {} if registration.domain is None else {"domain": registration.domain}
    return {"expires": registration.expires, **domain}
