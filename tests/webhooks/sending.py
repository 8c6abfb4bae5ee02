"""A process that sends webhooks, as the tests drive it: step by step, by the world's clock."""

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from cordboard.domain.addresses import HostPolicy
from cordboard.domain.events import Event, Happened
from cordboard.domain.tenants import ADMIN, TenantId
from cordboard.domain.webhooks import Delivery, DeliveryState, Webhook, WebhookId, new_secret
from cordboard.engines.edge.names.servers import NameServers
from cordboard.engines.webhooks.dispatch import Dispatch, Sends
from cordboard.engines.webhooks.post import Post
from cordboard.storage import deliveries, events, following
from cordboard.storage import webhooks as stored
from cordboard.storage.events import EventFilter
from cordboard.storage.sqlite import SqliteStore
from cordboard.usecases import webhooks
from cordboard.usecases.events import emit
from cordboard.usecases.ports import Context
from tests.builders import World, unknown_id


def dispatch(context: Context, post: Sends, jitter: Callable[[], float] = lambda: 0.0) -> Dispatch:
    follow = following.after if isinstance(context.store, SqliteStore) else following.since
    return Dispatch(context, post, follow, structlog.get_logger(), jitter)


@contextlib.asynccontextmanager
async def sending(world: World, jitter: Callable[[], float] = lambda: 0.0) -> AsyncIterator[Dispatch]:
    post = Post(NameServers(), HostPolicy(allow_private=True), "Cordboard/test")
    try:
        yield dispatch(world.context, post, jitter)
    finally:
        await post.close()


async def add_webhook(
    world: World, url: str, tenant: TenantId | None = None, *filters: str, enabled: bool = True
) -> tuple[WebhookId, str]:
    """A webhook and its secret, made a moment before now."""
    id, secret = WebhookId(unknown_id()), new_secret()
    make = partial(
        webhooks.create,
        who=ADMIN,
        now=world.clock() - timedelta(milliseconds=1),
        id=id,
        tenant=tenant,
        change=webhooks.Change(url=url, filters=filters or ("*",), enabled=enabled),
        secret=secret,
        hosts=HostPolicy(allow_private=True),
        sealer=world.context.sealer,
    )
    await world.store.write(tenant, make)
    return id, secret


async def happen(world: World, count: int = 1, tenant: TenantId | None = None, **more: Any) -> list[str]:
    """That many events, now; their ids."""
    what = [
        Happened(
            **{"type": "call.ended", "tenant": tenant, "subject": f"c{n}", "at": world.clock(), "data": {"n": n}} | more
        )
        for n in range(count)
    ]
    before = {event.id for event in await feed(world)}
    await world.store.write(None, partial(emit, happened=what))
    return [event.id for event in await feed(world) if event.id not in before]


async def feed(world: World, **where: Any) -> list[Event]:
    page = await world.store.read(partial(events.page, where=EventFilter(**where), after=None, limit=1000))
    return [events.event_of(row) for row in reversed(page.rows)]


async def sent(world: World, id: WebhookId, state: DeliveryState | None = None) -> list[Delivery]:
    """Oldest event first."""
    look = partial(deliveries.page, webhook=id, state=state, event=None, after=None, limit=1000)
    return (await world.store.read(look)).rows[::-1]


async def webhook(world: World, id: WebhookId) -> Webhook:
    return await world.store.read(partial(stored.get, id=id))
