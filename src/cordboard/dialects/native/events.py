"""The native API's feed of events."""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from cordboard.dialects.http import parse_path, parse_query, reply
from cordboard.dialects.native import event_wire as wire
from cordboard.dialects.native.operation import NativeOperation, read
from cordboard.domain.errors import UnknownEvent
from cordboard.domain.tenants import Actor
from cordboard.storage import events
from cordboard.usecases.access import Access
from cordboard.usecases.deliveries import shown
from cordboard.usecases.ports import Context


class EventFeed:
    """Operations on what happened."""

    def __init__(self, context: Context, access: Access) -> None:
        self._store = context.store
        self._access = access

    async def list_events(self, request: Request, who: Actor) -> Response:
        query = parse_query(request, wire.EventQuery)
        where = query.where(await self._access.tenant(who, query.tenant_id))
        page = await self._store.read(partial(events.page, where=where, after=query.after, limit=query.limit))
        return reply({"data": [shown(events.event_of(row)) for row in page.rows], "next": page.next})

    async def get_event(self, request: Request, who: Actor) -> Response:
        id = parse_path(request, wire.EventPath).id
        event = await self._store.read(partial(events.get, id=id))
        await self._access.require(who, event.tenant, UnknownEvent(id))
        return reply(shown(event))


def operations(feed: EventFeed) -> list[NativeOperation]:
    """Every operation on events."""
    return [
        read(
            "GET /events",
            "list_events",
            "List events",
            feed.list_events,
            wire.Events,
            query=wire.EventQuery,
            also_said=(400,),
            permission="events.view",
        ),
        read(
            "GET /events/{event_id}",
            "get_event",
            "Get one event",
            feed.get_event,
            wire.EventShown,
            path_model=wire.EventPath,
            permission="events.view",
        ),
    ]
