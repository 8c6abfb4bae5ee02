"""By what an agent is known when it places calls: an address that is one tenant's alone, or a username."""

import asyncio
from functools import partial
from ipaddress import ip_network
from typing import Any

import pytest

from cordboard.domain.agents import Agent, AgentId, AgentVersion, VersionId
from cordboard.domain.errors import SharedAddress, UsernameTaken
from cordboard.domain.tenants import ADMIN, TenantId
from cordboard.storage.transaction import Transaction
from cordboard.usecases import agents
from cordboard.usecases.agents import Credentials
from cordboard.usecases.ports import new_uuid
from tests.builders import World, add_version, create_agent, create_tenant, dump, import_number, release, route

pytestmark = pytest.mark.anyio

U = Credentials(username="u1", password="hunter2")


async def publish(world: World, agent: Agent, version: VersionId | None) -> None:
    usecase = partial(
        agents.publish, who=ADMIN, now=world.clock(), tenant=agent.tenant, agent=agent.id, version=version
    )
    await world.store.write(agent.tenant, usecase)


async def sources(world: World) -> list[tuple[str, str]]:
    """Whose address alone says who calls: version and network."""
    return [(row["version_id"], row["network"]) for row in (await dump(world))["agent_source"]]


def password(world: World, version: AgentVersion) -> str:
    assert version.from_credentials is not None
    return world.context.sealer.unseal(version.from_credentials.password, version.id)


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        (["192.0.2.0/24"], ["192.0.2.0/24"]),  # the same
        (["192.0.2.0/24"], ["192.0.2.7"]),  # inside
        (["192.0.2.0/24"], ["192.0.2.0"]),  # inside, from the same first address
        (["192.0.2.7"], ["192.0.0.0/16"]),  # around
        (["192.0.2.0"], ["192.0.2.0/24"]),  # around, from the same first address
        (["192.0.2.255"], ["192.0.2.0/24"]),  # the last address
        (["192.0.2.7"], ["0.0.0.0/0"]),
        (["0.0.0.0/0"], ["192.0.2.7"]),
        (["192.0.2.0/25", "192.0.2.128/25"], ["192.0.2.0/24"]),  # stored as one
        (["2001:db8::/32"], ["2001:db8:1::1"]),
        (["2001:db8:1::1"], ["2001:db8::/32"]),
        (["198.51.100.1", "192.0.2.7"], ["203.0.113.1", "192.0.2.7"]),  # one of several
    ],
)
async def test_an_address_of_another_tenant_s_agent_is_refused_and_nothing_changes(
    world: World, held: list[str], wanted: list[str]
) -> None:
    one, other = await create_tenant(world), await create_tenant(world)
    await create_agent(world, one, from_addresses=held)
    before = await dump(world)
    with pytest.raises(SharedAddress, match=r"use credentials$"):
        await create_agent(world, other, from_addresses=wanted)
    assert await dump(world) == before


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        (["192.0.2.0/25"], ["192.0.2.128/25"]),  # beside
        (["192.0.2.0/32"], ["192.0.2.1/32"]),
        (["192.0.2.255"], ["192.0.3.0/24"]),
        (["0.0.0.0/0"], ["::/0"]),  # another family
        ([], ["0.0.0.0/0"]),
    ],
)
async def test_addresses_that_are_apart_are_taken(world: World, held: list[str], wanted: list[str]) -> None:
    await create_agent(world, await create_tenant(world), from_addresses=held)
    _, version = await create_agent(world, await create_tenant(world), from_addresses=wanted)
    assert version.from_addresses == tuple(wanted)


async def test_one_tenant_s_agents_may_share_an_address(world: World) -> None:
    tenant = await create_tenant(world)
    for network in ("192.0.2.0/24", "192.0.2.0/24", "192.0.2.7", "192.0.0.0/16"):
        await create_agent(world, tenant, from_addresses=[network])
    assert len(await sources(world)) == 4


async def test_an_agent_with_credentials_may_call_from_anybody_s_address(world: World) -> None:
    await create_agent(world, await create_tenant(world), from_addresses=["192.0.2.0/24"])
    await create_agent(world, await create_tenant(world), from_addresses=["192.0.2.0/24"], from_credentials=U)
    assert [network for _, network in await sources(world)] == ["192.0.2.0/24"]


async def test_only_a_published_version_holds_its_addresses(world: World) -> None:
    one, other = await create_tenant(world), await create_tenant(world)
    agent, first = await create_agent(world, one, from_addresses=["192.0.2.0/24"])
    second = await add_version(world, agent, from_addresses=["198.51.100.0/24"])
    rival, waiting = await create_agent(world, other, draft=True, from_addresses=["192.0.2.7"])
    saved = await add_version(world, rival)
    assert (waiting.from_addresses, saved.from_addresses) == (("192.0.2.7",), ("192.0.2.7",))
    with pytest.raises(SharedAddress):
        await publish(world, rival, saved.id)

    await publish(world, agent, second.id)
    assert await sources(world) == [(second.id, "198.51.100.0/24")]
    await publish(world, rival, saved.id)
    with pytest.raises(SharedAddress):
        await publish(world, agent, first.id)
    assert sorted(await sources(world)) == sorted([(second.id, "198.51.100.0/24"), (saved.id, "192.0.2.7/32")])

    await publish(world, rival, None)
    await publish(world, agent, first.id)
    assert await sources(world) == [(first.id, "192.0.2.0/24")]


async def test_assigning_a_version_to_a_number_is_held_to_it_too_and_a_release_frees_the_address(world: World) -> None:
    one, other = await create_tenant(world), await create_tenant(world)
    _, first = await create_agent(world, one, from_addresses=["192.0.2.0/24"])
    held = await import_number(world, one)
    await route(world, one, held, outbound_version=first.id)
    rival, _ = await create_agent(world, other, draft=True, from_addresses=["192.0.2.7"])
    saved = await add_version(world, rival)
    wanted = await import_number(world, other)
    before = await dump(world)
    with pytest.raises(SharedAddress):
        await route(world, other, wanted, outbound_version=saved.id)
    assert await dump(world) == before

    await release(world, one, held)  # nothing uses the agent any more: it is un-published
    await route(world, other, wanted, outbound_version=saved.id)
    assert await sources(world) == [(saved.id, "192.0.2.7/32")]


async def test_a_version_that_is_published_already_keeps_its_addresses(world: World) -> None:
    tenant = await create_tenant(world)
    agent, first = await create_agent(world, tenant, from_addresses=["192.0.2.0/24"])
    await publish(world, agent, first.id)
    await route(world, tenant, await import_number(world, tenant), outbound_version=first.id)
    assert await sources(world) == [(first.id, "192.0.2.0/24")]


async def test_credentials_that_a_version_takes_over_go_on_to_open(world: World) -> None:
    tenant = await create_tenant(world)
    agent, first = await create_agent(world, tenant, from_addresses=["192.0.2.0/24"], from_credentials=U)
    second = await add_version(world, agent)
    assert second.from_credentials is not None
    assert first.from_credentials is not None
    assert (second.from_credentials.username, password(world, second)) == ("u1", "hunter2")
    assert second.from_credentials.password != first.from_credentials.password, "sealed for another row"
    assert second.from_addresses == first.from_addresses
    third = await add_version(world, agent, from_addresses=[], from_credentials=None)
    assert (third.from_addresses, third.from_credentials) == ((), None)


async def test_what_is_taken_over_is_the_published_version_s_or_else_the_newest_s(world: World) -> None:
    tenant = await create_tenant(world)
    agent, _ = await create_agent(world, tenant, from_addresses=["192.0.2.0/24"])
    await add_version(world, agent, from_addresses=["198.51.100.0/24"])
    assert (await add_version(world, agent)).from_addresses == ("192.0.2.0/24",)
    await add_version(world, agent, from_addresses=["203.0.113.0/24"])
    await publish(world, agent, None)
    assert (await add_version(world, agent)).from_addresses == ("203.0.113.0/24",)


async def test_the_credentials_for_an_agent_s_platform_are_not_taken_to_another_address(world: World) -> None:
    agent, first = await create_agent(world, await create_tenant(world), to_credentials=U)
    assert first.to_credentials is not None
    assert world.context.sealer.unseal(first.to_credentials.password, first.id) == "hunter2"
    assert (await add_version(world, agent)).to_credentials is None


async def test_a_username_is_one_agent_s_in_all_its_versions(world: World) -> None:
    tenant, other = await create_tenant(world), await create_tenant(world)
    agent, _ = await create_agent(world, tenant, from_credentials=U)
    again = await add_version(world, agent, from_credentials=Credentials(username="u1", password="another"))
    assert password(world, again) == "another"
    before = await dump(world)
    for owner in (tenant, other):
        with pytest.raises(UsernameTaken) as raised:
            await create_agent(world, owner, from_credentials=U)
        assert raised.value.username == "u1"
    assert await dump(world) == before
    await create_agent(world, other, from_credentials=Credentials(username="U1", password="x"))  # another name


async def test_no_password_is_in_the_change_log_or_in_clear_anywhere(world: World) -> None:
    await create_agent(world, await create_tenant(world), from_credentials=U, to_credentials=U)
    assert "hunter2" not in str(await dump(world))
    assert "hunter2" not in repr(U)


async def outcomes(attempts: list[Any]) -> tuple[int, list[BaseException]]:
    """How many were done, and why the others were refused."""
    results = await asyncio.gather(*attempts, return_exceptions=True)
    refused = [result for result in results if isinstance(result, BaseException)]
    return len(results) - len(refused), refused


async def test_of_tenants_that_want_one_address_at_once_exactly_one_gets_it(world: World) -> None:
    tenants = [await create_tenant(world) for _ in range(8)]
    for block in range(10):
        # each overlaps each
        wanted = [f"198.18.{block}.0/{24 + place}" for place, _ in enumerate(tenants)]
        attempts = [create_agent(world, tenant, from_addresses=[n]) for tenant, n in zip(tenants, wanted, strict=True)]
        done, refused = await outcomes(attempts)
        assert (done, {type(error) for error in refused}) == (1, {SharedAddress})
    assert await overlaps(world) == []


async def overlaps(world: World) -> list[Any]:
    """Pairs of sources of different tenants that hold an address in common, told by brute force."""
    rows = [(row["tenant_id"], ip_network(row["network"])) for row in (await dump(world))["agent_source"]]
    assert rows
    return [
        (one, other)
        for place, one in enumerate(rows)
        for other in rows[place + 1 :]
        if one[0] != other[0] and one[1].overlaps(other[1])
    ]


async def test_two_writers_who_have_both_looked_do_not_both_publish(postgres_world: World) -> None:
    """The order that would go wrong without the lock: both look, and only then does either commit."""
    world = postgres_world
    one, other = await create_tenant(world), await create_tenant(world)
    looked = asyncio.Event()

    async def slowly(tx: Transaction) -> None:
        made = await create(world, one)(tx)
        looked.set()
        await asyncio.sleep(0.3)
        assert made is not None

    first = asyncio.create_task(world.store.write(one, slowly))
    await looked.wait()
    with pytest.raises(SharedAddress):
        await world.store.write(other, create(world, other))
    await first
    assert len(await sources(world)) == 1


def create(world: World, tenant: TenantId) -> Any:
    """The use case of an agent that calls from one certain address."""
    return partial(
        agents.create,
        who=ADMIN,
        now=world.clock(),
        id=AgentId(new_uuid()),
        tenant=tenant,
        name="A",
        version=agents.NewVersion(id=VersionId(new_uuid()), sip_uri="sip:a.example", from_addresses=["192.0.2.7"]),
        hosts=world.context.hosts,
        sealer=world.context.sealer,
    )


async def test_of_agents_that_want_one_username_at_once_exactly_one_gets_it(world: World) -> None:
    tenants = [await create_tenant(world) for _ in range(6)]
    done, refused = await outcomes([create_agent(world, tenant, from_credentials=U) for tenant in tenants])
    assert done == 1
    assert {type(error) for error in refused} == {UsernameTaken}
