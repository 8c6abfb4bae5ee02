"""Gateways that go down and come back: told of their trunks, once each, and ever more rarely if they flap."""

from datetime import timedelta
from functools import partial

import pytest

from cordboard.domain.calls import Booted, Turned
from cordboard.storage import gateways
from cordboard.usecases.health import Owner, tell_health
from tests.builders import World, create_tenant, dump, import_number, unknown_id
from tests.storage.test_query_plans import NotingStore, scans
from tests.usecases.test_calls import Teller
from tests.usecases.test_events import feed
from tests.webhooks.test_claims import DiesAt, Killed, with_store

pytestmark = pytest.mark.anyio

URI, OTHER = "sip:192.0.2.1:5060;transport=udp", "sip:192.0.2.2:5060;transport=udp"
PLACES = [(URI, "sip.carrier.example"), (OTHER, "192.0.2.2")]


class Edge:
    """An edge whose gateways are those of one trunk, and of an agent."""

    def __init__(self, world: World, trunk: str) -> None:
        self.world = world
        self.teller = Teller(world)
        self._owners = [
            Owner(id=unknown_id(), host="sip.carrier.example", places=PLACES),
            Owner(id=trunk, host="sip.carrier.example", places=PLACES),
        ]

    async def turn(self, *, down: bool, uri: str = URI) -> None:
        await self.teller.tell(Turned(self.world.clock(), uri, down))

    async def owners(self, uri: str) -> list[Owner]:
        return self._owners

    async def nobodys(self, uri: str) -> list[Owner]:
        return []

    async def tell(self, **later: float) -> list[str]:
        """The types that have been told after some time more."""
        self.world.clock.advance(**later)
        await tell_health(self.world.context, "edge", self.owners)
        return [event.type.removeprefix("trunk.") for event in await feed(self.world, type="trunk.*")]


@pytest.fixture
async def edge(world: World) -> Edge:
    await import_number(world, await create_tenant(world))
    (trunk,) = (await dump(world))["trunk"]
    return Edge(world, trunk["id"])


async def test_a_gateway_that_is_down_for_a_while_is_told_of_its_trunk(edge: Edge) -> None:
    began = edge.world.clock()
    await edge.turn(down=True)
    assert await edge.tell(seconds=9) == []
    assert await edge.tell(seconds=1) == ["degraded"]
    assert await edge.tell(hours=1) == ["degraded"]
    await edge.turn(down=False)
    assert await edge.tell(seconds=20) == ["degraded", "recovered"]
    told, over = await feed(edge.world, type="trunk.*")
    (trunk,) = (await dump(edge.world))["trunk"]
    assert (told.subject, told.tenant, told.at) == (trunk["id"], trunk["tenant_id"], began)
    assert told.data == {
        "id": trunk["id"],
        "name": trunk["name"],
        "gateway": "sip.carrier.example",
        "uri": URI,
        "edge": "edge",
        "gateways": ["192.0.2.2", "sip.carrier.example"],
        "down": ["sip.carrier.example"],
    }
    assert over.data["down"] == []


async def test_one_that_is_back_at_once_is_not_told_of(edge: Edge) -> None:
    for _ in range(20):
        await edge.turn(down=True)
        assert await edge.tell(seconds=5) == []
        await edge.turn(down=False)
        assert await edge.tell(seconds=5) == []


async def test_one_that_flaps_is_told_of_ever_more_rarely_and_in_the_end_as_it_is(edge: Edge) -> None:
    for minute in range(60):
        await edge.turn(down=minute % 2 == 0)
        for _ in range(4):
            told = await edge.tell(seconds=15)
    assert 2 <= len(told) <= 5
    await edge.turn(down=True)
    assert (await edge.tell(minutes=20))[-1] == "degraded"
    await edge.turn(down=False)
    assert (await edge.tell(minutes=20))[-1] == "recovered"


@pytest.mark.slow
async def test_those_that_flap_stand_in_nobodys_way(edge: Edge) -> None:
    many = [f"sip:192.0.2.{n}:5060;transport=udp" for n in range(110)]
    for _ in range(3):
        for down in (True, False):
            for uri in many:
                await edge.turn(uri=uri, down=down)
            await tell_health(edge.world.context, "edge", edge.nobodys)
            edge.world.clock.advance(minutes=2)
            for _ in range(2):
                await tell_health(edge.world.context, "edge", edge.nobodys)
    for uri in many:
        await edge.turn(uri=uri, down=True)
    edge.world.clock.advance(seconds=1)
    await edge.turn(uri="sip:192.0.2.200:5060;transport=udp", down=True)
    assert await edge.tell(seconds=10) == ["degraded"]


async def test_after_a_start_of_kamailio_there_is_time_to_find_out_who_is_down(edge: Edge) -> None:
    await edge.turn(down=True)
    assert await edge.tell(seconds=10) == ["degraded"]
    await edge.teller.tell(Booted(edge.world.clock()))
    assert await edge.tell(seconds=100) == ["degraded"]
    await edge.turn(down=True)
    assert await edge.tell(hours=2) == ["degraded"], "it was down all the time"
    await edge.teller.tell(Booted(edge.world.clock()))
    assert await edge.tell(seconds=120 + 10) == ["degraded", "recovered"]


async def test_who_dies_before_it_is_noted_tells_the_same_event_again(edge: Edge) -> None:
    await edge.turn(down=True)
    edge.world.clock.advance(seconds=10)
    killed = with_store(edge.world.context, DiesAt(edge.world, 2, after=False))
    with pytest.raises(Killed):
        await tell_health(killed, "edge", edge.owners)
    (event,) = await feed(edge.world, type="trunk.*")
    assert await edge.tell(seconds=1) == ["degraded"]
    assert await feed(edge.world, type="trunk.*") == [event]
    now = edge.world.clock()
    assert await edge.world.store.read(partial(gateways.untold, edge="edge", before=[now], lately=now)) == []


async def test_what_is_asked_of_gateways_goes_by_an_index(edge: Edge, database: str) -> None:
    await edge.turn(down=True)
    world = edge.world
    noting = NotingStore(world.store)
    context = type(world.context)(
        store=noting, sealer=world.context.sealer, hosts=world.context.hosts, clock=world.context.clock
    )
    world.clock.advance(seconds=10)
    await tell_health(context, "edge", edge.owners)
    await noting.read(partial(gateways.untold_of, uri=URI, now=world.clock()))
    await noting.write(None, partial(gateways.forget, edge="edge", at=world.clock() + timedelta(seconds=1)))
    assert await scans(world.store, noting.noted, database) == {}
