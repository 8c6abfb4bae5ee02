"""Webhooks: making, changing and deleting them, and having events sent again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cordboard.domain.addresses import HostPolicy
from cordboard.domain.errors import TooManyWebhooks, UnknownEvent
from cordboard.domain.events import Event, EventId, Happened, encode, event_id
from cordboard.domain.tenants import Actor, TenantId, check_name
from cordboard.domain.webhooks import (
    LEASE,
    MAX_ATTEMPTS,
    MAX_PREVIOUS,
    MAX_WEBHOOKS,
    OVERLAP,
    TEST,
    DeliveryId,
    Webhook,
    WebhookId,
    check_filters,
    check_url,
    delivery_id,
)
from cordboard.storage import deliveries, events, tenants, webhooks
from cordboard.storage.events import EventFilter
from cordboard.storage.transaction import Transaction
from cordboard.usecases.ports import UNCHANGED, NotGiven, Sealer, given


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """Changes to a webhook."""

    url: str | NotGiven = UNCHANGED
    filters: Sequence[str] | NotGiven = UNCHANGED
    description: str | NotGiven | None = UNCHANGED
    enabled: bool | NotGiven = UNCHANGED


async def create(
    tx: Transaction,
    who: Actor,
    now: datetime,
    *,
    id: WebhookId,
    tenant: TenantId | None,
    change: Change,
    secret: str,
    hosts: HostPolicy,
    sealer: Sealer,
) -> Webhook:
    """A webhook of a tenant's, or without one the administrator's. `change` names its URL at least.

    Raises UnknownTenant, TooManyWebhooks, InvalidUrl, PrivateHost, InvalidEventFilter, InvalidName.
    """
    if tenant is not None:
        await tenants.get(tx, tenant)
    if len(await webhooks.of(tx, tenant)) >= MAX_WEBHOOKS:
        raise TooManyWebhooks(MAX_WEBHOOKS)
    blank = Webhook(
        id=id,
        tenant=tenant,
        url="",
        filters=("*",),
        description=None,
        enabled=True,
        secret=sealer.seal(secret, id),
        created_at=now,
        updated_at=now,
    )
    webhook = _changed(blank, change, hosts)
    await webhooks.add(tx, who, webhook, now)
    return webhook


async def update(
    tx: Transaction, who: Actor, now: datetime, *, id: WebhookId, change: Change, hosts: HostPolicy
) -> Webhook:
    """Enabling it or another URL forgets that it failed. Raises UnknownWebhook and what `create` raises of a change."""
    before = await webhooks.get(tx, id)
    return await webhooks.save(tx, who, before, _changed(before, change, hosts), now, "update")


async def rotate(tx: Transaction, who: Actor, now: datetime, *, id: WebhookId, secret: str, sealer: Sealer) -> Webhook:
    """A new secret; messages are signed with those before it, too, until OVERLAP is over. Raises UnknownWebhook.

    Whichever of them a receiver knows, it is not shut out by a rotation that follows another.
    """
    before = await webhooks.get(tx, id)
    previous = (before.secret, *before.signing_before(now))[:MAX_PREVIOUS]
    after = replace(before, secret=sealer.seal(secret, id), previous=previous, previous_until=now + OVERLAP)
    return await webhooks.save(tx, who, before, after, now, "rotate")


async def delete(tx: Transaction, who: Actor, now: datetime, *, id: WebhookId) -> None:
    """Raises UnknownWebhook."""
    await webhooks.remove(tx, who, await webhooks.get(tx, id), now)


async def test(tx: Transaction, now: datetime, *, id: WebhookId) -> DeliveryId:
    """An event for this webhook alone, on its way once, whatever comes of it. Raises UnknownWebhook."""
    webhook = await webhooks.get(tx, id)
    told = Happened(type=TEST, tenant=webhook.tenant, subject=id, at=now, data={"webhook_id": id})
    await events.add(tx, [told])
    event = event_id(told, encode(told))
    await deliveries.add(tx, [(id, event)], now, tries=MAX_ATTEMPTS - 1)
    return delivery_id(id, event)


async def replay_event(tx: Transaction, now: datetime, *, id: WebhookId, event: EventId) -> int:
    """One event, whatever the filters; 1, or 0 if it is on its way. Raises UnknownWebhook, UnknownEvent."""
    webhook = await webhooks.get(tx, id)
    found = await events.get(tx, event)
    if not _may_see(webhook, found):
        raise UnknownEvent(event)
    return await deliveries.set_going(tx, id, [event], now, now + LEASE)


async def replay_failed(tx: Transaction, now: datetime, *, id: WebhookId, limit: int) -> int:
    """Some of those that were given up; how many. Raises UnknownWebhook."""
    await webhooks.get(tx, id)
    return await deliveries.set_failed_going(tx, id, now, limit)


@dataclass(frozen=True, slots=True)
class Bite:
    """How many were set going, and where to go on; None: that was all."""

    count: int
    next: str | None


async def replay_some(
    tx: Transaction,
    now: datetime,
    *,
    id: WebhookId,
    since: datetime | None,
    until: datetime | None,
    after: str | None,
    limit: int,
) -> Bite:
    """A page of all events of a stretch of time that its filters want. Raises UnknownWebhook."""
    webhook = await webhooks.get(tx, id)
    page = await events.page(tx, EventFilter(tenant=webhook.tenant, since=since, until=until), after, limit)
    found = map(events.event_of, page.rows)
    wanted = [event.id for event in found if wants(webhook, event)]
    return Bite(await deliveries.set_going(tx, id, wanted, now, now + LEASE), page.next)


def wants(webhook: Webhook, event: Event) -> bool:
    return event.type != TEST and _may_see(webhook, event) and webhook.wants(event.type)


def _may_see(webhook: Webhook, event: Event) -> bool:
    return webhook.tenant in (None, event.tenant)


def _changed(webhook: Webhook, change: Change, hosts: HostPolicy) -> Webhook:
    description = given(change.description, webhook.description)
    changed = replace(
        webhook,
        url=webhook.url if change.url is UNCHANGED else check_url(change.url, hosts),
        filters=webhook.filters if change.filters is UNCHANGED else check_filters(change.filters),
        description=None if description is None else check_name(description),
        enabled=given(change.enabled, webhook.enabled),
    )
    if change.enabled is True and not webhook.enabled:
        return replace(changed, disabled=None, failing_since=None)
    # what the old place did not take says nothing of the new one
    return changed if changed.url == webhook.url else replace(changed, failing_since=None)
