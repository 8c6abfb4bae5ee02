"""How soon a change that was acknowledged routes calls: the very next INVITE, sent at once.

The floor is the same call with no write before it. Times run from the acknowledgement (or from nothing) to the
INVITE's arrival at the agent, through Kamailio and rtpengine.
"""

import http.client
import json
import random
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench import servers
from bench.rounds import progress
from bench.rows import Budget, Row
from tests.calls.edges import EDGE_ADDRESS, free_port
from tests.calls.phone import Address, Agent, Phone
from tests.processes import Server, call, cordboard, serving

BUDGET = Budget(value=5, of="measured")
NUMBER = "+34911234567"


class WronglyRouted(Exception):
    """The first call after a change did not go where the change sent it."""


@dataclass(frozen=True, kw_only=True)
class Installation:
    """A server with its edge, one number on it, and an agent's version for each of two telephones."""

    edge: Address
    connection: http.client.HTTPConnection
    key: str
    phone: str
    versions: tuple[str, ...]

    def assign(self, which: int) -> None:
        """Send the number's calls to that agent; returns when that is acknowledged."""
        body = json.dumps({"inbound_version_id": self.versions[which]})
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        self.connection.request("PATCH", f"/v1/phone/{self.phone}", body, headers)
        with self.connection.getresponse() as answer:
            answer.read()
            assert answer.status == 200, answer.status


def measure(_client: ProcessPoolExecutor, quick: bool) -> Iterator[Row]:
    """The median and the worst; WronglyRouted if any first call met the old state."""
    progress("write to call")
    calls = 20 if quick else 200
    sip = free_port()
    rtp = random.randrange(16000, 28000, 500)
    environment = {"CORDBOARD_RTP_MIN": str(rtp), "CORDBOARD_RTP_MAX": str(rtp + 3998)}
    with (
        servers.folder() as data,
        serving(data, "--sip-listen", f"{EDGE_ADDRESS}:{sip}", environment=environment) as server,
        Phone("127.0.1.1") as carrier,
        Agent("127.0.2.1") as first,
        Agent("127.0.2.2") as second,
    ):
        agents = (first, second)
        for agent in agents:
            agent.ringing = False
            agent.answers = lambda invite: (486, "")
        installation = _prepare(server, data, (EDGE_ADDRESS, sip), agents)
        plain, changed = [], []
        for number in range(calls + 1):
            which = number % 2
            installation.assign(which)
            changed.append(_call(carrier, installation.edge, agents, which))
            plain.append(_call(carrier, installation.edge, agents, which))
    for name, of in (("median", statistics.median), ("slowest", max)):
        yield Row(
            name=f"write to its first call, {name} of {calls}",
            floor=of(plain[1:]),
            measured=of(changed[1:]),
            unit="ms",
            budget=BUDGET,
        )


def _prepare(server: Server, data: Path, edge: Address, agents: tuple[Agent, ...]) -> Installation:
    cordboard(data, "tenant", "create", "Acme")
    key = cordboard(data, "key", "create", "--tenant", "Acme").stdout.strip()
    versions = []
    for agent in agents:
        words = ["agent", "create", "--tenant", "Acme", "--name", agent.at, "--sip-uri", f"sip:{{number}}@{agent.at}"]
        versions.append(json.loads(cordboard(data, *words).stdout)["version_id"])
    status, phone = call("POST", f"{server.url}/v1/phone/import", key, {"phone_number": NUMBER})
    assert status == 200, phone
    return Installation(
        edge=edge,
        connection=http.client.HTTPConnection(server.url.removeprefix("http://")),
        key=key,
        phone=phone["id"],
        versions=tuple(versions),
    )


def _call(carrier: Phone, edge: Address, agents: tuple[Agent, ...], which: int) -> float:
    """Milliseconds from now until the INVITE is at the agent. Raises WronglyRouted."""
    wanted = agents[which]
    before = len(wanted.events)
    began = time.monotonic()
    call = carrier.call(edge, NUMBER)
    arrived = next((e.time for e in wanted.events[before:] if e.message.first.startswith("INVITE ")), None)
    if call.status != 486 or arrived is None:
        raise WronglyRouted(f"{call.status} instead of 486 from {wanted.at}")
    return (arrived - began) * 1000
