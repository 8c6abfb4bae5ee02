"""The native API's calls, their SIP messages, and refused INVITEs; a call that stands can be hung up."""

import asyncio
from functools import partial

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from cordboard.dialects.http import parse_path, parse_query, reply
from cordboard.dialects.native import call_detail_wire as details
from cordboard.dialects.native import call_wire as wire
from cordboard.dialects.native.operation import NativeOperation, read, write
from cordboard.domain.calls import Call
from cordboard.domain.errors import CallNotStanding, EdgeUnavailable, NoRecording, UnknownCall
from cordboard.domain.tenants import Actor
from cordboard.storage import calls
from cordboard.usecases import call_events
from cordboard.usecases.access import Access
from cordboard.usecases.ports import Context, KeptRecordings, LiveCalls


class CallRecords:
    """Operations on what the edges have told."""

    def __init__(self, context: Context, access: Access, kept: KeptRecordings | None, live: LiveCalls | None) -> None:
        self._store = context.store
        self._context = context
        self._live = live
        self._access = access
        self._kept = kept

    async def list_calls(self, request: Request, who: Actor) -> Response:
        query = parse_query(request, wire.CallQuery)
        where = query.where(await self._access.tenant(who, query.tenant_id))
        page = await self._store.read(partial(calls.page, where=where, after=query.after, limit=query.limit))
        return await self._page([self._shown(calls.call_of(row)) for row in page.rows], page.next)

    async def get_call(self, request: Request, who: Actor) -> Response:
        call = await self._call(request, who)
        messages = await self._store.read(partial(calls.messages, id=call.id))
        told = await self._store.read(partial(calls.details, id=call.id))
        if call.ended_at is None and self._live is not None:
            now = await self._live.audio(call)
            told = told if now is None else [*told, now]
        return reply({**self._shown(call), **details.shown(told), "messages": [wire.message(m) for m in messages]})

    async def end_call(self, request: Request, who: Actor) -> Response:
        call = await self._call(request, who)
        if call.ended_at is not None:
            raise CallNotStanding(call.id, call.state)
        if self._live is None:
            raise EdgeUnavailable("this server runs without an edge")
        await self._live.end(call)
        return reply(None, 204)

    async def get_recording(self, request: Request, who: Actor) -> Response:
        id = (await self._call(request, who)).id
        found = None if self._kept is None else await asyncio.to_thread(self._kept.open, id)
        if found is None:
            raise NoRecording(id)
        size, sound = found
        name = f'attachment; filename="{id}.wav"'
        headers = {"Content-Length": str(size), "Content-Disposition": name, "Cache-Control": "private, no-store"}
        return StreamingResponse(sound, headers=headers, media_type=wire.WAV)

    async def list_refusals(self, request: Request, who: Actor) -> Response:
        query = parse_query(request, wire.RefusalQuery)
        where = query.where(await self._access.tenant(who, query.tenant_id))
        page = await self._store.read(
            partial(calls.page_of_refusals, where=where, after=query.after, limit=query.limit)
        )
        return await self._page([call_events.of_refusal(calls.refusal_of(row)) for row in page.rows], page.next)

    async def _call(self, request: Request, who: Actor) -> Call:
        id = wire.call_id(parse_path(request, wire.CallPath))
        call = await self._store.read(partial(calls.get, id=id))
        await self._access.require(who, call.tenant, UnknownCall(id))
        return call

    def _shown(self, call: Call) -> dict[str, object]:
        return wire.call(call, self._context.clock(), recording=self._kept is not None and self._kept.has(call.id))

    async def _page(self, data: list[dict[str, object]], next: str | None) -> Response:
        lost = await self._store.read(calls.lost)
        return reply({"data": data, "next": next, "events_lost": wire.lost(lost)})


def operations(views: CallRecords) -> list[NativeOperation]:
    """Every operation on calls and refusals."""
    return [
        read(
            "GET /calls",
            "list_calls",
            "List calls",
            views.list_calls,
            wire.Calls,
            query=wire.CallQuery,
            also_said=(400,),
            permission="calls.view",
        ),
        read(
            "GET /calls/{call_id}",
            "get_call",
            "Get one call with its tries, legs and SIP messages, and how it sounds now if it stands",
            views.get_call,
            wire.CallDetail,
            path_model=wire.CallPath,
            permission="calls.view",
        ),
        write(
            "DELETE /calls/{call_id}",
            "end_call",
            "Hang up a call that stands, on both sides",
            views.end_call,
            204,
            None,
            path_model=wire.CallPath,
            permission="calls.update",
        ),
        read(
            "GET /calls/{call_id}/recording",
            "get_recording",
            "Get the sound of one call: stereo, the caller on the left",
            views.get_recording,
            bytes,
            path_model=wire.CallPath,
            media_type=wire.WAV,
            permission="calls.view",
        ),
        read(
            "GET /refusals",
            "list_refusals",
            "List refused INVITEs",
            views.list_refusals,
            wire.Refusals,
            query=wire.RefusalQuery,
            also_said=(400,),
            permission="calls.view",
        ),
    ]
