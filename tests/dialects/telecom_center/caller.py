"""An operator's client, as the dialect's tests use it: every answer is held against the strict shapes."""

import contextlib
import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import httpx2
from argon2 import PasswordHasher

from cordboard.domain.accounts import Account
from cordboard.domain.operators import Operator
from cordboard.domain.tenants import Tenant
from tests.builders import World, create_account, create_customer, create_operator
from tests.dialects.telecom_center import shapes

BASE = "/api/rest/public/operator"
ACCOUNTS = f"{BASE}/sip_device_routes"
CUSTOMERS = f"{BASE}/customers"
TYPE = "application/vnd.api+json"
PASSWORD = "password"
_names = itertools.count(1)


@lru_cache
def cheap_hash(password: str) -> str:
    """argon2id, with parameters that cost a test nothing; they stand in the hash."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(password)


@dataclass
class Caller:
    """One operator, and an HTTP client that shows its name and password."""

    world: World
    operator: Operator
    http: httpx2.AsyncClient

    async def send(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """The answer, once its shape is what the documentation says. `json` is sent as the API's own type."""
        headers = {"Content-Type": TYPE, **options.pop("headers", {})}
        answer = await self.http.request(method, path, headers=headers, **options)
        shapes.check(path.partition("?")[0], answer)
        return answer

    async def found(self, path: str) -> Any:
        """The document of a GET that must be answered."""
        answer = await self.send("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def usernames(self, query: str) -> list[str]:
        """Those of a page of accounts, in order."""
        document = await self.found(f"{ACCOUNTS}?{query}")
        return [each["attributes"]["username"] for each in document["data"]]

    async def refused(self, method: str, path: str, status: int, **options: Any) -> list[dict[str, Any]]:
        """The errors of an answer that must have that status."""
        answer = await self.send(method, path, **options)
        assert answer.status_code == status, (answer.status_code, answer.text)
        errors: list[dict[str, Any]] = answer.json()["errors"]
        return errors

    async def customer(self, reference: str | None = None, name: str = "Acme") -> Tenant:
        return await create_customer(self.world, self.operator.id, reference, name=name)

    async def account(self, customer: Tenant, username: str | None = None, **more: Any) -> Account:
        return await create_account(self.world, customer.id, username, **more)


@contextlib.asynccontextmanager
async def calling(world: World, name: str | None = None) -> AsyncIterator[Caller]:
    """A new operator's caller."""
    name = name or f"operator-{next(_names)}"
    operator = await create_operator(world, name, cheap_hash(PASSWORD))
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=world.app()), base_url="http://cordboard", auth=(name, PASSWORD)
    ) as http:
        yield Caller(world=world, operator=operator, http=http)


def resource(type: str, id: str | None = None, **attributes: Any) -> dict[str, Any]:
    """The body of a POST or PATCH."""
    named = {} if id is None else {"id": id}
    return {"data": {**named, "type": type, "attributes": attributes}}


def ids(document: Any) -> list[str]:
    return [each["id"] for each in document["data"]]


def codes(errors: Sequence[dict[str, Any]]) -> list[str]:
    return [error["code"] for error in errors]
