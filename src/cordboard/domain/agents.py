"""Agents: where calls are delivered. A version never changes once made; one of them is published."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import NewType, Self

from cordboard.domain.errors import DraftVersion, PublishedElsewhere
from cordboard.domain.tenants import TenantId
from cordboard.domain.trunks import MediaPolicy, SealedCredentials

AgentId = NewType("AgentId", str)
VersionId = NewType("VersionId", str)


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentVersion:
    """One immutable state of an agent."""

    id: VersionId
    agent: AgentId
    tenant: TenantId
    #: 1, 2, 3…, in the order of making.
    number: int
    name: str | None
    draft: bool
    #: Where calls go; may hold `{number}` in the user part.
    sip_uri: str
    #: Addresses and CIDR ranges from which the agent may place calls.
    from_addresses: tuple[str, ...]
    created_at: datetime
    #: Whether the media of the agent's own leg is SRTP.
    encryption: MediaPolicy = MediaPolicy.DISABLE
    #: With what the agent identifies itself when it places a call; None: its address alone says who it is.
    from_credentials: SealedCredentials | None = None
    #: What answers a 401 or 407 of the agent's platform.
    to_credentials: SealedCredentials | None = None
    #: Whether the certificate and name of the agent's host are checked.
    tls_verify: bool = True
    #: Header fields of the INVITE to the agent: name and value, in order.
    headers: tuple[tuple[str, str], ...] = ()
    #: By preference; empty leaves the offer as it is.
    codecs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Agent:
    """An AI agent that speaks SIP somewhere."""

    id: AgentId
    tenant: TenantId
    name: str
    published: VersionId | None
    created_at: datetime

    def publishing(self, version: AgentVersion, *, used_elsewhere: bool) -> Self:
        """The agent with `version` published, the one before un-published.

        `used_elsewhere` tells whether another number uses the agent. Raises DraftVersion, and PublishedElsewhere
        if a different published version is in use on that other number.
        """
        if version.draft:
            raise DraftVersion(version.id)
        if self.published not in (None, version.id) and used_elsewhere:
            raise PublishedElsewhere(str(self.published))
        return replace(self, published=version.id)

    def unpublished(self) -> Self:
        return replace(self, published=None)
