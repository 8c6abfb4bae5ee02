"""Trunks: how calls come from a carrier and go to it."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, NewType, Self

from cordboard.domain.addresses import HostPort, Transport
from cordboard.domain.errors import GatewayMissing, TooManyGateways
from cordboard.domain.tenants import TenantId

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

    @classmethod
    def at(cls, where: HostPort, transport: Transport | None = None) -> Self:
        return cls(host=where.host, port=where.port, transport=transport)

    def moved(self, where: HostPort) -> Self:
        """The gateway at another place; on the same host it keeps its transport."""
        return replace(self, port=where.port) if where.host == self.host else self.at(where)

    @property
    def where(self) -> HostPort:
        return HostPort(host=self.host, port=self.port)

    def __str__(self) -> str:
        return str(self.where) if self.transport is None else f"{self.where};transport={self.transport}"


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
    created_at: datetime

    def with_first_gateway_at(self, where: HostPort) -> Self:
        """The first gateway at another place, the others as they were."""
        first = self.gateways[0].moved(where) if self.gateways else Gateway.at(where)
        return replace(self, gateways=(first, *self.gateways[1:]))

    def with_gateways(self, gateways: tuple[Gateway, ...]) -> Self:
        """Those and no others; with none of them inbound only. Raises TooManyGateways."""
        if len(gateways) > MAX_GATEWAYS:
            raise TooManyGateways(len(gateways), MAX_GATEWAYS)
        return replace(self, gateways=gateways) if gateways else self.without_gateways()

    def without_gateways(self) -> Self:
        """Inbound only: the credentials go with the gateways that they were for."""
        return replace(self, gateways=(), username=None, password=None)

    def require_gateway(self) -> None:
        """Raise GatewayMissing if the trunk has no outbound side."""
        if not self.gateways:
            raise GatewayMissing()
