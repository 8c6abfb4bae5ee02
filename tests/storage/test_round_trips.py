"""What is stored comes back as it was, and an edge is told all that it needs."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest

from cordboard.domain.addresses import Transport
from cordboard.domain.agents import AgentVersion, VersionId
from cordboard.domain.errors import TooBusy
from cordboard.domain.tenants import ADMIN
from cordboard.domain.trunk_options import CalledNumberFrom, NumberFormat, Registration, TrunkOptions
from cordboard.domain.trunks import (
    Gateway,
    MediaPolicy,
    SealedCredentials,
    SealedSecret,
    Trunk,
    TrunkId,
)
from cordboard.storage import agents, changes, projected, trunks
from cordboard.storage.transaction import Stale
from tests.builders import World, create_agent, create_tenant, unknown_id

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)


def full_trunk() -> Trunk:
    """A trunk that has everything, nothing of it by default."""
    return Trunk(
        id=TrunkId(unknown_id()),
        tenant=None,
        name="carrier",
        system=True,
        gateways=(
            Gateway(host="sip.example", transport=Transport.TLS, priority=1, weight=3, name="first"),
            Gateway(host="127.0.1.1", port=5080, priority=1, weight=0),
            Gateway(host="2001:db8::1", port=5081, transport=Transport.TCP, priority=65535),
        ),
        username="u",
        password=SealedSecret(text="k1:x"),
        allowed=("192.0.2.0/24",),
        media_in=MediaPolicy.REQUIRE,
        media_out=MediaPolicy.DISABLE,
        tls_verify=False,
        probe=False,
        options=TrunkOptions(
            transport=Transport.TCP,
            callers=("+34*", "+12125550123"),
            headers=(("X-One", "1"), ("X-Two", "zwei, drei")),
            codecs=("PCMA", "opus"),
            max_calls=5,
            max_calls_per_second=2,
            max_minutes_per_day=600,
            destinations=("+34",),
            number_format=NumberFormat.NATIONAL,
            country_code="34",
            called_number_from=CalledNumberFrom.P_CALLED_PARTY_ID,
            failover_codes=(404, 480),
            registration=Registration(expires=300, domain="sip.example"),
        ),
        inbound=SealedCredentials(username="carrier", password=SealedSecret(text="k1:z")),
        number="of-a-number",
        provider_id="ST_abc",
        created_at=NOW,
        updated_at=NOW,
    )


async def test_a_trunk_comes_back_as_it_was_stored(world: World) -> None:
    trunk = full_trunk()
    await world.store.write(None, partial(trunks.add, who=ADMIN, trunk=trunk, now=NOW))
    assert await world.store.read(partial(trunks.get, id=trunk.id)) == trunk


async def test_a_version_comes_back_as_it_was_stored(world: World) -> None:
    agent, _ = await create_agent(world, await create_tenant(world))
    version = AgentVersion(
        id=VersionId(unknown_id()),
        agent=agent.id,
        tenant=agent.tenant,
        number=2,
        name="second",
        draft=True,
        sip_uri="sips:{number}@agent.example",
        from_addresses=("192.0.2.1",),
        created_at=NOW,
        encryption=MediaPolicy.REQUIRE,
        from_credentials=SealedCredentials(username="u1", password=SealedSecret(text="k1:x")),
        to_credentials=SealedCredentials(username="u2", password=SealedSecret(text="k1:y")),
        tls_verify=False,
        headers=(("X-One", "1"), ("X-Two", "zwei, drei")),
        codecs=("PCMA", "opus"),
    )
    await world.store.write(agent.tenant, partial(agents.add_version, who=ADMIN, version=version, now=NOW))
    assert await world.store.read(partial(agents.version, tenant=agent.tenant, id=version.id)) == version
    both = partial(agents.version_and_agent, tenant=agent.tenant, id=version.id)
    assert await world.store.read(both) == (version, agent)


async def test_another_transport_of_a_gateway_is_a_change_of_the_trunk(world: World) -> None:
    trunk = full_trunk()
    await world.store.write(None, partial(trunks.add, who=ADMIN, trunk=trunk, now=NOW))
    before = await world.store.read(changes.newest)
    other = trunk.with_first_gateway_at(Gateway(host="other.example").where)
    await world.store.write(None, partial(trunks.save, who=ADMIN, before=trunk, after=other, now=NOW))
    seen = await world.store.read(partial(changes.after, revision=before))
    assert [(change.kind, change.id) for change in seen] == [("trunk", trunk.id)]
    rows = (await world.store.read(partial(projected.gateways_of, trunks=[trunk.id])))[trunk.id]
    assert [(row["host"], row["port"], row["transport"]) for row in rows] == [
        ("other.example", None, None),
        ("127.0.1.1", 5080, None),
        ("2001:db8::1", 5081, "tcp"),
    ]


async def test_the_gateways_of_a_chunk_of_trunks_are_read_at_once_in_order(world: World) -> None:
    stored = [full_trunk() for _ in range(3)]
    for trunk in stored:
        await world.store.write(None, partial(trunks.add, who=ADMIN, trunk=trunk, now=NOW))
    ids = sorted(trunk.id for trunk in stored)
    found = await world.store.read(partial(projected.gateways_between, after="", last=ids[1]))
    assert list(found) == ids[:2]
    assert [row["position"] for row in found[ids[0]]] == [0, 1, 2]
    assert list(await world.store.read(partial(projected.gateways_between, after=ids[1], last=ids[2]))) == ids[2:]


async def test_a_writer_of_a_trunk_undoes_nothing_that_another_one_changed_meanwhile(world: World) -> None:
    trunk, tenant = full_trunk(), await create_tenant(world)
    await world.store.write(None, partial(trunks.add, who=ADMIN, trunk=trunk, now=NOW))

    async def save(after: Trunk) -> None:
        await world.store.write(None, partial(trunks.save, who=ADMIN, before=trunk, after=after, now=NOW))

    await save(replace(trunk, media_in=MediaPolicy.DISABLE))
    await save(replace(trunk, tenant=tenant))
    stored = await world.store.read(partial(trunks.get, id=trunk.id))
    assert stored == replace(trunk, tenant=tenant, media_in=MediaPolicy.DISABLE)
    for after in (replace(trunk, probe=True), replace(trunk, gateways=())):
        with pytest.raises((Stale, TooBusy)):  # PostgreSQL tries again, in vain
            await save(after)
    assert await world.store.read(partial(trunks.get, id=trunk.id)) == stored
