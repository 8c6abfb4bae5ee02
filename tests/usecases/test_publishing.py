"""Assigning a version publishes it, and an agent has one published version at a time."""

from functools import partial

import pytest

from cordboard.domain.agents import AgentId, VersionId
from cordboard.domain.errors import (
    AgentGivenForVersion,
    DraftVersion,
    PublishedElsewhere,
    TwoVersionsOfOneAgent,
    UnknownVersion,
)
from cordboard.domain.tenants import ADMIN
from cordboard.storage import agents, numbers
from cordboard.usecases import agents as agent_usecases
from tests.builders import (
    World,
    add_version,
    create_agent,
    create_tenant,
    dump,
    fresh_number,
    import_number,
    release,
    route,
    unknown_id,
)

pytestmark = pytest.mark.anyio


async def published(world: World, id: AgentId) -> VersionId | None:
    return (await world.store.read(partial(agents.get, tenant=None, id=id))).published


async def test_assigning_a_version_publishes_it_and_the_one_before_goes(world: World) -> None:
    tenant = await create_tenant(world)
    agent, first = await create_agent(world, tenant)
    second = await add_version(world, agent)
    number = await import_number(world, tenant)
    row = await route(world, tenant, number, inbound_version=first.id)
    assert row.inbound_agent_id == agent.id
    assert await published(world, agent.id) == first.id
    await route(world, tenant, number, inbound_version=second.id)
    assert await published(world, agent.id) == second.id


async def test_one_version_serves_many_numbers(world: World) -> None:
    tenant = await create_tenant(world)
    agent, first = await create_agent(world, tenant)
    for _ in range(3):
        row = await route(world, tenant, await import_number(world, tenant), inbound_version=first.id)
        assert row.inbound_agent_id == agent.id


async def test_another_version_is_refused_while_another_number_uses_the_agent(world: World) -> None:
    tenant = await create_tenant(world)
    agent, first = await create_agent(world, tenant)
    second = await add_version(world, agent)
    one, other = await import_number(world, tenant), await import_number(world, tenant)
    await route(world, tenant, one, outbound_version=first.id)
    before = await dump(world)
    with pytest.raises(PublishedElsewhere) as raised:
        await route(world, tenant, other, inbound_version=second.id, nickname="Not stored")
    assert raised.value.published == first.id
    assert await dump(world) == before

    await release(world, tenant, one)
    await route(world, tenant, other, inbound_version=second.id)
    assert await published(world, agent.id) == second.id


async def test_another_version_is_fine_once_the_agent_is_unpublished(world: World) -> None:
    tenant = await create_tenant(world)
    agent, first = await create_agent(world, tenant)
    second = await add_version(world, agent)
    one, other = await import_number(world, tenant), await import_number(world, tenant)
    await route(world, tenant, one, inbound_version=first.id)
    unpublish = partial(
        agent_usecases.publish, who=ADMIN, now=world.clock(), tenant=tenant, agent=agent.id, version=None
    )
    await world.store.write(tenant, unpublish)
    await route(world, tenant, other, inbound_version=second.id)
    assert await published(world, agent.id) == second.id


async def test_both_directions_may_use_one_version_and_not_two_of_one_agent(world: World) -> None:
    tenant = await create_tenant(world)
    agent, first = await create_agent(world, tenant)
    second = await add_version(world, agent)
    number = await import_number(world, tenant)
    row = await route(world, tenant, number, inbound_version=first.id, outbound_version=first.id)
    assert (row.inbound_agent_id, row.outbound_agent_id) == (agent.id, agent.id)
    before = await dump(world)
    with pytest.raises(TwoVersionsOfOneAgent):
        await route(world, tenant, number, inbound_version=first.id, outbound_version=second.id)
    assert await dump(world) == before


async def test_a_direction_that_is_left_alone_follows_its_agent_to_the_new_version(world: World) -> None:
    tenant = await create_tenant(world)
    agent, first = await create_agent(world, tenant)
    second = await add_version(world, agent)
    number = await import_number(world, tenant)
    await route(world, tenant, number, inbound_version=first.id, outbound_version=first.id)
    row = await route(world, tenant, number, inbound_version=second.id)
    assert (row.inbound_agent_id, row.outbound_agent_id) == (agent.id, agent.id)
    assert await published(world, agent.id) == second.id


async def test_two_agents_serve_two_directions(world: World) -> None:
    tenant = await create_tenant(world)
    hears, heard = await create_agent(world, tenant)
    speaks, spoken = await create_agent(world, tenant)
    row = await route(
        world, tenant, await import_number(world, tenant), inbound_version=heard.id, outbound_version=spoken.id
    )
    assert (row.inbound_agent_id, row.outbound_agent_id) == (hears.id, speaks.id)


async def test_a_draft_takes_no_calls(world: World) -> None:
    tenant = await create_tenant(world)
    agent, draft = await create_agent(world, tenant, draft=True)
    assert agent.published is None
    number = await import_number(world, tenant)
    before = await dump(world)
    with pytest.raises(DraftVersion):
        await route(world, tenant, number, inbound_version=draft.id)
    publish = partial(
        agent_usecases.publish, who=ADMIN, now=world.clock(), tenant=tenant, agent=agent.id, version=draft.id
    )
    with pytest.raises(DraftVersion):
        await world.store.write(tenant, publish)
    assert await dump(world) == before


async def test_an_agent_s_id_for_a_version_is_refused_with_the_version_that_was_meant(world: World) -> None:
    tenant = await create_tenant(world)
    agent, first = await create_agent(world, tenant)
    number = await import_number(world, tenant)
    with pytest.raises(AgentGivenForVersion, match=first.id) as raised:
        await route(world, tenant, number, inbound_version=VersionId(agent.id))
    assert raised.value.published == first.id
    unpublished, _ = await create_agent(world, tenant, draft=True)
    with pytest.raises(AgentGivenForVersion, match="no published version"):
        await route(world, tenant, number, inbound_version=VersionId(unpublished.id))


async def test_a_version_or_agent_of_another_tenant_is_as_unknown_as_one_that_never_was(world: World) -> None:
    tenant, other = await create_tenant(world), await create_tenant(world)
    agent, version = await create_agent(world, other)
    number = await import_number(world, tenant)
    before = await dump(world)
    for foreign in (version.id, VersionId(agent.id), VersionId(unknown_id())):
        with pytest.raises(UnknownVersion) as raised:
            await route(world, tenant, number, inbound_version=foreign)
        assert type(raised.value) is UnknownVersion
        assert str(raised.value) == f"agent version {foreign} not found"
    assert await dump(world) == before


async def test_taking_the_agent_away_leaves_it_published(world: World) -> None:
    tenant = await create_tenant(world)
    agent, first = await create_agent(world, tenant)
    number = await import_number(world, tenant)
    await route(world, tenant, number, inbound_version=first.id, outbound_version=first.id)
    row = await route(world, tenant, number, inbound_version=None)
    assert (row.inbound_agent_id, row.outbound_agent_id) == (None, agent.id)
    assert await published(world, agent.id) == first.id


async def test_releasing_an_imported_number_frees_it_at_once_and_unpublishes_its_agents(world: World) -> None:
    tenant, other, text = await create_tenant(world), await create_tenant(world), fresh_number()
    hears, heard = await create_agent(world, tenant)
    speaks, spoken = await create_agent(world, tenant)
    number = await import_number(world, tenant, text)
    await route(world, tenant, number, inbound_version=heard.id, outbound_version=spoken.id)
    await release(world, tenant, number)
    rows = await dump(world)
    assert (rows["number"], rows["trunk"], rows["gateway"]) == ([], [], [])
    assert await published(world, hears.id) is None
    assert await published(world, speaks.id) is None
    again = await import_number(world, other, text)
    assert (await world.store.read(partial(numbers.by_number, number=text))).id == again


async def test_versions_are_numbered_in_the_order_of_making_and_only_rise(world: World) -> None:
    tenant = await create_tenant(world)
    agent, first = await create_agent(world, tenant)
    made = [first] + [await add_version(world, agent) for _ in range(3)]
    assert [version.number for version in made] == [1, 2, 3, 4]
    another, _ = await create_agent(world, tenant)
    assert (await add_version(world, another)).number == 2


async def test_a_version_of_another_agent_cannot_be_published(world: World) -> None:
    tenant = await create_tenant(world)
    agent, _ = await create_agent(world, tenant)
    _, foreign = await create_agent(world, tenant)
    publish = partial(
        agent_usecases.publish, who=ADMIN, now=world.clock(), tenant=tenant, agent=agent.id, version=foreign.id
    )
    with pytest.raises(UnknownVersion):
        await world.store.write(tenant, publish)
