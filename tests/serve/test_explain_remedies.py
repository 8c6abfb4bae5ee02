"""Whatever a call is refused for: the remedy that is named is applied, and the same call passes or gets further.

On a whole installation, through its commands and its requests, with Kamailio's own decision beside the explanation.
"""

import asyncio
import json
import shlex
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, get_args

import pytest

from cordboard.dialects.native.explain_wire import Explain
from cordboard.domain.media import Offered
from cordboard.domain.reasons import CODES, Reason
from cordboard.domain.routing import Invite
from cordboard.domain.trail import BY_ACCOUNT, INBOUND, OUTBOUND
from cordboard.engines.edge.deciding import FromStore
from cordboard.engines.edge.rows import Rows
from cordboard.storage.secrets import KeyRing
from cordboard.storage.sqlite import SqliteStore
from cordboard.usecases.around import Around
from cordboard.usecases.explain import Explainer
from tests.builders import fresh_number
from tests.calls.edges import decide_path
from tests.processes import call, cordboard
from tests.serve.installations import Installation, installation

pytestmark = pytest.mark.calls

CARRIER, BOT, PHONE, OUTSIDE, THEIRS = "192.0.2.9", "198.51.100.9", "203.0.113.9", "+15125550100", "+34600111222"
#: By which nothing is mended, or that no decision has.
ELSEWHERE: set[Reason] = {
    *("accepted", "emergency-not-carried", "lookup-failed", "account-offline"),
    # told by the running edge, or of calls that were (test_explain_load, test_around, test_explain)
    *("media-relay-unavailable", "recording-impossible", "gateways-unreachable", "carrier-auth", "agent-auth"),
    *("no-answer", "tls-name", "tls-off", "trunk-calls-at-once", "trunk-calls-per-second", "tenant-calls-at-once"),
    *("tenant-calls-per-second", "minutes-used-up", "wrong-password", "unknown-username", "wrong-realm"),
}


@dataclass
class Scene:
    """An installation, and what scenarios make in it."""

    installed: Installation
    tenant: str
    token: str
    words: dict[str, str] = field(default_factory=dict)

    def native(self, method: str, path: str, body: Any = None) -> Any:
        return self.send(method, f"/cordboard/v1{path}", body, self.token)

    def send(self, method: str, path: str, body: Any, token: str = "") -> Any:
        if not token:
            token = self.token if path.startswith("/cordboard") else self.installed.key
        status, answer = call(method, self.installed.server.url + path, token, body)
        assert status < 300, (method, path, body, answer)
        return answer

    def number(self, **config: Any) -> Any:
        body = {"phone_number": fresh_number(), "outbound_config": {"termination_uri": "192.0.2.77"}} | config
        return self.send("POST", "/v1/phone/import", body)

    def agent(self, **more: Any) -> Any:
        body = {"name": "anna", "sip_uri": "sip:{number}@192.0.2.88", **more}
        return self.native("POST", f"/tenants/{self.tenant}/agents", body)

    def assigned(self, phone: Any, **versions: str) -> None:
        self.send("PATCH", f"/v1/phone/{phone['id']}", versions)

    def trunk(self, phone: Any, **change: Any) -> str:
        (trunk,) = self.native("GET", f"/trunks?number=%2B{phone['number'][1:]}")["data"]
        self.native("PATCH", f"/trunks/{trunk['id']}", change)
        return str(trunk["id"])

    def inbound(self, trunk: Any = None, config: Any = None, agent: Any = None) -> dict[str, Any]:
        """A call to a number that is answered."""
        phone = self.number(**(config or {}))
        self.assigned(phone, inbound_version_id=self.agent(**(agent or {}))["version_id"])
        if trunk is not None:
            self.trunk(phone, **trunk)
        return {"from": THEIRS, "to": phone["number"], "source": CARRIER}

    def outbound(self, trunk: Any = None, agent: Any = None, to: str = OUTSIDE) -> dict[str, Any]:
        """A call of a number's agent."""
        phone = self.number()
        made = self.agent(**({"from_addresses": [BOT]} | (agent or {})))
        self.assigned(phone, outbound_version_id=made["version_id"])
        if trunk is not None:
            self.trunk(phone, **trunk)
        return {"from": phone["number"], "to": to, "source": BOT}

    def account(self, to: str = OUTSIDE, **more: Any) -> dict[str, Any]:
        phone = self.number()
        body = {"external_caller_id": int(phone["number"][1:]), "allow_external_calls": True} | more
        made = self.native("POST", f"/tenants/{self.tenant}/accounts", body)
        self.words["ACCOUNT"] = made["id"]
        return {"from": made["username"], "to": to, "source": PHONE, "login": made["username"]}


def unpublished(scene: Scene) -> dict[str, Any]:
    asked = scene.outbound()
    agent = scene.native("POST", "/explain", asked)["agent_id"]
    scene.native("PUT", f"/agents/{agent}/published-version", {"version_id": None})
    return asked


def unpublished_inbound(scene: Scene) -> dict[str, Any]:
    asked = scene.inbound()
    agent = scene.native("POST", "/explain", asked)["agent_id"]
    scene.native("PUT", f"/agents/{agent}/published-version", {"version_id": None})
    return asked


def trunkless(scene: Scene) -> dict[str, Any]:
    asked = scene.inbound()
    scene.native("DELETE", f"/trunks/{scene.native('POST', '/explain', asked)['trunk_id']}")
    return asked


def unassigned(scene: Scene) -> dict[str, Any]:
    scene.agent()
    return {"from": THEIRS, "to": scene.number()["number"], "source": CARRIER}


def without_caller(scene: Scene) -> dict[str, Any]:
    scene.agent(from_addresses=[BOT])
    return {"from": scene.number()["number"], "to": OUTSIDE, "source": BOT}


def reserved(scene: Scene) -> dict[str, Any]:
    number = fresh_number()
    scene.native("POST", "/numbers", {"number": number, "status": "reserved"})
    return {"from": THEIRS, "to": number, "source": CARRIER}


def in_to(scene: Scene) -> dict[str, Any]:
    asked = scene.inbound()
    return {**asked, "to": "pilot", "to_header": asked["to"]}


def named(scene: Scene, change: Callable[[str], str]) -> dict[str, Any]:
    asked = scene.inbound()
    return {**asked, "to": change(asked["to"])}


def swapped(number: str) -> str:
    at = next(i for i in range(4, len(number) - 1) if number[i] != number[i + 1])
    return number[:at] + number[at + 1] + number[at] + number[at + 2 :]


LOGIN = {"inbound_username": "acme-trunk", "inbound_password": "s3cret-of-the-carrier"}
LISTED = {"config": {"inbound_config": {"allowed_addresses": ["192.0.2.0/29", "2001:db8::/32"]}}}

#: Reason and what is refused for it.
SCENARIOS: list[tuple[Reason, str, Callable[[Scene], dict[str, Any]]]] = [
    ("unknown-number", "nobody's", lambda s: {"from": THEIRS, "to": "+34871000001", "source": CARRIER}),
    ("unknown-number", "reserved", reserved),
    ("unknown-number", "named in To", in_to),
    ("unknown-number", "national", lambda s: named(s, lambda n: n.removeprefix("+34"))),
    ("unknown-number", "swapped", lambda s: named(s, swapped)),
    ("no-trunk", "inbound", trunkless),
    ("address-not-allowed", "trunk", lambda s: s.inbound(**LISTED)),
    ("address-not-allowed", "account", lambda s: s.account(use_allowed_ips=True, allowed_ips="203.0.113.1")),
    ("caller-number-not-allowed", "listed", lambda s: s.inbound({"options": {"callers": ["+1512*"]}})),
    ("caller-number-not-allowed", "nobody", lambda s: {**s.inbound({"options": {"callers": ["+1*"]}}), "from": ""}),
    ("trunk-credentials-required", "trunk", lambda s: s.inbound(LOGIN)),
    ("caller-not-allowed", "no agent", without_caller),
    ("caller-not-allowed", "unpublished", unpublished),
    ("caller-not-allowed", "elsewhere", lambda s: {**s.outbound(), "source": "198.51.100.10"}),
    ("caller-not-allowed", "another's name", lambda s: {**s.account(), "from": "somebody"}),
    ("credentials-required", "agent", lambda s: s.outbound(agent={"username": f"bot-{fresh_number()[1:]}"})),
    ("login-required", "account", lambda s: {**s.account(), "login": ""}),
    ("external-calls-not-allowed", "account", lambda s: s.account(allow_external_calls=False)),
    ("unknown-extension", "account", lambda s: s.account(to="4242")),
    ("not-e164", "plus", lambda s: s.outbound(to="15125550100")),
    ("not-e164", "00", lambda s: s.outbound(to="0015125550100")),
    ("not-e164", "national", lambda s: s.outbound(to="0911234567")),
    ("not-e164", "account", lambda s: s.account(to="15125550100")),
    ("destination-not-allowed", "premium", lambda s: s.outbound(to="+34803123456")),
    ("destination-not-allowed", "listed", lambda s: s.outbound({"options": {"destinations": ["+34"]}})),
    ("encryption-required", "trunk", lambda s: s.inbound({"media_in": "require"})),
    ("encryption-required", "agent", lambda s: s.outbound(agent={"encryption": "require"})),
    ("encryption-not-allowed", "trunk", lambda s: {**s.inbound({"media_in": "disable"}), "offer": "srtp"}),
    ("encryption-not-allowed", "agent", lambda s: {**s.outbound(), "offer": "srtp"}),
    ("media-not-supported", "trunk", lambda s: {**s.inbound(), "offer": "other"}),
    ("no-agent", "unassigned", unassigned),
    ("no-agent", "unpublished", unpublished_inbound),
    ("agent-unreachable", "name", lambda s: s.inbound(agent={"sip_uri": "sip:x@nowhere.invalid"})),
    ("no-gateway", "inbound only", lambda s: s.outbound({"gateways": []})),
    ("gateway-unresolved", "name", lambda s: s.outbound({"gateways": [{"host": "nowhere.invalid"}]})),
]


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    # nobody answers there: every name is unknown
    with installation(CORDBOARD_DNS_SERVERS="127.0.0.1:9") as installed:
        token = (installed.server.data / "admin.token").read_text().strip()
        (tenant,) = call("GET", f"{installed.server.url}/cordboard/v1/tenants?ref=Acme", token)[1]["data"]
        yield Scene(installed=installed, tenant=tenant["id"], token=token)


def test_every_reason_is_tried_here_or_is_none_of_a_decision() -> None:
    assert {reason for reason, _, _ in SCENARIOS} | ELSEWHERE == set(get_args(Reason)) == set(CODES)


def decided(scene: Scene, asked: dict[str, Any]) -> tuple[int, str]:
    """What Kamailio itself decides, once it has seen the credentials that it asks for."""

    def ask(**proof: str) -> Any:
        offered: Offered = asked.get("offer", "rtp")
        to = asked.get("to_header") or asked["to"]
        user, _, host = asked["to"].partition("@")
        invite = Invite(
            source=asked["source"], user=user, host=host, caller=asked["from"], to=to, offered=offered, **proof
        )
        port = json.loads((scene.installed.server.data / "edge.json").read_text())["ports"]["decide"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{decide_path(invite)}", timeout=5) as answer:
            return json.loads(answer.read())

    found = ask()
    if found["reason"] == "trunk-credentials-required" and asked.get("trunk_proved"):
        found = ask(proved=found["trunk"])
    elif found["code"] == 407 and asked.get("login"):
        found = ask(login=asked["login"])
    return found["code"], found["reason"]


def explained(scene: Scene, asked: dict[str, Any]) -> Any:
    """As the API says it, and the edge does."""
    told = scene.native("POST", "/explain", asked)
    # where phones are, the decision does not know
    here = (200, "accepted") if told["failed"] == "telephone" else (told["code"], told["reason"])
    assert here == decided(scene, asked)
    if told["reason"] not in ("agent-unreachable", "gateway-unresolved"):
        # without an edge every name has an address
        assert here == asyncio.run(from_the_store(scene, asked))
    return told


async def from_the_store(scene: Scene, asked: dict[str, Any]) -> tuple[int, str]:
    """What is explained where no edge runs."""
    data = scene.installed.server.data
    store = SqliteStore(data / "store.sqlite")
    rows = Rows(KeyRing.open(data / "secrets.json"), "cordboard")
    try:
        question = Explain.model_validate({"offer": "rtp"} | asked).question()
        explainer = Explainer(store=store, deciding=FromStore(store, rows), around=Around(None, None))
        decision = (await explainer.explain(question, None)).decision
    finally:
        await store.close()
    return decision.code, decision.reason


def filled(text: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(word, value)
    return text


def applied(scene: Scene, remedy: Any, way: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Do what a remedy says; the question as it is then."""
    words = {
        "TENANT": scene.tenant,
        "HOST:PORT": "192.0.2.78:5060",
        "HOST": "192.0.2.78",
        "SIP_URI": "sip:x@192.0.2.88",
        "+NUMBER": "+15125550100",
        **scene.words,
    }
    if way == "call":
        change = dict(remedy["call"])
        if change.pop("trunk_proved", None):
            change["trunk_proved"] = True
        return {**asked, **change}
    if way == "commands":
        for command in remedy["commands"]:
            arguments = shlex.split(filled(command, words))[1:]
            answer = cordboard(scene.installed.server.data, *arguments).stdout
            if arguments[:3] == ["agent", "version", "create"]:
                words["VERSION"] = json.loads(answer)["version_id"]
            if arguments[:2] == ["agent", "create"]:
                words["AGENT"] = json.loads(answer)["agent_id"]
        return asked
    for request in remedy["requests"]:
        body = json.loads(filled(json.dumps(request["body"]), words))
        answer = scene.send(request["method"], request["path"], body)
        if request["path"].endswith("/versions"):
            words["VERSION"] = answer["version_id"]
    return asked


def place(told: Any) -> int:
    """How far the call gets."""
    if told["accepted"] or told["failed"] == "telephone":
        return 100
    order = INBOUND if told["direction"] == "inbound" else BY_ACCOUNT if told["failed"] in BY_ACCOUNT else OUTBOUND
    for each in (order, INBOUND, OUTBOUND, BY_ACCOUNT):
        if told["failed"] in each:
            return each.index(told["failed"])
    raise AssertionError(told["failed"])


@pytest.mark.parametrize(
    ("reason", "make"),
    [(reason, make) for reason, _, make in SCENARIOS],
    ids=[f"{reason}: {what}" for reason, what, _ in SCENARIOS],
)
def test_the_remedy_takes_the_call_further(
    scene: Scene, reason: Reason, make: Callable[[Scene], dict[str, Any]]
) -> None:
    asked = make(scene)
    told = explained(scene, asked)
    assert (told["code"], told["reason"]) == (CODES[reason], reason)
    assert told["failed"]
    assert told["nearest"]
    assert told["remedies"]
    ways = [
        (number, way)
        for number, remedy in enumerate(told["remedies"])
        for way in ("call", "commands", "requests")
        if remedy[way]
    ]
    assert ways, told
    for number, way in ways:
        asked = make(scene)
        told = explained(scene, asked)
        after = explained(scene, applied(scene, told["remedies"][number], way, asked))
        assert after["accepted"] or place(after) > place(told), (way, told["remedies"][number], after)


@pytest.mark.parametrize("to", ["112", "911", "+112", "#31#"])
def test_an_emergency_call_is_told_where_to_go(scene: Scene, to: str) -> None:
    told = explained(scene, scene.outbound(to=to))
    assert told["reason"] == "emergency-not-carried"
    assert "telephone network" in told["remedies"][0]["says"]


@pytest.mark.parametrize("way", ["commands", "requests"])
def test_an_agent_that_leads_nowhere_keeps_all_but_its_host(scene: Scene, way: str) -> None:
    said = {"encryption": "require", "tls_verify": False, "codecs": ["PCMA"], "from_addresses": [BOT]}
    said |= {"headers": [{"name": "X-Project", "value": "one two"}]}
    uri = "sip:proj_4a@{}:5061;transport=tls"
    asked = scene.inbound({"media_in": "require"}, agent={"sip_uri": uri.format("nowhere.invalid"), **said})
    told = explained(scene, asked | {"offer": "srtp"})
    (remedy,) = told["remedies"]
    applied(scene, remedy, way, asked)
    path = f"/agents/{told['agent_id']}"
    published = scene.native("GET", path)["published_version_id"]
    version = scene.native("GET", f"{path}/versions/{published}")
    assert {name: version[name] for name in said} == said
    assert version["sip_uri"] == uri.format("192.0.2.78")
