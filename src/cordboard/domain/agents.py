"""Agents: where calls are delivered. A version never changes once made; one of them is published."""

import re
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NewType, Self

from cordboard.domain.addresses import collapse
from cordboard.domain.errors import (
    DraftVersion,
    InvalidUsername,
    PublishedElsewhere,
    TooManyNetworks,
)
from cordboard.domain.tenants import TenantId
from cordboard.domain.trunks import MediaPolicy, SealedCredentials

AgentId = NewType("AgentId", str)
VersionId = NewType("VersionId", str)

#: Networks, after collapsing, that one agent calls from: each is looked for among everybody's while all writers wait.
MAX_SOURCES: Final = 100
#: Letters and digits, 62 kinds: 24 of them are 142 bits.
PASSWORD_LENGTH: Final = 24

_USERNAME = re.compile(r"[A-Za-z0-9_.+-]{1,64}")


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
    #: What is offered to the agent (media.codec_flags); empty leaves the caller's offer as it is.
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


def new_password() -> str:
    """A password that nobody guesses, in characters that every SIP client takes."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(PASSWORD_LENGTH))


def check_username(text: str) -> str:
    """A username with which an agent places calls: 1 to 64 of `A-Z a-z 0-9 _ . + -`. Raises InvalidUsername."""
    if not _USERNAME.fullmatch(text):
        raise InvalidUsername(f"{text[:80]!r} is not 1 to 64 letters, digits, or _ . + -")
    return text


def check_sources(addresses: Sequence[str]) -> tuple[str, ...]:
    """Addresses and CIDR ranges that an agent calls from, as given. Raises InvalidNetwork, TooManyNetworks."""
    networks = len(collapse(addresses))
    if networks > MAX_SOURCES:
        raise TooManyNetworks(networks, MAX_SOURCES)
    return tuple(addresses)
