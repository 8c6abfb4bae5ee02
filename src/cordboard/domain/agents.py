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
    InvalidCodecs,
    InvalidHeader,
    InvalidUsername,
    PublishedElsewhere,
    TooManyNetworks,
)
from cordboard.domain.tenants import TenantId
from cordboard.domain.trunks import MediaPolicy, SealedCredentials

AgentId = NewType("AgentId", str)
VersionId = NewType("VersionId", str)

#: What a call may be offered with, by the names that SDP has for it (RFC 3551, RFC 7587, RFC 4733).
CODECS: Final = ("PCMU", "PCMA", "G722", "opus", "G729", "telephone-event")
MAX_HEADERS: Final = 16
#: All header fields of one agent, in bytes: an INVITE has to fit into a datagram.
MAX_HEADER_BYTES: Final = 2048
#: Networks, after collapsing, that one agent calls from: each is looked for among everybody's while all writers wait.
MAX_SOURCES: Final = 100
#: Letters and digits, 62 kinds: 24 of them are 142 bits.
PASSWORD_LENGTH: Final = 24

_USERNAME = re.compile(r"[A-Za-z0-9_.+-]{1,64}")
_HEADER_NAME = re.compile(r"[A-Za-z0-9_.-]{2,64}")
#: Header fields that the edge, its transactions and its dialogs live by, or that say who calls. Names of one letter
#: are short forms (RFC 3261 section 7.3.3), none of which may be set.
_OURS = frozenset(
    """
    accept accept-encoding accept-language accept-contact alert-info allow allow-events authentication-info
    authorization call-id contact cseq date diversion encryption event expires from history-info identity identity-info
    in-reply-to join max-forwards mime-version min-expires min-se path privacy rack reason record-route
    refer-sub refer-to referred-by reject-contact remote-party-id replaces request-disposition require retry-after
    route rseq server service-route session-expires sip-etag sip-if-match subscription-state supported target-dialog
    timestamp to unsupported user-agent via warning www-authenticate
    """.split()
)
_OUR_FAMILIES = ("content-", "proxy-", "p-", "security-", "x-cordboard-")


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


def check_headers(headers: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Header fields (RFC 3261 section 7.3) that an agent may be sent, values trimmed. Raises InvalidHeader."""
    checked = tuple((_header_name(name), _header_value(name, value.strip())) for name, value in headers)
    size = sum(len(f"{name}: {value}\r\n".encode()) for name, value in checked)
    if len(checked) > MAX_HEADERS or size > MAX_HEADER_BYTES:
        raise InvalidHeader(f"at most {MAX_HEADERS} header fields of {MAX_HEADER_BYTES} bytes altogether are possible")
    return checked


def _header_name(name: str) -> str:
    if not _HEADER_NAME.fullmatch(name):
        raise InvalidHeader(f"{name[:80]!r} is not a header name of 2 to 64 letters, digits, or _ . -")
    if name.lower() in _OURS or name.lower().startswith(_OUR_FAMILIES):
        raise InvalidHeader(f"the header field {name} is the edge's own to set")
    return name


def _header_value(name: str, value: str) -> str:
    if not value or not value.isprintable():
        raise InvalidHeader(f"the value of {name} must have printable characters, and no others: no line breaks")
    return value


def check_codecs(codecs: Sequence[str]) -> tuple[str, ...]:
    """Codecs by preference, each once, one at least for sound; none leaves offers as they are. Raises InvalidCodecs."""
    for codec in codecs:
        if codec not in CODECS:
            raise InvalidCodecs(f"there is no codec {codec[:40]!r}; there are {', '.join(CODECS)}")
    if len(set(codecs)) != len(codecs):
        raise InvalidCodecs("name each codec once")
    if tuple(codecs) == ("telephone-event",):
        raise InvalidCodecs("telephone-event carries digits, not sound: name an audio codec too")
    return tuple(codecs)
