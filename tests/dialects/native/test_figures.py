"""The native API: figures, and the strips of trunks."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import httpx2
import pytest

from cordboard.domain.calls import Booted, Turned
from cordboard.domain.edge import EdgeReport, HopHealth
from cordboard.domain.errors import EdgeUnavailable
from cordboard.domain.events import Happened
from cordboard.domain.figures import MINUTE
from cordboard.domain.trunks import TrunkId
from cordboard.storage import edges, trunks
from cordboard.usecases.events import emit
from cordboard.usecases.strips import of_trunk
from tests.builders import World, create_customer, create_key, create_operator, unknown_id
from tests.dialects.native.admin import BASE, Admin, pointers
from tests.dialects.telecom_center.caller import cheap_hash
from tests.usecases.test_calls import START, Teller, refused, started

pytestmark = pytest.mark.anyio

PASSWORD = "operator-secret"
HOST = "sip.carrier.example"
URI = "sip:192.0.2.1:5060;transport=udp"


async def test_figures_are_of_who_asks(admin: Admin) -> None:
    world = admin.world
    operator = await create_operator(world, f"o-{unknown_id()}", cheap_hash(PASSWORD))
    tenant, sibling = [(await create_customer(world, operator.id, name=unknown_id())).id for _ in range(2)]
    ago = (world.clock() - START).total_seconds() - 61
    calls = [started(f"{tenant}-{n}", ago, tenant=whose) for n, whose in enumerate((tenant, tenant, sibling))]
    refusal = refused(unknown_id(), ago, tenant=tenant, reason="no-agent")
    await Teller(world, file=unknown_id()).tell(*calls, refusal)
    basic = httpx2.BasicAuth(operator.name, PASSWORD)
    async with world.client(await create_key(world, tenant)) as http:
        ours = (await http.get(f"{BASE}/figures", params={"minutes": 3})).json()
    async with world.client() as http:
        all_ours = (await http.get(f"{BASE}/figures", params={"minutes": 3}, auth=basic)).json()
        of_one = (await http.get(f"{BASE}/figures", params={"minutes": 3, "tenant_id": tenant}, auth=basic)).json()
    assert of_one == ours
    assert ours == {
        "from": "2026-01-10T11:58:00.000000Z",
        "minutes": [
            {"at": f"2026-01-10T{at}:00.000000Z", "calls": n, "answered": 0, "failed": 0, "refused": n // 2}
            for at, n in (("11:58", 2), ("11:59", 0), ("12:00", 0))
        ],
        "refusals": [{"reason": "no-agent", "count": 1}],
        "registered": {
            "now": 0,
            "accounts": 0,
            "minutes": [{"at": minute["at"], "count": 0} for minute in ours["minutes"]],
        },
        "live_calls": 2,
    }
    assert (all_ours["minutes"][0]["calls"], all_ours["live_calls"]) == (3, 3)
    everybody = (await admin.send("GET", "/figures", params={"minutes": 1440})).json()
    assert len(everybody["minutes"]) == 1440
    assert everybody["registered"]["accounts"] is None
    for minutes in (0, 1441):
        problem = (await admin.send("GET", "/figures", params={"minutes": minutes})).json()
        assert pointers(problem) == ["minutes"]


async def told(world: World, trunk: str, what: str, minutes_ago: float, uri: str = URI) -> None:
    at = world.clock() - timedelta(minutes=minutes_ago)
    data = {"id": trunk, "gateway": HOST, "uri": uri, "edge": "edge"}
    happened = Happened(type=f"trunk.{what}", tenant=None, subject=trunk, at=at, data=data)
    await world.store.write(None, partial(emit, happened=[happened]))


async def a_trunk(admin: Admin, tenant: str) -> str:
    gateways = [{"host": HOST}, {"host": "192.0.2.2"}]
    made = await admin.done("POST", "/trunks", {"name": "Carrier", "tenant_id": tenant, "gateways": gateways})
    return str(made["id"])


async def test_without_an_edge_here_a_strip_tells_what_was_told_of_each_gateway(admin: Admin, tenant: str) -> None:
    trunk = await a_trunk(admin, tenant)
    strip = await admin.done("GET", f"/trunks/{trunk}/strip?hours=2", status=200)
    now = strip["gateways"][0]["spans"][0]["to"]
    # it was made a moment ago by this clock: of before there is nothing to tell
    assert strip == {
        "trunk_id": trunk,
        "gateways": [
            {"host": host, "uri": None, "state": "unknown", "spans": [{"state": "unknown", "from": now, "to": now}]}
            for host in (HOST, "192.0.2.2")
        ],
    }
    await told(admin.world, trunk, "degraded", 0)
    (first, second) = (await admin.done("GET", f"/trunks/{trunk}/strip", status=200))["gateways"]
    assert (first["uri"], first["state"], second["state"]) == (URI, "down", "unknown")
    assert [span["state"] for span in first["spans"]] == ["down"]
    problem = (await admin.send("GET", f"/trunks/{trunk}/strip", params={"hours": 169})).json()
    assert pointers(problem) == ["hours"]


class Edge:
    """What an edge says of the trunk's gateways; without any it cannot be asked."""

    def __init__(self, *hops: HopHealth) -> None:
        self.found = hops

    async def hops(self, trunk: TrunkId) -> list[HopHealth]:
        if not self.found:
            raise EdgeUnavailable("the edge is not ready")
        return list(self.found)


async def test_a_strip_ends_as_the_edge_has_it_now(admin: Admin, tenant: str) -> None:
    world = admin.world
    id = await a_trunk(admin, tenant)
    await told(world, id, "degraded", 30)
    await told(world, id, "recovered", 20)
    trunk = await world.store.read(partial(trunks.get, id=TrunkId(id)))
    trunk = replace(trunk, created_at=world.clock() - timedelta(days=1))
    hops = (
        HopHealth(host=HOST, uri=URI, down=False, code=200),
        HopHealth(host=HOST, uri="sip:192.0.2.9:5060;transport=udp", down=True, code=408),
        HopHealth(host="192.0.2.2", uri="sip:192.0.2.2:5060;transport=udp", down=False),
        HopHealth(host="gone.example", uri=None, down=False),
    )
    hour = timedelta(hours=1)

    async def strips(edge: Any) -> list[tuple[str, list[tuple[str, int]]]]:
        """State, then each span with its minutes."""
        return [
            (each.state, [(span.state, (span.until - span.since) // MINUTE) for span in each.spans])
            for each in await of_trunk(world.context, edge, trunk, hour)
        ]

    first = ("up", [("up", 30), ("down", 10), ("up", 20)])
    rest = [(state, [(state, 60)]) for state in ("down", "unknown", "unknown")]
    assert await strips(Edge(*hops)) == [first, *rest]
    assert await strips(Edge()) == [first, ("unknown", [("unknown", 60)])]


async def test_a_strip_ends_with_what_has_not_stood_for_long_enough_to_be_told(admin: Admin, tenant: str) -> None:
    world = admin.world
    trunk = await world.store.read(partial(trunks.get, id=TrunkId(await a_trunk(admin, tenant))))
    trunk = replace(trunk, created_at=world.clock() - timedelta(days=1))
    edge, uri = unknown_id(), f"sip:{unknown_id()}.example:5060;transport=udp"
    report = EdgeReport(name=edge, ready=True, applied=0, seen_at=world.clock(), version="", signalling=(), media=())
    await world.store.write(None, partial(edges.put, report=report))
    teller = Teller(world, file=unknown_id(), edge=edge)

    async def strip(*, down: bool) -> list[tuple[str, float]]:
        hops = Edge(HopHealth(host=HOST, uri=uri, down=down, code=200))
        (found,) = await of_trunk(world.context, hops, trunk, timedelta(hours=1))  # type: ignore[arg-type]
        return [(span.state, (span.until - span.since).total_seconds()) for span in found.spans]

    await teller.tell(Turned(world.clock() - timedelta(seconds=5), uri, True))
    assert await strip(down=True) == [("up", 3595), ("down", 5)]
    # an edge that began anew tells nobody for a while that all are up
    await teller.tell(Booted(world.clock()))
    assert await strip(down=False) == [("up", 3600)]
