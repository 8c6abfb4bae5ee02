"""A tenant's client, as the dialect's tests use it: every answer is held against the strict shapes."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2

from cordboard.domain.tenants import TenantId
from tests.builders import World, create_key, create_tenant, import_body
from tests.dialects.diga import shapes


@dataclass
class Caller:
    """One tenant with an unrestricted key."""

    world: World
    tenant: TenantId
    http: httpx2.AsyncClient

    async def send(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """The answer, once its shape is what the documentation says."""
        answer = await self.http.request(method, path, **options)
        if answer.status_code == 204:
            assert answer.content == b""
        elif answer.is_success:
            listed = path.partition("?")[0].rstrip("/") == "/v1/phone"
            (shapes.PhonePage if listed else shapes.Phone).model_validate(answer.json())
        else:
            shapes.check_error(answer.json(), answer.status_code)
        return answer

    async def imported(self, **changes: Any) -> dict[str, Any]:
        """A phone just imported."""
        answer = await self.send("POST", "/v1/phone/import", json=import_body(**changes))
        assert answer.status_code == 200, answer.text
        phone: dict[str, Any] = answer.json()
        return phone

    async def phone(self, id: str) -> dict[str, Any]:
        answer = await self.send("GET", f"/v1/phone/{id}")
        assert answer.status_code == 200, answer.text
        phone: dict[str, Any] = answer.json()
        return phone

    async def refused(self, method: str, path: str, status: int, **options: Any) -> Any:
        """The body of an answer that must be an error of that status."""
        answer = await self.send(method, path, **options)
        assert answer.status_code == status, (answer.status_code, answer.text)
        return answer.json()


@contextlib.asynccontextmanager
async def calling(world: World, permissions: list[str] | None = None) -> AsyncIterator[Caller]:
    """A new tenant's caller."""
    tenant = await create_tenant(world)
    async with world.client(await create_key(world, tenant, permissions)) as http:
        yield Caller(world=world, tenant=tenant, http=http)


def locations(body: Any) -> list[list[str | int]]:
    """Where the fields are that a 422 complains of."""
    return [field["loc"] for field in body["detail"]]
