"""The native API's view of the edge: which gateways answer, with which it is registered, and who is banned."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from ipaddress import IPv4Address, IPv6Address

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from cordboard.dialects.http import parse_path, reply
from cordboard.dialects.native.trunk_wire import TrunkPath
from cordboard.dialects.openapi import Operation
from cordboard.domain.edge import Ban, GatewayRegistration, HopHealth, RegistrationState
from cordboard.domain.errors import EdgeUnavailable, NotBanned
from cordboard.domain.tenants import Actor
from cordboard.domain.times import opt_to_wire, to_wire
from cordboard.domain.trunks import TrunkId
from cordboard.storage import trunks
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

    def __init__(self, context: Context, state: EdgeState | None) -> None:
        self._context = context
        self._maybe = state

    @property
    def _state(self) -> EdgeState:
        if self._maybe is None:
            raise EdgeUnavailable("this server runs without an edge")
        return self._maybe

    async def trunk_health(self, request: Request, who: Actor) -> Response:
        id = TrunkId(str(parse_path(request, TrunkPath).trunk_id))
        await self._context.store.read(partial(trunks.get, id=id))
        return reply({"trunk_id": id, "gateways": [_hop(each) for each in await self._state.hops(id)]})

    async def trunk_registrations(self, request: Request, who: Actor) -> Response:
        id = TrunkId(str(parse_path(request, TrunkPath).trunk_id))
        await self._context.store.read(partial(trunks.get, id=id))
        told = await self._state.registrations(id)
        return reply({"trunk_id": id, "gateways": [_registration(each) for each in told]})

    async def list_bans(self, request: Request, who: Actor) -> Response:
        return reply({"data": [_ban(each) for each in await self._state.bans()]})

    async def ban(self, request: Request, who: Actor) -> Response:
        address = str(parse_path(request, BanPath).address)
        await self._state.ban(address, self._context.clock())
        return reply(None, 204)

    async def unban(self, request: Request, who: Actor) -> Response:
        address = str(parse_path(request, BanPath).address)
        if not await self._state.unban(address):
            raise NotBanned(address)
        return reply(None, 204)


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


def _ban(ban: Ban) -> dict[str, object]:
    return {"address": ban.address, "reason": ban.reason, "since": to_wire(ban.since), "dropped": ban.dropped}


def operations(views: EdgeViews, read: Callable[..., Operation], write: Callable[..., Operation]) -> list[Operation]:
    """`read` and `write` make operations that do so."""
    return [
        read(
            "GET /trunks/{trunk_id}/health",
            "get_trunk_health",
            "Which of a trunk's gateways answer",
            views.trunk_health,
            HealthShown,
            path_model=TrunkPath,
        ),
        read(
            "GET /trunks/{trunk_id}/registrations",
            "get_trunk_registrations",
            "How the edge is registered with a trunk's gateways",
            views.trunk_registrations,
            RegistrationsShown,
            path_model=TrunkPath,
        ),
        read("GET /bans", "list_bans", "List sources that are not heard for a while", views.list_bans, Bans),
        write(
            "PUT /bans/{address}",
            "ban",
            "Hear no more of a source for a while",
            views.ban,
            204,
            None,
            path_model=BanPath,
        ),
        write(
            "DELETE /bans/{address}",
            "unban",
            "Hear a banned source again",
            views.unban,
            204,
            None,
            path_model=BanPath,
        ),
    ]
