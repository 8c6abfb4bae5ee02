"""Webhooks: where events are sent, how each message is signed, and when it is tried again.

Signatures and headers are those of Standard Webhooks 1.0.0: https://www.standardwebhooks.com
"""

import base64
import hashlib
import hmac
import re
import secrets
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal, NewType

from cordboard.domain.addresses import HostPolicy, parse_host_port
from cordboard.domain.errors import InvalidEventFilter, InvalidHost, InvalidUrl
from cordboard.domain.events import EventId, check_told, first_and_last
from cordboard.domain.tenants import TenantId
from cordboard.domain.trunks import SealedSecret

WebhookId = NewType("WebhookId", str)
DeliveryId = NewType("DeliveryId", str)
#: Why a webhook was disabled without anybody having asked for it.
Disabled = Literal["gone", "failing"]

#: Webhooks of one tenant, and of the administrator.
MAX_WEBHOOKS: Final = 20
MAX_FILTERS: Final = 50
MAX_DESCRIPTION: Final = 255
MAX_URL: Final = 2048
#: Event that is sent to one webhook alone, whatever its filters.
TEST: Final = "webhook.test"
#: For how long messages are signed with the secrets before the newest one, too, and how many these are at most.
OVERLAP: Final = timedelta(hours=24)
MAX_PREVIOUS: Final = 4
#: How long a claim holds: longer than one post can take.
LEASE: Final = timedelta(seconds=60)
#: A webhook that takes nothing for that long, while something is tried again and again, is disabled.
PATIENCE: Final = timedelta(days=5)
#: After each attempt that failed, how long until the next: the schedule that Standard Webhooks gives as an example.
RETRIES: Final = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1800, *(hours * 3600 for hours in (2, 5, 10, 14, 20, 24)))
)
MAX_ATTEMPTS: Final = len(RETRIES) + 1
#: A retry comes up to that part of its delay later, so that what failed together is not tried together.
JITTER: Final = 0.1
#: Attempts of a delivery that are kept, the newest.
KEPT_ATTEMPTS: Final = 20
#: Characters of a receiver's answer, and of an error, that are kept.
ANSWER: Final = 256
_LONGEST_WAIT: Final = timedelta(hours=24)
_PREFIX: Final = "whsec_"
_URL: Final = re.compile(r"(?P<scheme>https?)://(?P<where>[A-Za-z0-9.:\[\]-]+)(?:[/?][!-\"$-\[\]-~]*)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Webhook:
    """Where events are sent: a tenant's own, or the administrator's, who gets everybody's."""

    id: WebhookId
    tenant: TenantId | None
    url: str
    #: Types, or beginnings of them: one that fits is enough.
    filters: tuple[str, ...]
    description: str | None
    enabled: bool
    disabled: Disabled | None = None
    #: Since when nothing has been taken; None if the last message was, or nothing is tried again.
    failing_since: datetime | None = None
    secret: SealedSecret
    #: The secrets before it, the newest first, which sign too until then.
    previous: tuple[SealedSecret, ...] = ()
    previous_until: datetime | None = None
    created_at: datetime
    updated_at: datetime

    def signing_before(self, now: datetime) -> tuple[SealedSecret, ...]:
        """The secrets before the newest one that sign too."""
        return self.previous if self.previous_until is not None and now < self.previous_until else ()

    def wants(self, type: str) -> bool:
        bounds = map(first_and_last, self.filters)
        return any(first <= type < last for first, last in bounds)


class DeliveryState(StrEnum):
    """What became of one event for one webhook."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One try, and what came of it."""

    at: datetime
    #: The receiver's; None if there was no answer.
    status: int | None
    ms: int
    #: Why it counts as failed; None if it was taken.
    error: str | None
    #: What the receiver's answer begins with.
    answer: str = ""
    #: Seconds that the receiver asks to be left alone for.
    retry_after: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One event on its way to one webhook."""

    id: DeliveryId
    webhook: WebhookId
    event: EventId
    #: None once the event is kept no longer.
    type: str | None
    state: DeliveryState
    #: Since it was last set going: replaying begins anew.
    tries: int
    #: When it is sent next, or if it is being sent, when it is taken for lost.
    due_at: datetime | None
    attempts: tuple[Attempt, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """What is posted: the body as it is signed, and with which headers."""

    url: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)


def delivery_id(webhook: WebhookId, event: EventId) -> DeliveryId:
    """Of the two, so that no event is on its way to a webhook twice; it sorts as the event's does."""
    digest = int.from_bytes(hashlib.sha256(f"{webhook} {event}".encode()).digest()[:8], "big") >> 2
    return DeliveryId(str(uuid.UUID(int=uuid.UUID(event).int >> 62 << 62 | digest)))


def new_secret() -> str:
    """`whsec_` and 32 random bytes in base64."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def signatures(secrets: Iterable[str], id: str, at: datetime, body: bytes) -> str:
    """`v1,…` for each secret, with spaces between, of `id.timestamp.body`."""
    content = f"{id}.{int(at.timestamp())}.".encode() + body
    signed = (hmac.digest(base64.b64decode(secret.removeprefix(_PREFIX)), content, "sha256") for secret in secrets)
    return " ".join(f"v1,{base64.b64encode(signature).decode()}" for signature in signed)


def next_try(tries: int, attempt: Attempt, jitter: float) -> datetime | None:
    """When to try again what has failed `tries` times, `jitter` from 0 to 1; None: no more."""
    if tries > len(RETRIES):
        return None
    delay = RETRIES[tries - 1] * (1 + JITTER * jitter)
    asked = timedelta(seconds=attempt.retry_after or 0)
    return attempt.at + max(delay, min(asked, _LONGEST_WAIT))


def check_filters(filters: Sequence[str]) -> tuple[str, ...]:
    """Each once. Raises InvalidEventFilter."""
    if not 1 <= len(filters) <= MAX_FILTERS:
        raise InvalidEventFilter(f"{len(filters)} filters")
    return tuple(dict.fromkeys(map(check_told, filters)))


def check_url(text: str, hosts: HostPolicy) -> str:
    """Where messages can be posted: https, or http too where private hosts are allowed. Raises InvalidUrl, PrivateHost.

    Whom a name leads to is judged when something is sent there.
    """
    found = _URL.fullmatch(text)
    if found is None or len(text) > MAX_URL:
        raise InvalidUrl(
            f"a webhook's URL is https://HOST, a port, a path and a query: at most {MAX_URL} ASCII characters, without "
            "spaces, a username or a fragment"
        )
    if found["scheme"] != "https" and not hosts.allow_private:
        raise InvalidUrl("a webhook's URL begins with https://")
    try:
        where = parse_host_port(found["where"])
    except InvalidHost as error:
        raise InvalidUrl(str(error)) from None
    hosts.check(where.host)
    return text
