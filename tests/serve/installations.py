"""A whole installation as a user starts it, with a tenant, a number and two agents that answer."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.builders import fresh_number
from tests.calls.edges import EDGE_ADDRESS, data_directory, free_port
from tests.calls.phone import Address, Agent, Call, Phone
from tests.processes import Server, call, cordboard, serving, start


@dataclass
class Installation:
    """A running server with its edge; `versions` are the two agents' published versions."""

    server: Server
    sip: Address
    environment: dict[str, str]
    agents: tuple[Agent, Agent]
    versions: tuple[str, str]
    key: str
    number: str
    phone: str

    def patch(self, path: str, body: Any) -> int:
        """PATCH below the phone; the status."""
        return call("PATCH", f"{self.server.url}/v1/phone/{self.phone}{path}", self.key, body)[0]

    def assign(self, which: int) -> None:
        assert self.patch("", {"inbound_version_id": self.versions[which]}) == 200

    def call(self, carrier: Phone) -> Call:
        return carrier.call(self.sip, self.number)

    def successor(self, *arguments: str) -> None:
        """Kill the server as `kill -9` does, and start another in its place."""
        self.server.kill()
        self.server = start(self.server.data, *self.arguments, *arguments, environment=self.environment)
        self.server.wait("/readyz")

    @property
    def arguments(self) -> tuple[str, ...]:
        return ("--sip-listen", f"{self.sip[0]}:{self.sip[1]}")


@contextlib.contextmanager
def installation(database: str = "sqlite", **environment: str) -> Iterator[Installation]:
    """On SQLite, or on the PostgreSQL database of that URL."""
    sip = (EDGE_ADDRESS, free_port())
    if database != "sqlite":
        environment["CORDBOARD_DATABASE_URL"] = database
    with contextlib.ExitStack() as stack:
        data: Path = stack.enter_context(data_directory()) / "data"
        server = stack.enter_context(serving(data, "--sip-listen", f"{sip[0]}:{sip[1]}", environment=environment))
        agents = (stack.enter_context(Agent("127.0.2.1")), stack.enter_context(Agent("127.0.2.2")))
        cordboard(data, "tenant", "create", "Acme")
        key = cordboard(data, "key", "create", "--tenant", "Acme").stdout.strip()
        number = fresh_number()
        _, phone = call("POST", f"{server.url}/v1/phone/import", key, {"phone_number": number})
        versions = [
            json.loads(
                cordboard(
                    *(data, "agent", "create", "--tenant", "Acme", "--name", agent.address[0]),
                    *("--sip-uri", f"sip:{{number}}@{agent.at}"),
                ).stdout
            )["version_id"]
            for agent in agents
        ]
        made = Installation(
            server=server,
            sip=sip,
            environment=environment,
            agents=agents,
            versions=(versions[0], versions[1]),
            key=key,
            number=number,
            phone=phone["id"],
        )
        stack.callback(lambda: made.server.stop())
        yield made
