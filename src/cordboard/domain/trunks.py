"""Trunks: how calls come from a carrier and go to it."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, NewType, Self

from cordboard.domain.addresses import HostPort, Transport
from cordboard.domain.errors import GatewayMissing, InvalidOption, TooManyGateways
from cordboard.domain.tenants import TenantId
from cordboard.domain.trunk_options import NO_OPTIONS, TrunkOptions

TrunkId = NewType("TrunkId", str)

#: In one trunk: the edge reads them with one call as one text, each as all of its addresses.
MAX_GATEWAYS: Final = 16


class MediaPolicy(StrEnum):
    """Whether the media of one direction is SRTP (RFC 3711, keys by SDES, RFC 4568)."""

    #: Never SRTP.
    DISABLE = "disable"
    #: SRTP if the far side takes it.
    ALLOW = "allow"
    #: SRTP or no call.
    REQUIRE = "require"


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedSecret:
    """A SIP password as it lies in the store: AES-256-GCM, readable with the key ring alone."""

    text: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedCredentials:
    """What a digest (RFC 3261 section 22) is made of."""

    username: str
    password: SealedSecret


@dataclass(frozen=True, kw_only=True, slots=True)
class Gateway:
    """Where a trunk sends calls."""

    host: str
    port: int | None = None
    #: None: what DNS says (RFC 3263), or else UDP.
    transport: Transport | None = None
    name: str | None = None
    #: 0 to 65535, the lowest first, as of SRV records (RFC 2782). Either all gateways of a trunk have one or none has.
    priority: int | None = None
    #: Share of the calls among those of the same priority, 0 to 65535; None is 1.
    weight: int | None = None

    @classmethod
    def at(cls, where: HostPort, transport: Transport | None = None) -> Self:
        return cls(host=where.host, port=where.port, transport=transport)

    def moved(self, where: HostPort) -> Self:
        """The gateway at another place; on the same host it keeps its transport."""
        transport = self.transport if where.host == self.host else None
        return replace(self, host=where.host, port=where.port, transport=transport)

    @property
    def where(self) -> HostPort:
        return HostPort(host=self.host, port=self.port)

    def __str__(self) -> str:
        return str(self.where) if self.transport is None else f"{self.where};transport={self.transport}"


def inbound_row(trunk: TrunkId) -> str:
    """What the password of a trunk's `inbound` credentials is sealed for."""
    return f"{trunk}:in"


@dataclass(frozen=True, kw_only=True, slots=True)
class Trunk:
    """A carrier's connection: gateways in order, credentials towards it, addresses it calls from."""

    id: TrunkId
    #: None is a system trunk or one of the inventory.
    tenant: TenantId | None
    name: str
    system: bool = False
    #: In order of use; empty means that the trunk takes inbound calls alone.
    gateways: tuple[Gateway, ...] = ()
    username: str | None = None
    password: SealedSecret | None = None
    #: Addresses and CIDR ranges as they were given; None or empty lets everybody in.
    allowed: tuple[str, ...] | None = None
    media_in: MediaPolicy = MediaPolicy.ALLOW
    media_out: MediaPolicy = MediaPolicy.ALLOW
    #: Whether a gateway's certificate and name are checked.
    tls_verify: bool = True
    #: Whether the edge asks the gateways from time to time if they are there.
    probe: bool = True
    options: TrunkOptions = NO_OPTIONS
    #: With what the carrier identifies itself when it calls; None: its address alone says who it is.
    inbound: SealedCredentials | None = None
    #: Of the number that was imported with it, and takes it along when it goes.
    number: str | None = None
    #: What a LiveKit server calls it.
    provider_id: str | None = None
    created_at: datetime
    updated_at: datetime

    def with_first_gateway_at(self, where: HostPort) -> Self:
        """The first gateway at another place, the others as they were."""
        first = self.gateways[0].moved(where) if self.gateways else Gateway.at(where)
        return replace(self, gateways=(first, *self.gateways[1:]))

    def with_gateways(self, gateways: tuple[Gateway, ...]) -> Self:
        """Those alone, in order of use; with none of them inbound only. Raises TooManyGateways, InvalidOption."""
        if len(gateways) > MAX_GATEWAYS:
            raise TooManyGateways(len(gateways), MAX_GATEWAYS)
        if not gateways:
            return self.without_gateways()
        return replace(self, gateways=_in_order(gateways))

    def without_gateways(self) -> Self:
        """Inbound only: credentials and registration go with the gateways that they were for."""
        options = replace(self.options, registration=None)
        return replace(self, gateways=(), username=None, password=None, options=options)

    def require_gateway(self) -> None:
        """Raise GatewayMissing if the trunk has no outbound side."""
        if not self.gateways:
            raise GatewayMissing()

    def checked(self) -> Self:
        """The trunk itself. Raises GatewayMissing and InvalidOption for what does not go together."""
        if self.username is not None or self.password is not None:
            self.require_gateway()
        if self.options.registration is not None:
            self.require_gateway()
            if self.username is None or self.password is None:
                raise InvalidOption("registration", "it needs a username and a password")
        return self


def _in_order(gateways: tuple[Gateway, ...]) -> tuple[Gateway, ...]:
    """By priority, if they have any."""
    given = [gateway.priority for gateway in gateways if gateway.priority is not None]
    if not given:
        if any(gateway.weight is not None for gateway in gateways):
            raise InvalidOption(
                "gateways", "a weight shares calls among gateways of one priority: give them priorities"
            )
        return gateways
    if len(given) != len(gateways):
        raise InvalidOption("gateways", "give a priority to each of them, or to none")
    return tuple(sorted(gateways, key=lambda gateway: gateway.priority or 0))
