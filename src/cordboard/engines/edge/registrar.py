"""Who is registered, as Kamailio knows it: it alone does, to the second."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cordboard.domain.edge import Binding
from cordboard.domain.errors import EdgeUnavailable
from cordboard.domain.routing import in_networks
from cordboard.engines.edge.rpc import RpcFailed, RpcRefused
from cordboard.engines.edge.supervisor import Edge

#: Look-ups under way at once: a unix socket's queue has room for ten datagrams on an old kernel.
_AT_ONCE: Final = 8
#: What usrloc says where none is given.
_NOTHING: Final = "[not set]"


class Registrar:
    """Asks one edge's usrloc by RPC: a look-up for each account, never a dump of all."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def registrations(self, usernames: Sequence[str]) -> Mapping[str, tuple[Binding, ...]]:
        """The unexpired bindings of those that are online, the newest first. Raises EdgeUnavailable."""
        found = await asyncio.gather(*map(self._bindings, usernames))
        return {username: bindings for username, bindings in zip(usernames, found, strict=True) if bindings}

    async def unregister(self, username: str, *, allowed: str | None) -> None:
        """Take away the bindings that did not come from the networks `allowed`; None: all of them.

        Raises EdgeUnavailable.
        """
        for binding in await self._bindings(username):
            if allowed is None or not in_networks(binding.address, allowed):
                await self._call("ul.rm_contact", "location", username, binding.contact)

    async def _bindings(self, username: str) -> tuple[Binding, ...]:
        async with self._places:
            answer = await self._call("ul.lookup", "location", username)
        contacts = [each["Contact"] for each in answer["Contacts"]] if answer else []
        contacts.sort(key=lambda contact: int(contact["Last-Modified"]), reverse=True)
        return tuple(_binding(contact) for contact in contacts if isinstance(contact["Expires"], int))

    async def _call(self, method: str, *params: str) -> Any:
        """None if there is no such account, or no such binding of its."""
        if not self._edge.ready:
            raise EdgeUnavailable("the edge is not ready")
        try:
            return await self._edge.rpc.call(method, *params)
        except RpcRefused:
            return None
        except RpcFailed as error:
            raise EdgeUnavailable(str(error)) from error


def _binding(contact: dict[str, Any]) -> Binding:
    told = {name: "" if contact[name] == _NOTHING else str(contact[name]) for name in ("Received", "User-Agent")}
    return Binding(
        contact=contact["Address"],
        received=told["Received"],
        user_agent=told["User-Agent"] or None,
        expires=contact["Expires"],
    )
