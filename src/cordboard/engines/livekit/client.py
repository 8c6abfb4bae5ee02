"""LiveKit's SIP service, and its failures in our words."""

import asyncio
import contextlib
from collections.abc import Awaitable, Iterable
from typing import Any, TypeVar

import aiohttp
from livekit.api import LiveKitAPI, ServerError
from livekit.protocol import sip

from cordboard.domain.errors import ProviderFailed

T = TypeVar("T")
#: LiveKit's numbers of `page.limit` are not those of an answer, so all come at once.
Inbounds = list[sip.SIPInboundTrunkInfo]
Outbounds = list[sip.SIPOutboundTrunkInfo]
Rules = list[sip.SIPDispatchRuleInfo]


class Client:
    """One connection pool to one LiveKit project. Every method raises ProviderFailed."""

    def __init__(self, url: str, key: str, secret: str, seconds: float) -> None:
        # a create that is sent again to another region would be made twice
        self._api = LiveKitAPI(url, key, secret, failover=False)
        self._seconds = seconds

    async def close(self) -> None:
        await self._api.aclose()

    async def inbounds(self, *, numbers: Iterable[str] = (), ids: Iterable[str] = ()) -> Inbounds:
        """All, or those of any of these numbers and those of no number."""
        request = sip.ListSIPInboundTrunkRequest(numbers=numbers, trunk_ids=ids)
        return list((await self._told(self._api.sip.list_inbound_trunk(request))).items)

    async def outbounds(self, *, ids: Iterable[str] = ()) -> Outbounds:
        request = sip.ListSIPOutboundTrunkRequest(trunk_ids=ids)
        return list((await self._told(self._api.sip.list_outbound_trunk(request))).items)

    async def rules(self, *, trunks: Iterable[str] = ()) -> Rules:
        """All, or those of any of these trunks and those of no trunk."""
        request = sip.ListSIPDispatchRuleRequest(trunk_ids=trunks)
        return list((await self._told(self._api.sip.list_dispatch_rule(request))).items)

    async def save_inbound(self, id: str | None, info: sip.SIPInboundTrunkInfo) -> str:
        """Make it, or replace the one of that id; its id."""
        if id is None:
            made = await self._told(self._api.sip.create_inbound_trunk(sip.CreateSIPInboundTrunkRequest(trunk=info)))
        else:
            made = await self._told(self._api.sip.update_inbound_trunk(id, info))
        return made.sip_trunk_id

    async def save_outbound(self, id: str | None, info: sip.SIPOutboundTrunkInfo) -> str:
        if id is None:
            made = await self._told(self._api.sip.create_outbound_trunk(sip.CreateSIPOutboundTrunkRequest(trunk=info)))
        else:
            made = await self._told(self._api.sip.update_outbound_trunk(id, info))
        return made.sip_trunk_id

    async def save_rule(self, id: str | None, info: sip.SIPDispatchRuleInfo) -> str:
        if id is None:
            request = sip.CreateSIPDispatchRuleRequest(dispatch_rule=info)
            made = await self._told(self._api.sip.create_dispatch_rule(request))
        else:
            made = await self._told(self._api.sip.update_dispatch_rule(id, info))
        return made.sip_dispatch_rule_id

    async def delete_trunk(self, id: str) -> None:
        """Gone already is as good."""
        await self._told(self._api.sip.delete_trunk(sip.DeleteSIPTrunkRequest(sip_trunk_id=id)))

    async def delete_rule(self, id: str) -> None:
        """Gone already is as good."""
        request = sip.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=id)
        with contextlib.suppress(_Unknown):
            await self._told(self._api.sip.delete_dispatch_rule(request))

    async def _told(self, answer: Awaitable[T]) -> T:
        try:
            # the library hands its time-out to a session that takes None for none
            async with asyncio.timeout(self._seconds):
                return await answer
        except (ServerError, aiohttp.ClientError, TimeoutError) as error:
            raise _failed(error) from error


class _Unknown(ProviderFailed):
    """LiveKit has no such object."""


def _failed(error: Any) -> ProviderFailed:
    if not isinstance(error, ServerError):
        return ProviderFailed(f"LiveKit did not answer: {type(error).__name__}")
    if error.status == 404:
        return _Unknown(f"LiveKit has no such object: {error.message}")
    if error.status == 401:
        return ProviderFailed("LiveKit does not take our key: CORDBOARD_LIVEKIT_API_KEY and _API_SECRET")
    return ProviderFailed(f"LiveKit refused: {error.message or error.code} ({error.status})")
