"""A tenant's client, as the dialect's tests use it: every answer is held against the strict shapes."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx2

from cordboard.domain.tenants import ADMIN, TenantId
from cordboard.domain.trunks import Gateway, Trunk, TrunkId, inbound_row
from cordboard.storage import trunks as stored
from cordboard.usecases import trunks
from tests.builders import World, create_key, create_tenant, import_number, unknown_id
from tests.dialects.nebrija import shapes

TRUNKS, NUMBERS = "/api/v1/sip-trunks", "/api/v1/phone-numbers"
Json = dict[str, Any]


@dataclass
class Caller:
    """One tenant with an unrestricted key."""

    world: World
    tenant: TenantId
    http: httpx2.AsyncClient

    async def send(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """The answer, once its shape is what the documentation says."""
        answer = await self.http.request(method, path, **options)
        shapes.check(path, answer)
        return answer

    async def done(self, method: str, path: str, json: Any = None) -> Any:
        """The body of an answer that must be a success."""
        answer = await self.send(method, path, json=json)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def refused(self, method: str, path: str, status: int, **options: Any) -> Any:
        """The message of an answer that must be an error of that status."""
        answer = await self.send(method, path, **options)
        assert answer.status_code == status, (answer.status_code, answer.text)
        return answer.json()["message"]

    async def trunk(self, **changes: Any) -> Json:
        """A trunk just created."""
        made: Json = await self.done("POST", TRUNKS, trunk_body(**changes))
        return made

    async def patched(self, id: str, body: Any) -> Json:
        changed: Json = await self.done("PATCH", f"{TRUNKS}/{id}", body)
        assert changed == await self.done("GET", f"{TRUNKS}/{id}"), "an answer and a later one differ"
        return changed

    async def number(self) -> str:
        """The id of a number just imported, inbound only."""
        return await import_number(self.world, self.tenant)

    async def stored(self, id: str) -> Trunk:
        return await self.world.store.read(partial(stored.get, id=TrunkId(id)))

    async def password(self, id: str) -> str | None:
        """In clear."""
        trunk = await self.stored(id)
        return None if trunk.password is None else self.world.context.sealer.unseal(trunk.password, trunk.id)

    async def inbound_password(self, id: str) -> str | None:
        """In clear."""
        trunk = await self.stored(id)
        if trunk.inbound is None:
            return None
        return self.world.context.sealer.unseal(trunk.inbound.password, inbound_row(trunk.id))


@contextlib.asynccontextmanager
async def calling(world: World, permissions: list[str] | None = None) -> AsyncIterator[Caller]:
    """A new tenant's caller."""
    tenant = await create_tenant(world)
    async with world.client(await create_key(world, tenant, permissions)) as http:
        yield Caller(world=world, tenant=tenant, http=http)


def trunk_body(**changes: Any) -> Json:
    """The body of a POST."""
    body: Json = {
        "name": "Main Office",
        "gateways": [{"ipOrDomain": "sip.carrier.example"}],
        "authentication": {"username": "office", "password": "carrier-secret"},
    }
    return {**body, **changes}


async def system_trunk(world: World) -> Trunk:
    """One that everybody may call through."""
    rest = trunks.Patch(gateways=(Gateway(host="127.0.1.9"),), username="platform", password="platform-secret")
    make = partial(
        trunks.create,
        who=ADMIN,
        now=world.clock(),
        id=TrunkId(unknown_id()),
        tenant=None,
        name="Everybody's",
        rest=rest,
        sealer=world.context.sealer,
    )
    return await world.store.write(None, make)
