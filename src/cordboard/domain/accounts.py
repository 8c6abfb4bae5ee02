"""Accounts: SIP users who register, call each other, and call outside by a number of their tenant's."""

import re
import secrets
import string
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, NewType

from cordboard.domain.addresses import MAX_NETWORKS, Network, collapse, parse_network
from cordboard.domain.agents import check_username
from cordboard.domain.dialled import names_account
from cordboard.domain.errors import (
    ExternalNumberMissing,
    InvalidCallerName,
    InvalidExtension,
    InvalidNumber,
    InvalidPassword,
    InvalidUsername,
    TooManyNetworks,
)
from cordboard.domain.tenants import TenantId
from cordboard.domain.trunks import SealedSecret

AccountId = NewType("AccountId", str)

#: Lower-case letters and digits, 36 kinds: 20 of them are 103 bits.
PASSWORD_LENGTH: Final = 20
USERNAME_LENGTH: Final = 10
#: Of a password that is given.
MIN_PASSWORD, MAX_PASSWORD = 8, 128
MAX_CALLER_NAME: Final = 64
MAX_EXTENSION: Final = 99_999_999
_ALPHABET: Final = string.ascii_lowercase + string.digits


class Recording(StrEnum):
    """Which calls of an account are recorded."""

    INCOMING_INTERNAL = "incoming-internal"
    INCOMING_EXTERNAL = "incoming-external"
    OUTGOING_INTERNAL = "outgoing-internal"
    OUTGOING_EXTERNAL = "outgoing-external"
    #: Those for which the user asks, during the call.
    ON_DEMAND = "on-demand"


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """A SIP user of a tenant's."""

    id: AccountId
    tenant: TenantId
    #: Unique in the installation: an AOR's host is not compared.
    username: str
    password: SealedSecret = field(repr=False)
    #: Display name of its calls.
    caller_name: str | None = None
    #: Extension: shown on internal calls, and what the tenant's other accounts dial. Unique in the tenant.
    extension: int | None = None
    #: Digits of the tenant's E.164 number that is shown outside.
    external_number: int | None = None
    may_call_outside: bool = False
    #: Whether requests of the account are taken from `allowed` alone; with none of them, from nowhere.
    restricted: bool = False
    #: Networks, as `networks` made them.
    allowed: tuple[str, ...] | None = None
    recording: frozenset[Recording] = frozenset()
    created_at: datetime

    def __post_init__(self) -> None:
        """Raises ExternalNumberMissing."""
        if self.may_call_outside and self.external_number is None:
            raise ExternalNumberMissing


def new_username() -> str:
    """10 lower-case letters and digits, beginning with a letter so that it is never read as a number."""
    return secrets.choice(string.ascii_lowercase) + "".join(
        secrets.choice(_ALPHABET) for _ in range(USERNAME_LENGTH - 1)
    )


def new_account_password() -> str:
    """20 lower-case letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(PASSWORD_LENGTH))


def check_account_username(text: str) -> str:
    """As `agents.check_username`, and nothing that a call could show in place of a name. Raises InvalidUsername."""
    if not names_account(check_username(text)):
        raise InvalidUsername(f"{text!r} is read as a number, or as nobody: it has a letter, or at most 6 digits")
    return text


def check_password(text: str) -> str:
    """8 to 128 printable ASCII characters without spaces. Raises InvalidPassword."""
    if not re.fullmatch(r"[!-~]*", text) or not MIN_PASSWORD <= len(text) <= MAX_PASSWORD:
        raise InvalidPassword(
            f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} printable ASCII characters and no spaces"
        )
    return text


def check_caller_name(text: str) -> str:
    """A display name (RFC 3261 section 25.1) that needs no escapes: 1 to 64 characters. Raises InvalidCallerName."""
    name = text.strip()
    if not name or len(name) > MAX_CALLER_NAME or not name.isprintable() or re.search(r'["\\<>]', name):
        raise InvalidCallerName(
            f'a caller name has 1 to {MAX_CALLER_NAME} printable characters, none of them " \\ < or >'
        )
    return name


def check_extension(number: int) -> int:
    """1 to 8 digits without a leading zero. Raises InvalidExtension."""
    if not 1 <= number <= MAX_EXTENSION:
        raise InvalidExtension(f"an internal caller id is a number from 1 to {MAX_EXTENSION}")
    return number


def check_external(number: int) -> int:
    """E.164 digits without the `+`: 7 to 15 of them. Raises InvalidNumber."""
    if not re.fullmatch(r"[1-9][0-9]{6,14}", str(number)):
        raise InvalidNumber("an external caller id is an E.164 number in digits, such as 34911234567")
    return number


def networks(text: str) -> tuple[str, ...]:
    """A comma-separated list of addresses and CIDR ranges, each as its network, in the order given, none twice.

    Raises InvalidNetwork; TooManyNetworks if the edge cannot hold as many.
    """
    parsed: dict[Network, None] = {}
    for part in text.split(","):
        if part := part.strip():
            parsed[parse_network(part)] = None
    found = tuple(map(str, parsed))
    collapse(found)
    if len(found) > MAX_NETWORKS:
        raise TooManyNetworks(len(found), MAX_NETWORKS)
    return found
