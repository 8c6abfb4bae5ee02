"""Sending events to webhooks: which are wanted where, who sends them now, and what came of it.

An event is spread once, claimed, posted between two transactions, and its outcome written down. A process that dies in
between leaves a lease that runs out; then the event is sent again, under the same webhook-id.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import accumulate
from typing import Final

from cordboard.domain.events import Event, EventId, Happened
from cordboard.domain.tenants import CLOCKWORK, TenantId
from cordboard.domain.times import to_wire
from cordboard.domain.webhooks import (
    LEASE,
    PATIENCE,
    TEST,
    Attempt,
    Delivery,
    DeliveryState,
    Disabled,
    Message,
    Webhook,
    WebhookId,
    next_try,
    signatures,
)
from cordboard.storage import deliveries, events, following, webhooks
from cordboard.storage.following import Follow
from cordboard.storage.transaction import Row, Transaction
from cordboard.usecases.events import BITE, emit
from cordboard.usecases.ports import Context, Sealer, in_bites
from cordboard.usecases.webhooks import wants

FOLLOWER: Final = "webhooks"
#: Events that are spread in one transaction, and deliveries that it makes: other writes wait for it.
SPREAD: Final = 500
MOST_PAIRS: Final = 2000

_encoded = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, kw_only=True, slots=True)
class Claimed:
    """An event that is this process's to send now; None: it is kept no longer."""

    webhook: Webhook
    delivery: Delivery
    event: Event | None


@dataclass(frozen=True, slots=True)
class Spread:
    """Whether there may be more to look at, and whether the follower got on."""

    more: bool
    moved: bool


async def any_news(tx: Transaction, follow: Follow) -> bool:
    """Whether there is something to spread: asked often, and cheap."""
    return bool((await follow(tx, events.FOLLOWED, await following.mark(tx, FOLLOWER), 1)).rows)


async def spread(tx: Transaction, now: datetime, *, follow: Follow, limit: int = SPREAD) -> Spread:
    """Put new events on their way to the webhooks that want them.

    A webhook gets what happens from its creation on. An event that is seen twice is on its way already.
    """
    mark = await following.hold(tx, FOLLOWER)
    news = await follow(tx, events.FOLLOWED, mark, limit)
    wanted = await _wanted(tx, news.rows)
    few = _at_most(wanted, MOST_PAIRS)
    if few < len(wanted):
        fewer = await follow(tx, events.FOLLOWED, mark, few)
        # on PostgreSQL a mark cannot lie between what one transaction told of: that is spread as a whole
        news = fewer if fewer.mark != mark else news
    told = wanted[: len(news.rows)]
    await deliveries.add(tx, [(webhook, event) for event, listening in told for webhook in listening], now)
    if news.mark != mark:
        await following.move(tx, FOLLOWER, news.mark)
    return Spread(len(told) == limit or len(told) < len(wanted), news.mark != mark)


async def claim(tx: Transaction, now: datetime, *, rooms: Sequence[tuple[str, int]]) -> list[Claimed]:
    """What is due of each of these webhooks, as much as there is room for."""
    claimed: list[tuple[Webhook, Delivery]] = []
    for id, room in rooms:
        webhook = await webhooks.find(tx, id)
        if webhook is not None and webhook.enabled:
            found = await deliveries.claim(tx, webhook.id, now, now + LEASE, room)
            claimed += ((webhook, delivery) for delivery in found)
    told = await events.some(tx, [delivery.event for _, delivery in claimed])
    return [Claimed(webhook=w, delivery=d, event=told.get(d.event)) for w, d in claimed]


def message(claimed: Claimed, event: Event, now: datetime, sealer: Sealer) -> Message:
    """As it is posted now, signed with every secret that counts now."""
    webhook = claimed.webhook
    sealed = (webhook.secret, *webhook.signing_before(now))
    body = _encoded(shown(event)).encode()
    secrets = [sealer.unseal(secret, webhook.id) for secret in sealed]
    headers = (
        ("content-type", "application/json"),
        ("webhook-id", event.id),
        ("webhook-timestamp", str(int(now.timestamp()))),
        ("webhook-signature", signatures(secrets, event.id, now, body)),
    )
    return Message(url=webhook.url, headers=headers, body=body)


def shown(event: Event) -> dict[str, object]:
    """An event as it is sent, and as the feed shows it."""
    return {
        "id": event.id,
        "type": event.type,
        "timestamp": to_wire(event.at),
        "tenant_id": event.tenant,
        "subject": event.subject,
        "data": event.data,
    }


async def report(tx: Transaction, claimed: Claimed, attempt: Attempt, jitter: float) -> Delivery:
    """Write down what came of an attempt, and disable a webhook that wants no more or takes nothing for days."""
    after = _after(claimed, attempt, jitter)
    if not await deliveries.done(tx, claimed.delivery, after):
        return after
    webhook = claimed.webhook
    if attempt.error is None:
        if webhook.failing_since is not None:
            await webhooks.note_taken(tx, webhook.id)
    elif attempt.status == 410:
        await _disable(tx, webhook, "gone", attempt.at)
    elif claimed.event is None or claimed.event.type != TEST:
        await _failed(tx, webhook, attempt.at)
    return after


async def _failed(tx: Transaction, webhook: Webhook, now: datetime) -> None:
    """Days count against it only while something is tried again: a quiet week says nothing of a receiver."""
    if webhook.failing_since is not None and now - webhook.failing_since >= PATIENCE:
        await _disable(tx, webhook, "failing", now)
    elif await deliveries.any_due(tx, webhook.id):
        await webhooks.note_failing(tx, webhook.id, now)
    else:
        await webhooks.note_taken(tx, webhook.id)


async def forget_old(context: Context, kept: timedelta) -> None:
    """Remove what was sent of events older than that, and what was on its way to a webhook that is gone, in bites."""
    before = context.clock() - kept
    await in_bites(context.store, partial(deliveries.remove_old, before=before, limit=BITE))
    await in_bites(context.store, partial(deliveries.remove_orphans, limit=BITE))


def _after(claimed: Claimed, attempt: Attempt, jitter: float) -> Delivery:
    delivery = claimed.delivery
    tries, attempts = delivery.tries + 1, (*delivery.attempts, attempt)
    over = attempt.error is None or attempt.status == 410 or claimed.event is None
    due = None if over else next_try(tries, attempt, jitter)
    state = DeliveryState.DELIVERED if attempt.error is None else DeliveryState.FAILED
    return replace(
        delivery,
        state=state if due is None else DeliveryState.PENDING,
        tries=tries,
        due_at=due,
        attempts=attempts,
    )


async def _disable(tx: Transaction, webhook: Webhook, why: Disabled, now: datetime) -> None:
    before = await webhooks.find(tx, webhook.id)
    if before is None or not before.enabled:
        return
    await webhooks.save(tx, CLOCKWORK, before, replace(before, enabled=False, disabled=why), now, "disable")
    data = {"webhook_id": before.id, "description": before.description, "reason": why}
    await emit(tx, [Happened(type="webhook.disabled", tenant=before.tenant, subject=before.id, at=now, data=data)])


async def _wanted(tx: Transaction, rows: Sequence[Row]) -> list[tuple[EventId, list[WebhookId]]]:
    """Each event, and the webhooks that it goes to."""
    told = [events.event_of(row) for row in rows]
    listening = await _listening(tx, told)
    return [
        (event.id, [one.id for one in listening if event.at > one.created_at and wants(one, event)]) for event in told
    ]


def _at_most(wanted: Sequence[tuple[EventId, list[WebhookId]]], pairs: int) -> int:
    """How many of the events go with that many deliveries; one at least."""
    sums = accumulate(len(listening) for _, listening in wanted)
    return max(1, sum(total <= pairs for total in sums))


async def _listening(tx: Transaction, news: Sequence[Event]) -> list[Webhook]:
    """The webhooks that may want some of these."""
    if not news:
        return []
    owners: dict[TenantId | None, None] = dict.fromkeys([None, *(event.tenant for event in news)])
    return [webhook for owner in owners for webhook in await webhooks.of(tx, owner) if webhook.enabled]
