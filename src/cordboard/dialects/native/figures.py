"""The native API's figures: what pictures are drawn of."""

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from cordboard.dialects.http import parse_query, reply
from cordboard.dialects.native.operation import NativeOperation, read
from cordboard.dialects.native.trunk_wire import TrunkPath
from cordboard.dialects.native.trunks import visible
from cordboard.domain.figures import LONGEST, MINUTE, Figures, Minute
from cordboard.domain.strips import Span, State, Strip
from cordboard.domain.tenants import Actor
from cordboard.domain.times import to_wire
from cordboard.usecases import figures, strips
from cordboard.usecases.access import Access
from cordboard.usecases.ports import Context, EdgeState


class FiguresQuery(BaseModel):
    """The last minutes, of a tenant or of all that the caller may see."""

    tenant_id: UUID | None = None
    minutes: int = Field(default=60, ge=1, le=LONGEST // MINUTE)


class StripQuery(BaseModel):
    """The last hours."""

    hours: int = Field(default=24, ge=1, le=24 * 7)


class MinuteShown(BaseModel):
    """A minute by its beginning. A call counts in those in which it began, was answered, and failed."""

    at: datetime
    calls: int
    answered: int
    failed: int
    refused: int


class ReasonCount(BaseModel):
    """How many INVITEs were refused for one reason."""

    reason: str
    count: int


class RegisteredMinute(BaseModel):
    """How many accounts were registered at a minute's end."""

    at: datetime
    count: int


class RegisteredShown(BaseModel):
    """Accounts that are registered. How many `accounts` there are is null for the whole installation."""

    now: int
    accounts: int | None
    minutes: list[RegisteredMinute]


class FiguresShown(BaseModel):
    """The last minutes, the oldest first and the running one last; refusals in all of them by reason."""

    model_config = {"serialize_by_alias": True}

    since: datetime = Field(alias="from")
    minutes: list[MinuteShown]
    refusals: list[ReasonCount]
    registered: RegisteredShown
    live_calls: int


class SpanShown(BaseModel):
    """For how long a gateway was in one state."""

    model_config = {"serialize_by_alias": True}

    state: State
    since: datetime = Field(alias="from")
    until: datetime = Field(alias="to")


class GatewayStrip(BaseModel):
    """One place that the trunk's calls are sent to. Of a name each record is one; `uri` is null if it is not known."""

    host: str
    uri: str | None
    state: State
    spans: list[SpanShown]


class StripShown(BaseModel):
    """A trunk's gateways in order of use, each with its spans, the oldest first."""

    trunk_id: str
    gateways: list[GatewayStrip]


class FigureViews:
    """Operations that count."""

    def __init__(self, context: Context, access: Access, edge: EdgeState | None) -> None:
        self._context = context
        self._access = access
        self._edge = edge

    async def figures(self, request: Request, who: Actor) -> Response:
        query = parse_query(request, FiguresQuery)
        tenant = None
        if query.tenant_id is not None or who.operator is None:
            tenant = await self._access.tenant(who, query.tenant_id)
        found = await self._context.store.read(
            partial(
                figures.of_stretch,
                now=self._context.clock(),
                minutes=query.minutes,
                tenant=tenant,
                operator=who.operator,
            )
        )
        return reply(_figures(found))

    async def trunk_strip(self, request: Request, who: Actor) -> Response:
        query = parse_query(request, StripQuery)
        trunk = await visible(self._context.store, self._access, request, who)
        found = await strips.of_trunk(self._context, self._edge, trunk, timedelta(hours=query.hours))
        return reply({"trunk_id": trunk.id, "gateways": [_strip(each) for each in found]})


def _figures(found: Figures) -> dict[str, object]:
    return {
        "from": to_wire(found.minutes[0].at),
        "minutes": [_minute(each) for each in found.minutes],
        "refusals": [{"reason": reason, "count": count} for reason, count in found.refusals],
        "registered": {
            "now": found.registered,
            "accounts": found.accounts,
            "minutes": [{"at": to_wire(each.at), "count": each.registered} for each in found.minutes],
        },
        "live_calls": found.live_calls,
    }


def _minute(minute: Minute) -> dict[str, object]:
    tally = minute.tally
    return {
        "at": to_wire(minute.at),
        "calls": tally.calls,
        "answered": tally.answered,
        "failed": tally.failed,
        "refused": tally.refused,
    }


def _strip(strip: Strip) -> dict[str, object]:
    return {"host": strip.host, "uri": strip.uri, "state": strip.state, "spans": [_span(each) for each in strip.spans]}


def _span(span: Span) -> dict[str, str]:
    return {"state": span.state, "from": to_wire(span.since), "to": to_wire(span.until)}


def operations(views: FigureViews) -> list[NativeOperation]:
    """Every operation that counts."""
    return [
        read(
            "GET /figures",
            "get_figures",
            "Count calls, refusals and registered accounts over the last minutes",
            views.figures,
            FiguresShown,
            query=FiguresQuery,
            permission="calls.view",
        ),
        read(
            "GET /trunks/{trunk_id}/strip",
            "get_trunk_strip",
            "When a trunk's gateways answered over the last hours, and when not",
            views.trunk_strip,
            StripShown,
            path_model=TrunkPath,
            query=StripQuery,
            permission="trunks.view",
        ),
    ]
