"""The native API's schedules of verifications."""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from cordboard.dialects.http import parse_body, parse_path, parse_query, reply
from cordboard.dialects.native import verification_wire as wire
from cordboard.dialects.native.frame import if_match, shown
from cordboard.dialects.native.operation import NativeOperation, read, write
from cordboard.domain.errors import EdgeUnavailable, UnknownSchedule
from cordboard.domain.tenants import Actor
from cordboard.domain.verifications import Schedule, ScheduleId
from cordboard.storage import verification_schedules as stored
from cordboard.usecases.access import Access
from cordboard.usecases.ports import Context
from cordboard.usecases.verification_schedules import Scheduler


class ScheduleViews:
    """Operations on schedules."""

    def __init__(self, context: Context, access: Access, scheduler: Scheduler | None) -> None:
        self._store = context.store
        self._access = access
        self._scheduler = scheduler

    async def create(self, request: Request, who: Actor) -> Response:
        body = await parse_body(request, wire.NewSchedule)
        if self._scheduler is None:
            raise EdgeUnavailable("this server verifies nothing")
        made = await self._scheduler.put(who, body.order(), body.every_minutes, self._store)
        return shown(wire.schedule(made), 201, versioned=wire.scheduled(made))

    async def get(self, request: Request, who: Actor) -> Response:
        one = await self._schedule(request, who)
        return shown(wire.schedule(one), versioned=wire.scheduled(one))

    async def page(self, request: Request, who: Actor) -> Response:
        query = parse_query(request, wire.ScheduleQuery)
        tenant = await self._access.tenant(who, query.tenant_id)
        page = await self._store.read(partial(stored.page, tenant=tenant, after=query.after, limit=query.limit))
        return reply({"data": [wire.schedule(stored.schedule_of(row)) for row in page.rows], "next": page.next})

    async def delete(self, request: Request, who: Actor) -> Response:
        one = await self._schedule(request, who)
        remove = if_match(request, partial(stored.get, id=one.id), wire.scheduled, partial(stored.remove, id=one.id))
        await self._store.write(one.subject.tenant, remove)
        return Response(status_code=204)

    async def _schedule(self, request: Request, who: Actor) -> Schedule:
        id = ScheduleId(str(parse_path(request, wire.SchedulePath).schedule_id))
        one = await self._store.read(partial(stored.get, id=id))
        await self._access.require(who, one.subject.tenant, UnknownSchedule(id))
        return one


def operations(views: ScheduleViews) -> list[NativeOperation]:
    """Every operation on schedules."""
    return [
        write(
            "POST /verification-schedules",
            "create_verification_schedule",
            "Verify a subject again and again, in place of the schedule that it had",
            views.create,
            201,
            wire.ScheduleShown,
            body=wire.NewSchedule,
            permission="verifications.update",
        ),
        read(
            "GET /verification-schedules",
            "list_verification_schedules",
            "List schedules of verifications",
            views.page,
            wire.Schedules,
            query=wire.ScheduleQuery,
            also_said=(400,),
            permission="verifications.view",
        ),
        read(
            "GET /verification-schedules/{schedule_id}",
            "get_verification_schedule",
            "Get one schedule of verifications",
            views.get,
            wire.ScheduleShown,
            path_model=wire.SchedulePath,
            permission="verifications.view",
        ),
        write(
            "DELETE /verification-schedules/{schedule_id}",
            "delete_verification_schedule",
            "Verify a subject no more by itself",
            views.delete,
            204,
            None,
            path_model=wire.SchedulePath,
            permission="verifications.delete",
            versioned=True,
        ),
    ]
