"""Trunks: how calls come from a carrier and go to it."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import NewType, Self

from cordboard.domain.addresses import HostPort
from cordboard.domain.errors import GatewayMissing
from cordboard.domain.tenants import TenantId

TrunkId = NewType("TrunkId", str)


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
class Trunk:
    """A carrier's connection: gateways in order, credentials towards it, addresses it calls from."""

    id: TrunkId
    #: None is a system trunk or one of the inventory.
    tenant: TenantId | None
    name: str
    system: bool = False
    #: In order of use; empty means that the trunk takes inbound calls alone.
    gateways: tuple[HostPort, ...] = ()
    username: str | None = None
    password: SealedSecret | None = None
    #: Addresses and CIDR ranges as they were given; None or empty lets everybody in.
    allowed: tuple[str, ...] | None = None
    media_in: MediaPolicy = MediaPolicy.ALLOW
    media_out: MediaPolicy = MediaPolicy.ALLOW
    created_at: datetime

    def without_gateways(self) -> Self:
        """Inbound only: the credentials go with the gateways that they were for."""
        return replace(self, gateways=(), username=None, password=None)

    def require_gateway(self) -> None:
        """Raise GatewayMissing if the trunk has no outbound side."""
        if not self.gateways:
            raise GatewayMissing()
