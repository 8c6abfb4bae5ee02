"""The native API's webhooks, what was sent to them, and sending it again."""

import asyncio
from functools import partial
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from cordboard.dialects.http import parse_body, parse_path, parse_query, reply
from cordboard.dialects.native import webhook_wire as wire
from cordboard.dialects.native.frame import if_match, shown
from cordboard.dialects.native.operation import NativeOperation, read, write
from cordboard.domain.errors import UnknownWebhook
from cordboard.domain.events import EventId
from cordboard.domain.tenants import Actor
from cordboard.domain.webhooks import Delivery, DeliveryId, Webhook, WebhookId, new_secret
from cordboard.storage import deliveries
from cordboard.storage import webhooks as stored
from cordboard.storage.transaction import Query
from cordboard.usecases import webhooks
from cordboard.usecases.access import Access
from cordboard.usecases.ports import Context

#: Events that are looked at in one transaction of a replay, and such transactions in one request.
BITE: Final = 500
BITES: Final = 20
#: Seconds between two looks at what became of a test.
LOOK: Final = 0.1


class WebhookViews:
    """Operations on webhooks."""

    def __init__(self, context: Context, access: Access) -> None:
        self._context = context
        self._store = context.store
        self._access = access

    async def create(self, request: Request, who: Actor) -> Response:
        body = await parse_body(request, wire.NewWebhook)
        tenant, secret = await self._access.tenant(who, body.tenant_id), new_secret()
        made = await self._store.write(
            tenant,
            partial(
                webhooks.create,
                who=who,
                now=self._context.clock(),
                id=WebhookId(self._context.new_id()),
                tenant=tenant,
                change=body.change(),
                secret=secret,
                hosts=self._context.hosts,
                sealer=self._context.sealer,
            ),
        )
        return shown(wire.webhook(made, secret), 201, versioned=wire.stored(made))

    async def page(self, request: Request, who: Actor) -> Response:
        query = parse_query(request, wire.WebhookQuery)
        tenant = await self._access.tenant(who, query.tenant_id)
        if tenant is not None:
            found = await self._store.read(partial(stored.of, tenant=tenant))
            return reply({"data": [wire.webhook(each) for each in found], "next": None})
        after = str(query.after or "")
        found = await self._store.read(partial(stored.page, after=after, limit=query.limit + 1))
        data = [wire.webhook(each) for each in found[: query.limit]]
        return reply({"data": data, "next": data[-1]["id"] if len(found) > query.limit else None})

    async def get(self, request: Request, who: Actor) -> Response:
        found = await self._webhook(request, who)
        return shown(wire.webhook(found), versioned=wire.stored(found))

    async def update(self, request: Request, who: Actor) -> Response:
        body = await parse_body(request, wire.WebhookUpdate)
        found = await self._webhook(request, who)
        change = partial(webhooks.update, id=found.id, change=body.change(), hosts=self._context.hosts)
        update = partial(change, who=who, now=self._context.clock())
        changed = await self._store.write(found.tenant, self._if_match(request, found, update))
        return shown(wire.webhook(changed), versioned=wire.stored(changed))

    async def delete(self, request: Request, who: Actor) -> Response:
        found = await self._webhook(request, who)
        remove = partial(webhooks.delete, who=who, now=self._context.clock(), id=found.id)
        await self._store.write(found.tenant, self._if_match(request, found, remove))
        return Response(status_code=204)

    async def rotate(self, request: Request, who: Actor) -> Response:
        found, secret = await self._webhook(request, who), new_secret()
        renew = partial(webhooks.rotate, id=found.id, secret=secret, sealer=self._context.sealer)
        changed = await self._store.write(found.tenant, partial(renew, who=who, now=self._context.clock()))
        return shown(wire.webhook(changed, secret), versioned=wire.stored(changed))

    async def test(self, request: Request, who: Actor) -> Response:
        wait = parse_query(request, wire.TestQuery).wait
        found = await self._webhook(request, who)
        sent = await self._store.write(None, partial(webhooks.test, now=self._context.clock(), id=found.id))
        return reply(wire.delivery(await self._outcome(sent, wait)))

    async def _outcome(self, id: DeliveryId, wait: int) -> Delivery:
        """As it stands once it has been tried, or after that many seconds."""
        until = asyncio.get_running_loop().time() + wait
        while True:
            found = await self._store.read(partial(deliveries.get, id=id))
            if found.attempts or asyncio.get_running_loop().time() >= until:
                return found
            await asyncio.sleep(LOOK)

    async def deliveries(self, request: Request, who: Actor) -> Response:
        query = parse_query(request, wire.DeliveryQuery)
        found = await self._webhook(request, who)
        event = None if query.event_id is None else EventId(str(query.event_id))
        look = partial(deliveries.page, webhook=found.id, state=query.state, event=event)
        page = await self._store.read(partial(look, after=query.after, limit=query.limit))
        return reply({"data": [wire.delivery(each) for each in page.rows], "next": page.next})

    async def replay(self, request: Request, who: Actor) -> Response:
        body = await parse_body(request, wire.Replay)
        found = await self._webhook(request, who)
        if body.event_id is not None:
            once = partial(webhooks.replay_event, id=found.id, event=EventId(str(body.event_id)))
            queued = await self._store.write(None, partial(once, now=self._context.clock()))
            return reply({"queued": queued, "next": None})
        if body.failed:
            return reply(await self._replay_failed(found))
        return reply(await self._replay_some(found, body))

    async def _replay_failed(self, webhook: Webhook) -> dict[str, object]:
        queued = 0
        for _ in range(BITES):
            bite = partial(webhooks.replay_failed, now=self._context.clock(), id=webhook.id, limit=BITE)
            count = await self._store.write(None, bite)
            queued += count
            if count < BITE:
                return {"queued": queued, "next": None}
        return {"queued": queued, "next": "failed"}

    async def _replay_some(self, webhook: Webhook, body: wire.Replay) -> dict[str, object]:
        queued, after = 0, body.after
        some = partial(webhooks.replay_some, id=webhook.id, since=body.since, until=body.until, limit=BITE)
        for _ in range(BITES):
            bite = await self._store.write(None, partial(some, now=self._context.clock(), after=after))
            queued, after = queued + bite.count, bite.next
            if after is None:
                break
        return {"queued": queued, "next": after}

    def _if_match(self, request: Request, webhook: Webhook, usecase: Query[Any]) -> Query[Any]:
        return if_match(request, partial(stored.get, id=webhook.id), wire.stored, usecase)

    async def _webhook(self, request: Request, who: Actor) -> Webhook:
        id = parse_path(request, wire.WebhookPath).id
        found = await self._store.read(partial(stored.get, id=id))
        await self._access.require(who, found.tenant, UnknownWebhook(id))
        return found


def operations(views: WebhookViews) -> list[NativeOperation]:
    """Every operation on webhooks."""
    one: dict[str, type] = {"path_model": wire.WebhookPath}
    return [
        write(
            "POST /webhooks",
            "create_webhook",
            "Create a webhook; its secret is shown this once",
            views.create,
            201,
            wire.WebhookMade,
            body=wire.NewWebhook,
            permission="webhooks.create",
        ),
        read(
            "GET /webhooks",
            "list_webhooks",
            "List webhooks",
            views.page,
            wire.Webhooks,
            query=wire.WebhookQuery,
            permission="webhooks.view",
        ),
        read(
            "GET /webhooks/{webhook_id}",
            "get_webhook",
            "Get one webhook",
            views.get,
            wire.WebhookShown,
            permission="webhooks.view",
            **one,
        ),
        write(
            "PATCH /webhooks/{webhook_id}",
            "update_webhook",
            "Change a webhook",
            views.update,
            200,
            wire.WebhookShown,
            body=wire.WebhookUpdate,
            permission="webhooks.update",
            versioned=True,
            **one,
        ),
        write(
            "DELETE /webhooks/{webhook_id}",
            "delete_webhook",
            "Delete a webhook",
            views.delete,
            204,
            None,
            permission="webhooks.delete",
            versioned=True,
            **one,
        ),
        *_sending(views, one),
    ]


def _sending(views: WebhookViews, one: dict[str, type]) -> list[NativeOperation]:
    return [
        write(
            "POST /webhooks/{webhook_id}/rotate",
            "rotate_webhook_secret",
            "Make a new secret, shown this once; messages are signed with both for 24 hours",
            views.rotate,
            200,
            wire.WebhookMade,
            permission="webhooks.update",
            **one,
        ),
        write(
            "POST /webhooks/{webhook_id}/test",
            "test_webhook",
            "Send an event of type webhook.test, once",
            views.test,
            200,
            wire.DeliveryShown,
            query=wire.TestQuery,
            permission="webhooks.update",
            **one,
        ),
        read(
            "GET /webhooks/{webhook_id}/deliveries",
            "list_webhook_deliveries",
            "List what was sent, with its attempts",
            views.deliveries,
            wire.Deliveries,
            query=wire.DeliveryQuery,
            also_said=(400,),
            permission="webhooks.view",
            **one,
        ),
        write(
            "POST /webhooks/{webhook_id}/replay",
            "replay_webhook",
            "Send events again, under the same webhook-id",
            views.replay,
            200,
            wire.Replayed,
            body=wire.Replay,
            permission="webhooks.update",
            **one,
        ),
    ]
