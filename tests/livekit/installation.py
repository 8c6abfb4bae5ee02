"""A server that keeps a LiveKit in step, and what stands in that LiveKit."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from google.protobuf.json_format import MessageToDict
from livekit import api

from tests.builders import fresh_number
from tests.livekit.servers import KEY, SECRET, LiveKit
from tests.processes import Server, call, cordboard, serving, start

T = TypeVar("T")


def ask(livekit: LiveKit, work: Callable[[Any], Any]) -> Any:
    """What LiveKit's SIP service answers: `work` is handed its client, and awaited."""

    async def asked() -> Any:
        async with api.LiveKitAPI(livekit.url, KEY, SECRET) as client:
            return await work(client.sip)

    return asyncio.run(asked())


@dataclass(frozen=True, kw_only=True)
class Held:
    """All that LiveKit holds, as plain values."""

    inbound: list[dict[str, Any]]
    rules: list[dict[str, Any]]
    outbound: list[dict[str, Any]]

    def of(self, number: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The trunks and rules of a number."""
        trunks = [each for each in self.inbound if number in each.get("numbers", [])]
        ids = {each["sip_trunk_id"] for each in trunks}
        return trunks, [each for each in self.rules if ids & set(each.get("trunk_ids", []))]


def held(livekit: LiveKit) -> Held:
    async def all_of(sip: Any) -> list[list[dict[str, Any]]]:
        answers = (
            await sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest()),
            await sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest()),
            await sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest()),
        )
        return [[MessageToDict(each, preserving_proto_field_name=True) for each in answer.items] for answer in answers]

    inbound, rules, outbound = ask(livekit, all_of)
    return Held(inbound=inbound, rules=rules, outbound=outbound)


def clear(livekit: LiveKit) -> None:
    there = held(livekit)

    async def delete(sip: Any) -> None:
        for rule in there.rules:
            await sip.delete_dispatch_rule(
                api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=rule["sip_dispatch_rule_id"])
            )
        for trunk in (*there.inbound, *there.outbound):
            await sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=trunk["sip_trunk_id"]))

    ask(livekit, delete)


@dataclass
class Installation:
    """A running server without an edge; one tenant with a key, and an agent called `reception`."""

    server: Server
    environment: dict[str, str]
    tenant: str
    key: str
    version: str

    def request(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """By Diga's phone API."""
        return call(method, f"{self.server.url}/v1/phone{path}", self.key, body)

    def imported(self, **body: Any) -> tuple[str, str]:
        """A new number; it and its id."""
        number = fresh_number()
        status, answer = self.request("POST", "/import", {"phone_number": number, **body})
        assert status == 200, answer
        return number, answer["id"]

    def answered(self, **body: Any) -> tuple[str, str]:
        """A new number whose calls the agent takes."""
        number, phone = self.imported(**body)
        status, answer = self.request("PATCH", f"/{phone}", {"inbound_version_id": self.version})
        assert status == 200, answer
        return number, phone

    def plan(self) -> dict[str, Any]:
        status, answer = self.administer("GET", "/livekit/plan")
        assert status == 200, answer
        return dict(answer)

    def administer(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """By the native API."""
        token = (self.server.data / "admin.token").read_text().strip()
        return call(method, f"{self.server.url}/cordboard/v1{path}", token, body)

    def again(self) -> None:
        """The server, after it was killed."""
        self.server = start(self.server.data, "--no-edge", environment=self.environment)
        self.server.wait()


@contextlib.contextmanager
def installation(folder: Path, url: str, **environment: str) -> Iterator[Installation]:
    environment = {
        "CORDBOARD_LIVEKIT_URL": url,
        "CORDBOARD_LIVEKIT_API_KEY": KEY,
        "CORDBOARD_LIVEKIT_API_SECRET": SECRET,
        **environment,
    }
    with serving(folder, "--no-edge", ready="/livez", environment=environment) as server:
        tenant = cordboard(folder, "tenant", "create", "Acme").stdout.strip()
        key = cordboard(folder, "key", "create", "--tenant", "Acme").stdout.strip()
        agent = ("agent", "create", "--tenant", "Acme", "--name", "reception", "--sip-uri", "sip:{number}@127.0.2.1")
        version = json.loads(cordboard(folder, *agent).stdout)["version_id"]
        made = Installation(server=server, environment=environment, tenant=tenant, key=key, version=version)
        yield made
        if made.server is not server:
            made.server.stop()
