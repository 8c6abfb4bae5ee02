"""What an edge knows besides its file, as explanations tell it; of a running one in tests/serve."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from cordboard.domain.edge import Ban, HopHealth, Load
from cordboard.domain.errors import EdgeUnavailable
from cordboard.domain.routing import Decision
from cordboard.domain.tenants import TenantId
from cordboard.domain.trail import Trail
from cordboard.domain.trunk_options import TrunkOptions
from cordboard.domain.trunks import Trunk, TrunkId
from cordboard.usecases.around import Around, Made

pytestmark = pytest.mark.anyio

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
TRUNK = Trunk(
    id=TrunkId("t"),
    tenant=None,
    name="x",
    options=TrunkOptions(max_minutes_per_day=10),
    created_at=AT,
    updated_at=AT,
)


QUIET = Load(calls=1, limit=5, tenant_calls=2, tenant_limit=7, minutes=3)


@dataclass
class Told:
    """An edge that says what it is told to; None: it is away."""

    load_: Load | None = QUIET
    relay: bool = True
    ban: Ban | None = None

    def relays_media(self) -> bool:
        return self.relay

    async def load(self, *_: object) -> Load:
        if self.load_ is None:
            raise EdgeUnavailable("the edge is not ready")
        return self.load_

    async def hops(self, trunk: TrunkId) -> list[HopHealth]:
        return [
            HopHealth(host="gw1", uri=None, down=False),
            HopHealth(host="gw2", uri="sip:192.0.2.1", down=True),
            HopHealth(host="gw3", uri="sip:192.0.2.2", down=False, code=200),
            HopHealth(host="gw4", uri="sip:192.0.2.3", down=False),
        ]

    async def banned(self, address: str) -> Ban | None:
        return self.ban


def made() -> Made:
    return Made(Decision(code=200, reason="accepted", direction="out", trunk="t", tenant="acme"), Trail())


async def limits(edge: Any, offered: Any = "rtp") -> Made:
    one = made()
    await Around(edge, None).limits(TRUNK, offered, one)
    return one


@pytest.mark.parametrize(
    ("edge", "offered", "reason"),
    [
        (Told(), "rtp", "accepted"),
        (Told(load_=Load(calls=0, limit=0, tenant_calls=0, tenant_limit=0, minutes=10)), "rtp", "minutes-used-up"),
        (Told(relay=False), "rtp", "media-relay-unavailable"),
        # without SDP there is nothing to relay yet
        (Told(relay=False), "none", "accepted"),
        (Told(load_=Load(calls=5, limit=5, tenant_calls=0, tenant_limit=0, minutes=0)), "rtp", "trunk-calls-at-once"),
        (Told(load_=Load(calls=0, limit=0, tenant_calls=7, tenant_limit=7, minutes=0)), "rtp", "tenant-calls-at-once"),
        (Told(load_=None), "rtp", "accepted"),
    ],
)
async def test_a_call_is_refused_by_what_its_edge_carries_already(edge: Told, offered: str, reason: str) -> None:
    one = await limits(edge, offered)
    assert one.decision.reason == reason
    if reason != "accepted":
        assert one.trail.steps[-1].reason == reason
    assert bool(one.notes) == (edge.load_ is None)


async def test_what_the_gateways_last_said_is_told() -> None:
    said = (await limits(Told())).trail.steps[-1].found
    assert said == "gw1 has no address, gw2 is down, and tried last, gw3 answers, gw4 was not asked yet"


@pytest.mark.parametrize("reason", ["flood", "scanner", "credentials", "by-hand"])
async def test_a_ban_is_never_a_bare_word(reason: str) -> None:
    ban = Ban(address="192.0.2.1", reason=reason, since=AT, dropped=12)
    judged, advice = await Around(cast(Any, Told(ban=ban)), None).ban("192.0.2.1", made(), None)
    assert judged is not None
    assert advice is not None
    assert judged.outcome == "failed"
    assert reason in judged.found
    assert len(advice.nearest[0]) > 60
    assert "12 of its messages" in advice.nearest[0]
    assert advice.remedies[0].commands == (("ban", "remove", "192.0.2.1"),)


async def test_a_tenant_is_told_of_a_ban_and_no_more() -> None:
    ban = Ban(address="192.0.2.1", reason="scanner", since=AT, dropped=12)
    judged, advice = await Around(cast(Any, Told(ban=ban)), None).ban("192.0.2.1", made(), TenantId("acme"))
    assert judged is not None
    assert advice is not None
    assert (judged.outcome, judged.found, advice.nearest) == ("failed", "banned", ())
    assert [remedy.commands for remedy in advice.remedies] == [()]


async def test_without_an_edge_nothing_is_asked() -> None:
    one = made()
    around = Around(None, None)
    assert await around.ban("192.0.2.1", one, None) == (None, None)
    await around.limits(TRUNK, "rtp", one)
    assert not one.trail.steps
