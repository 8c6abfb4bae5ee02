"""The native API's view of the edge: which gateways answer, with which it is registered, and who is banned."""

from datetime import datetime
from ipaddress import IPv4Address, IPv6Address
from typing import Literal

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from cordboard.dialects.http import parse_path, reply
from cordboard.dialects.native.operation import ADMINISTRATOR, NativeOperation, read, write
from cordboard.dialects.native.trunk_wire import TrunkPath
from cordboard.dialects.native.trunks import visible
from cordboard.domain.edge import Ban, EdgeReport, GatewayRegistration, HopHealth, RegistrationState
from cordboard.domain.errors import EdgeUnavailable, NotBanned
from cordboard.domain.tenants import Actor
from cordboard.domain.times import opt_to_wire, to_wire
from cordboard.usecases.access import Access
from cordboard.usecases.edges import SILENT, Edges
from cordboard.usecases.ports import Context, EdgeState


class BanPath(BaseModel):
    """Path of one banned source."""

    address: IPv4Address | IPv6Address


class HopShown(BaseModel):
    """One place that a trunk's calls are sent to. Of a name each record is one.

    `uri` is null while the name does not resolve; `code`, `latency_ms` and `asked_at` are of the last OPTIONS, 408
    being no answer.
    """

    host: str
    uri: str | None
    state: str
    code: int | None
    latency_ms: float | None
    asked_at: datetime | None


class HealthShown(BaseModel):
    """A trunk's gateways in order of use."""

    trunk_id: str
    gateways: list[HopShown]


class RegistrationShown(BaseModel):
    """How the edge is registered with one gateway.

    `code` and `reason` are of the last answer, `code` null if there was none. `expires_at` is until when the gateway
    has promised to know us.
    """

    host: str
    state: RegistrationState
    code: int | None
    reason: str | None
    since: datetime | None
    expires_at: datetime | None
    next_attempt_at: datetime | None


class RegistrationsShown(BaseModel):
    """A trunk's gateways in order of use."""

    trunk_id: str
    gateways: list[RegistrationShown]


class EdgeShown(BaseModel):
    """An edge: what a carrier has to be told of it, and how far it is.

    `signalling` is where it takes SIP, `media` where RTP comes from and goes to. `state` is `ready`, `not-ready`, or
    `silent` if it has said nothing for a minute. `applied_revision` is the newest change that its calls are decided by.
    """

    name: str
    state: Literal["ready", "not-ready", "silent"]
    applied_revision: int
    applied: bool
    signalling: list[str]
    media: list[str]
    version: str
    seen_at: datetime


class EdgesShown(BaseModel):
    """All edges, and the newest revision of the store."""

    revision: int
    data: list[EdgeShown]


class BanShown(BaseModel):
    """A source that is not heard for a while: `flood`, `scanner`, `credentials` or `by-hand`."""

    address: str
    reason: str
    since: datetime
    dropped: int


class Bans(BaseModel):
    """All of them."""

    data: list[BanShown]


class EdgeViews:
    """Operations on what the edge knows."""

    def __init__(self, context: Context, access: Access, state: EdgeState | None, edges: Edges) -> None:
        self._context = context
        self._access = access
        self._edges = edges
        self._maybe = state

    @property
    def _state(self) -> EdgeState:
        if self._maybe is None:
            raise EdgeUnavailable("this server runs without an edge")
        return self._maybe

    async def trunk_health(self, request: Request, who: Actor) -> Response:
        id = (await visible(self._context.store, self._access, request, who)).id
        return reply({"trunk_id": id, "gateways": [_hop(each) for each in await self._state.hops(id)]})

    async def trunk_registrations(self, request: Request, who: Actor) -> Response:
        id = (await visible(self._context.store, self._access, request, who)).id
        told = await self._state.registrations(id)
        return reply({"trunk_id": id, "gateways": [_registration(each) for each in told]})

    async def list_edges(self, request: Request, who: Actor) -> Response:
        newest, now = await self._edges.newest(), self._context.clock()
        found = await self._edges.every()
        return reply({"revision": newest, "data": [_edge(each, newest, now) for each in found]})

    async def list_bans(self, request: Request, who: Actor) -> Response:
        return reply({"data": [_ban(each) for each in await self._state.bans()]})

    async def ban(self, request: Request, who: Actor) -> Response:
        address = str(parse_path(request, BanPath).address)
        await self._state.ban(address, self._context.clock())
        return Response(status_code=204)

    async def unban(self, request: Request, who: Actor) -> Response:
        address = str(parse_path(request, BanPath).address)
        if not await self._state.unban(address):
            raise NotBanned(address)
        return Response(status_code=204)


def _hop(hop: HopHealth) -> dict[str, object]:
    return {
        "host": hop.host,
        "uri": hop.uri,
        "state": "unresolved" if hop.uri is None else "down" if hop.down else "up" if hop.code else "unknown",
        "code": hop.code,
        "latency_ms": None if hop.latency is None else hop.latency / 1000,
        "asked_at": opt_to_wire(hop.asked_at),
    }


def _registration(told: GatewayRegistration) -> dict[str, object]:
    return {
        "host": told.host,
        "state": told.state,
        "code": told.code,
        "reason": told.reason,
        "since": opt_to_wire(told.since),
        "expires_at": opt_to_wire(told.expires_at),
        "next_attempt_at": opt_to_wire(told.next_attempt_at),
    }


def _edge(report: EdgeReport, newest: int, now: datetime) -> dict[str, object]:
    heard = report.seen_at > now - SILENT
    return {
        "name": report.name,
        "state": ("ready" if report.ready else "not-ready") if heard else "silent",
        "applied_revision": report.applied,
        "applied": report.applied >= newest,
        "signalling": list(report.signalling),
        "media": list(report.media),
        "version": report.version,
        "seen_at": to_wire(report.seen_at),
    }


def _ban(ban: Ban) -> dict[str, object]:
    return {"address": ban.address, "reason": ban.reason, "since": to_wire(ban.since), "dropped": ban.dropped}


def operations(views: EdgeViews) -> list[NativeOperation]:
    """Every operation on what the edge knows."""
    return [
        read(
            "GET /edges",
            "list_edges",
            "List the edges: where carriers reach them, and which changes their calls are decided by",
            views.list_edges,
            EdgesShown,
            permission="edges.view",
        ),
        read(
            "GET /trunks/{trunk_id}/health",
            "get_trunk_health",
            "Which of a trunk's gateways answer",
            views.trunk_health,
            HealthShown,
            path_model=TrunkPath,
            permission="trunks.view",
        ),
        read(
            "GET /trunks/{trunk_id}/registrations",
            "get_trunk_registrations",
            "How the edge is registered with a trunk's gateways",
            views.trunk_registrations,
            RegistrationsShown,
            path_model=TrunkPath,
            permission="trunks.view",
        ),
        read(
            "GET /bans",
            "list_bans",
            "List sources that are not heard for a while",
            views.list_bans,
            Bans,
            least=ADMINISTRATOR,
        ),
        write(
            "PUT /bans/{address}",
            "ban",
            "Hear no more of a source for a while",
            views.ban,
            204,
            None,
            path_model=BanPath,
            least=ADMINISTRATOR,
        ),
        write(
            "DELETE /bans/{address}",
            "unban",
            "Hear a banned source again",
            views.unban,
            204,
            None,
            path_model=BanPath,
            least=ADMINISTRATOR,
        ),
    ]
