"""What an explanation looks up, it looks up by an index, on both stores; numbers that nearly fit are no search."""

from dataclasses import replace
from typing import Any

import pytest

from cordboard.domain.tenants import TenantId
from cordboard.usecases.agents import Credentials
from cordboard.usecases.keys import Keyholders
from tests.builders import (
    ADMIN_TOKEN,
    World,
    add_platform_number,
    create_account,
    create_agent,
    create_tenant,
    import_number,
    route,
    unknown_id,
)
from tests.storage.test_query_plans import NotingStore, scans

pytestmark = pytest.mark.anyio


async def every_kind_of_question(world: World, tenant: TenantId) -> list[dict[str, Any]]:
    """Calls that fail by each rule, near and far from what there is."""
    number, (_, version) = await import_number(world, tenant), await create_agent(world, tenant)
    called = (await route(world, tenant, number, inbound_version=version.id)).number
    login = f"bot-{unknown_id()}"
    _, calling = await create_agent(world, tenant, from_credentials=Credentials(username=login, password="x"))
    other = (await route(world, tenant, await import_number(world, tenant), outbound_version=calling.id)).number
    bare = (await route(world, tenant, await import_number(world, tenant))).number
    reserved, account = (await add_platform_number(world)).number, await create_account(world, tenant)
    return [
        {"to": called},
        {"to": called.removeprefix("+34"), "from": called},
        {"to": called + "1", "to_header": called, "p_called_party_id": called},
        {"to": "sales@example.com"},
        {"to": reserved},
        {"to": bare},
        {"to": "15125550100", "from": other, "login": login},
        {"to": "+15125550100", "from": other},
        {"to": "+15125550100", "from": bare},
        {"to": "101", "from": account.username, "login": account.username},
        {"to": "101", "from": "nobody", "login": "nobody"},
        {"to": called, "offer": "other"},
    ]


async def test_no_explanation_reads_a_whole_table(world: World, database: str) -> None:
    tenant = await create_tenant(world, "Acme")
    noting = NotingStore(world.store)
    questions = await every_kind_of_question(world, tenant)
    noted = World(context=replace(world.context, store=noting), clock=world.clock, keyholders=Keyholders(noting))
    async with noted.client(ADMIN_TOKEN) as http:
        for question in questions:
            for whose in ({}, {"tenant_id": tenant}):
                answer = await http.post("/cordboard/v1/explain", json={**question, "source": "192.0.2.1", **whose})
                assert answer.status_code == 200, answer.text
        assert (await http.get("/cordboard/v1/calls/x/explanation")).status_code == 404
    assert len(noting.noted) > 15
    assert await scans(world.store, noting.noted, database) == {}


async def test_an_explanation_takes_as_many_statements_however_many_numbers_there_are(world: World) -> None:
    tenant = await create_tenant(world, "Acme")
    counted = []
    for _ in range(2):
        for _ in range(20):
            await import_number(world, tenant)
        noting = NotingStore(world.store)
        noted = World(context=replace(world.context, store=noting), clock=world.clock, keyholders=Keyholders(noting))
        async with noted.client(ADMIN_TOKEN) as http:
            await http.post("/cordboard/v1/explain", json={"to": "911999999", "source": "192.0.2.1"})
        counted.append(len(noting.ran))
    assert counted[0] == counted[1] < 12
