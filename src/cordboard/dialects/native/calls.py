"""The native API's calls, their SIP messages, and refused INVITEs: what can be read of them."""

import asyncio
from collections.abc import Callable
from functools import partial

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from cordboard.dialects.http import parse_path, parse_query, reply
from cordboard.dialects.native import call_wire as wire
from cordboard.dialects.openapi import Operation
from cordboard.domain.calls import Call
from cordboard.domain.errors import NoRecording
from cordboard.domain.tenants import Actor
from cordboard.storage import calls
from cordboard.usecases.ports import Context, KeptRecordings


class CallRecords:
    """Operations on what the edges have told."""

    def __init__(self, context: Context, kept: KeptRecordings | None) -> None:
        self._store = context.store
        self._kept = kept

    async def list_calls(self, request: Request, who: Actor) -> Response:
        query = parse_query(request, wire.CallQuery)
        page = await self._store.read(partial(calls.page, where=query.where(), after=query.after, limit=query.limit))
        return await self._page([self._shown(calls.call_of(row)) for row in page.rows], page.next)

    async def get_call(self, request: Request, who: Actor) -> Response:
        id = wire.call_id(parse_path(request, wire.CallPath))
        call = await self._store.read(partial(calls.get, id=id))
        messages = await self._store.read(partial(calls.messages, id=id))
        return reply({**self._shown(call), "messages": [wire.message(m) for m in messages]})

    async def get_recording(self, request: Request, who: Actor) -> Response:
        id = wire.call_id(parse_path(request, wire.CallPath))
        await self._store.read(partial(calls.get, id=id))
        found = None if self._kept is None else await asyncio.to_thread(self._kept.open, id)
        if found is None:
            raise NoRecording(id)
        size, sound = found
        name = f'attachment; filename="{id}.wav"'
        headers = {"Content-Length": str(size), "Content-Disposition": name, "Cache-Control": "private, no-store"}
        return StreamingResponse(sound, headers=headers, media_type=wire.WAV)

    async def list_refusals(self, request: Request, who: Actor) -> Response:
        query = parse_query(request, wire.RefusalQuery)
        page = await self._store.read(
            partial(calls.page_of_refusals, where=query.where(), after=query.after, limit=query.limit)
        )
        return await self._page([wire.refusal(calls.refusal_of(row)) for row in page.rows], page.next)

    def _shown(self, call: Call) -> dict[str, object]:
        return wire.call(call, recording=self._kept is not None and self._kept.has(call.id))

    async def _page(self, data: list[dict[str, object]], next: str | None) -> Response:
        lost = await self._store.read(calls.lost)
        return reply({"data": data, "next": next, "events_lost": wire.lost(lost)})


def operations(records: CallRecords, read: Callable[..., Operation]) -> list[Operation]:
    """`read` makes an operation that reads."""
    return [
        read(
            "GET /calls",
            "list_calls",
            "List calls",
            records.list_calls,
            wire.Calls,
            query=wire.CallQuery,
            also_said=(400,),
        ),
        read(
            "GET /calls/{call_id}",
            "get_call",
            "Get one call with its SIP messages",
            records.get_call,
            wire.CallDetail,
            path_model=wire.CallPath,
        ),
        read(
            "GET /calls/{call_id}/recording",
            "get_recording",
            "Get the sound of one call: stereo, the caller on the left",
            records.get_recording,
            bytes,
            path_model=wire.CallPath,
            media_type=wire.WAV,
        ),
        read(
            "GET /refusals",
            "list_refusals",
            "List refused INVITEs",
            records.list_refusals,
            wire.Refusals,
            query=wire.RefusalQuery,
            also_said=(400,),
        ),
    ]
