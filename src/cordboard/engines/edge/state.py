"""What Kamailio knows and no store does: which gateways answer, with which we are registered, and who is banned."""

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from cordboard.domain.edge import Ban, GatewayRegistration, HopHealth, Load, RegistrationState
from cordboard.domain.errors import EdgeUnavailable
from cordboard.domain.routing import Direction
from cordboard.domain.trunks import TrunkId
from cordboard.engines.edge.rpc import RpcFailed
from cordboard.engines.edge.supervisor import Edge

_HOPS = """
select h.owner, h.host, coalesce(nullif(h.uri, ''), r.uri)
from hop h left join resolved r on r.name = h.name and h.name <> ''
where h.owner in ({places}) order by h.position, r.rank limit {limit}
"""
#: Places of one trunk that are told of.
_PLACES = 100
_REGISTRATIONS = """
select h.host, coalesce(g.key, '') from hop h
left join registration g
    on g.trunk = h.owner and g.host = h.host and g.uri = h.uri and g.name = h.name and g.expires <> 0
where h.owner = ? order by h.position limit 100
"""


class State:
    """Asks one edge, by RPC and by its file."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def hops(self, trunk: TrunkId) -> list[HopHealth]:
        """Raises EdgeUnavailable."""
        return (await self.hops_of([trunk])).get(trunk, [])

    async def hops_of(self, trunks: Sequence[TrunkId]) -> dict[TrunkId, list[HopHealth]]:
        """Raises EdgeUnavailable."""
        sql = _HOPS.format(places=", ".join("?" * len(trunks)), limit=_PLACES * len(trunks))
        rows = await asyncio.to_thread(self._read, sql, *trunks)
        health = {place: await self._health(*place) for place in {(host, uri) for _, host, uri in rows}}
        found: dict[TrunkId, list[HopHealth]] = {}
        for trunk, host, uri in rows:
            found.setdefault(trunk, []).append(health[host, uri])
        return found

    async def registrations(self, trunk: TrunkId) -> list[GatewayRegistration]:
        """Raises EdgeUnavailable."""
        found = await asyncio.to_thread(self._read, _REGISTRATIONS, trunk)
        return [
            _registration(host, await self._value("registered", key))
            if key
            else GatewayRegistration(host=host, state=RegistrationState.OFF)
            for host, key in found
        ]

    async def bans(self) -> list[Ban]:
        """Raises EdgeUnavailable."""
        try:
            slots = await self._call("htable.dump", "ban")
        except EdgeUnavailable as error:
            await self._call("core.version")
            raise EdgeUnavailable("there are too many bans to be listed; kamailio.log has a line for each") from error
        dumped = await self._call("htable.dump", "dropped")
        dropped = {each["name"]: int(each["value"]) for slot in dumped for each in slot["slot"]}
        return [
            _ban(each["name"], each["value"], dropped.get(each["name"], 0)) for slot in slots for each in slot["slot"]
        ]

    async def banned(self, address: str) -> Ban | None:
        """Raises EdgeUnavailable."""
        told = await self._value("ban", address)
        if told is None:
            return None
        return _ban(address, str(told), int(await self._value("dropped", address) or 0))

    def relays_media(self) -> bool:
        return self._edge.relays_media

    async def load(self, direction: Direction, trunk: TrunkId, tenant: str, own_limit: int | None) -> Load:
        """As guard.cfg, route LIMITS, and trunk.cfg, route MINUTES, count. Raises EdgeUnavailable."""
        options, now = self._edge.options, time.time()
        limit = own_limit or (options.trunk_max_inbound_calls if direction == "in" else options.trunk_max_calls)
        tenant_limit = 0 if direction == "in" else options.tenant_max_calls
        day = int(now) // 86400
        spoken = int(await self._value("spoken", f"{trunk}::{day}") or 0)
        on = int(await self._value("spoken", f"{trunk}::{day}::on") or 0)
        return Load(
            calls=await self._calls("trunk", f"{'all' if own_limit else direction}:{trunk}") if limit else 0,
            limit=limit,
            tenant_calls=await self._calls("tenant", f"{direction}:{tenant}") if tenant_limit else 0,
            tenant_limit=tenant_limit,
            minutes=(spoken + on * (int(now) % 86400)) // 60,
        )

    async def _calls(self, profile: str, key: str) -> int:
        """Calls that stand and are counted under that key."""
        return int(await self._call("dlg.profile_get_size", profile, key) or 0)

    async def ban(self, address: str, now: datetime) -> None:
        """Raises EdgeUnavailable."""
        await self._call("htable.sets", "ban", address, f"by-hand {int(now.timestamp())}")

    async def unban(self, address: str) -> bool:
        """Raises EdgeUnavailable."""
        if await self._value("ban", address) is None:
            return False
        await self._call("htable.delete", "ban", address)
        return True

    def _read(self, sql: str, *trunks: TrunkId) -> list[Any]:
        path = self._folder() / "edge.sqlite"
        try:
            with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=2)) as connection:
                return connection.execute(sql, trunks).fetchall()
        except sqlite3.Error as error:
            raise EdgeUnavailable(f"the edge's file cannot be read: {error}") from error

    async def _health(self, host: str, uri: str | None) -> HopHealth:
        if uri is None:
            return HopHealth(host=host, uri=None, down=False)
        down = await self._value("down", uri) is not None
        told = await self._value("health", uri)
        if told is None:
            return HopHealth(host=host, uri=uri, down=down)
        code, latency, at = (int(part) for part in str(told).split())
        asked = datetime.fromtimestamp(at, UTC)
        return HopHealth(host=host, uri=uri, down=down, code=code, latency=latency or None, asked_at=asked)

    async def _value(self, table: str, key: str) -> Any:
        """None if it is not there, which Kamailio calls an error."""
        self._folder()
        try:
            found = await self._edge.rpc.call("htable.get", table, key)
        except RpcFailed:
            await self._call("core.version")
            return None
        return found["item"]["value"]

    async def _call(self, method: str, *params: str) -> Any:
        self._folder()
        try:
            return await self._edge.rpc.call(method, *params) or []
        except RpcFailed as error:
            raise EdgeUnavailable(str(error)) from error

    def _folder(self) -> Any:
        if not self._edge.ready:
            raise EdgeUnavailable("the edge is not ready")
        return self._edge.folder


def _registration(host: str, told: Any) -> GatewayRegistration:
    """Of what registrations.cfg says; None: its turn has not come yet."""
    if told is None:
        return GatewayRegistration(host=host, state=RegistrationState.TRYING)
    state, code, reason, since, until, following = str(told).split(">")
    return GatewayRegistration(
        host=host,
        state=RegistrationState(state),
        code=int(code) or None,
        reason=bytes.fromhex(reason).decode("ascii", "replace") or None,
        since=_at(since),
        expires_at=_at(until),
        next_attempt_at=_at(following),
    )


def _at(seconds: str) -> datetime | None:
    return datetime.fromtimestamp(int(seconds), UTC) if int(seconds) else None


def _ban(address: str, value: str, dropped: int) -> Ban:
    reason, _, since = value.partition(" ")
    return Ban(address=address, reason=reason, since=datetime.fromtimestamp(int(since), UTC), dropped=dropped)
