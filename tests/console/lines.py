"""A customer's number with everything about it: an agent that answers, and a gateway for the calls that it places."""

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.builders import fresh_number, import_body
from tests.calls.phone import Address, Agent, Call, Phone
from tests.console.conftest import Customer
from tests.processes import call

#: No two tenants' agents may call from one address.
_addresses = (f"127.0.2.{last}" for last in itertools.count(100))


@dataclass
class Line:
    """`carrier` calls the number, `agent` is called and calls, and the trunk's gateway is `gateway`."""

    customer: Customer
    sip: Address
    number: str
    agent: Agent
    carrier: Phone
    gateway: Agent
    agent_id: str

    @property
    def trunk_id(self) -> str:
        (found,) = self.customer.done("GET", f"/trunks?number={self.number.replace('+', '%2B')}")["data"]
        return str(found["id"])

    def call(self, user: str = "", **rest: Any) -> Call:
        """A call of the carrier's."""
        return self.carrier.call(self.sip, user or self.number, caller="+34600111222", **rest)

    def call_out(self, user: str) -> Call:
        """A call that the agent places."""
        return self.agent.call(self.sip, user, caller=self.number)

    def told(self, path: str, wanted: Callable[[dict[str, Any]], object] = bool) -> dict[str, Any]:
        """The newest of a list, once there is one that is as wanted: what the edge has seen is told a moment later."""
        deadline = time.monotonic() + 10
        while True:
            found = self.customer.done("GET", path)["data"]
            if found and wanted(found[0]):
                newest: dict[str, Any] = found[0]
                return newest
            assert time.monotonic() < deadline, found
            time.sleep(0.05)


@contextlib.contextmanager
def line(customer: Customer, sip: Address) -> Iterator[Line]:
    with Phone("127.0.1.1") as carrier, Agent("127.0.1.2") as gateway, Agent(next(_addresses)) as agent:
        number, url = fresh_number(), customer.server.url
        made = customer.done(
            *("POST", f"/tenants/{customer.id}/agents"),
            {"name": "Anna", "sip_uri": f"sip:{{number}}@{agent.at}", "from_addresses": [agent.address[0]]},
        )
        body = import_body(number, outbound_config={"termination_uri": gateway.at})
        status, phone = call("POST", f"{url}/v1/phone/import", customer.key, body)
        assert status == 200, phone
        customer.done("PUT", f"/agents/{made['agent_id']}/published-version", {"version_id": made["version_id"]})
        both = {"inbound_version_id": made["version_id"], "outbound_version_id": made["version_id"]}
        status, answer = call("PATCH", f"{url}/v1/phone/{phone['id']}", customer.key, both)
        assert status == 200, answer
        yield Line(
            customer=customer,
            sip=sip,
            number=number,
            agent=agent,
            carrier=carrier,
            gateway=gateway,
            agent_id=made["agent_id"],
        )
