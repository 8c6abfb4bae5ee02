"""A provider is asked about all that a write changes, before it is stored."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from cordboard.storage.changes import Kind
from cordboard.storage.transaction import Transaction
from cordboard.usecases.provisioning import Provisioned
from tests.builders import ADMIN_TOKEN, World, create_tenant, fresh_number, import_number

pytestmark = pytest.mark.anyio


@dataclass
class Indifferent:
    """A provider that has nothing of what it is asked about."""

    asked: set[tuple[Kind, str]] = field(default_factory=set)

    async def keys(self, tx: Transaction, touched: Collection[tuple[Kind, str]]) -> list[str]:
        self.asked.update(touched)
        return []


async def test_a_provider_is_asked_about_one_number_and_about_each_of_many(world: World) -> None:
    tenant, provider = await create_tenant(world), Indifferent()
    store: Any = Provisioned(store=world.store, provider=provider)  # type: ignore[arg-type]  # it is asked no more
    told = World(context=replace(world.context, store=store), clock=world.clock, keyholders=world.keyholders)
    one = await import_number(told, tenant)
    assert ("number", one) in provider.asked
    provider.asked.clear()
    async with told.client(ADMIN_TOKEN) as admin:
        begun = (await admin.post("/cordboard/v1/imports", json={"tenant_id": tenant})).json()
        path = f"/cordboard/v1/imports/{begun['id']}/rows"
        rows = "number,allowed_addresses\n" + "".join(f"{fresh_number()},192.0.2.1\n" for _ in range(70))
        assert (await admin.put(path, params={"from": 0}, content=rows.encode())).json()["imported"] == 70
        report = (await admin.get(path)).json()["data"]
    assert {id for kind, id in provider.asked if kind == "number"} == {row["number_id"] for row in report}
    assert sum(kind == "trunk" for kind, _ in provider.asked) == 70
