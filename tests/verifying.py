"""Steps of verifications, run against carriers that are broken in one way each."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cordboard.domain.addresses import HostPolicy, HostPort, Transport, parse_host_port
from cordboard.domain.verifications import STEPS, Place, Plan, Step, outcome
from cordboard.engines.edge.names.reach import Reach
from cordboard.engines.edge.names.servers import NameServers
from cordboard.engines.edge.verify.connection import Trust
from cordboard.engines.edge.verify.prober import EdgeProber
from cordboard.usecases.ports import utc_now
from tests.dns import NameServer

#: What is sent from.
EDGE = "127.0.0.1"


def prober(
    dns: NameServer | None = None,
    *,
    authorities: Path | None = None,
    private: bool = True,
    own: Iterable[tuple[str, int]] = (),
    patience: float = 0.7,
) -> EdgeProber:
    """Of an edge that speaks TLS if it has been told of authorities."""
    return EdgeProber(
        dns=NameServers(() if dns is None else (HostPort(host=dns.address, port=dns.port),)),
        reach=Reach(hosts=HostPolicy(allow_private=private), tls=authorities is not None, own=frozenset(own)),
        trust=Trust(authorities=authorities),
        sources={False: EDGE},
        clock=utc_now,
        connect=patience,
        answer=patience,
    )


def place(where: str, transport: str | None = None, **rest: Any) -> Place:
    named = None if transport is None else Transport(transport)
    return Place(where=parse_host_port(where), transport=named, uri=f"sip:{where}", **rest)


def probed(prober: EdgeProber, *places: Place) -> list[Step]:
    async def run() -> list[Step]:
        return [step async for step in prober.probe(Plan(steps=STEPS["trunk"], places=places))]

    return asyncio.run(run())


def only(steps: list[Step], name: str) -> Step:
    """The one step that did not pass, or was not tried because of it."""
    wrong = [step for step in steps if step.status in ("failed", "warning")]
    assert [step.name for step in wrong] == [name], steps
    assert wrong[0].remedy, "it does not say what to do"
    assert outcome(steps) == wrong[0].status
    return wrong[0]


def statuses(steps: list[Step]) -> dict[str, str]:
    """Of each step the status, of several the last."""
    return {step.name: str(step.status) for step in steps}
