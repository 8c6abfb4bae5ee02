"""An installation in which there is one of everything, always the same, for the commands to be shown against."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx2
from prometheus_client import CollectorRegistry

from cordboard.dialects import server as http_server
from cordboard.dialects.native import routes as native
from cordboard.domain.call_details import Audio, Said, Stream, Try
from cordboard.domain.calls import Call, CallId, Learnt, Message, Refusal, RefusalId, State
from cordboard.domain.edge import (
    Ban,
    Binding,
    EdgeReport,
    GatewayRegistration,
    HopHealth,
    Load,
    RegistrationState,
)
from cordboard.domain.events import Happened, encode, event_id
from cordboard.domain.keys import KeyId
from cordboard.domain.operators import OperatorId
from cordboard.domain.provisioning import Change, Planned, Problem
from cordboard.domain.registrations import Registration, RegistrationId
from cordboard.domain.tenants import ADMIN, TenantId
from cordboard.domain.trunks import TrunkId
from cordboard.domain.verifications import Schedule, ScheduleId, Status, Step, Subject, Verification, VerificationId
from cordboard.domain.verifications import State as VerificationState
from cordboard.storage import calls, edges, registrations, verification_schedules, verifications
from cordboard.usecases import call_events, customers, figures, keys, tenants
from cordboard.usecases.events import emit
from tests.builders import ADMIN_TOKEN, World

#: What the documents write for the ids of what is there.
IDS = {
    **{name: f"000000{n}" for n, name in enumerate(("acme", "globex", "operator", "key"), 10)},
    **{name: f"000000{n}" for n, name in enumerate(("carrier", "backup", "own", "everybody"), 20)},
    **{name: f"000000{n}" for n, name in enumerate(("support", "support_1", "support_2", "sales", "sales_1"), 30)},
    **{name: f"000000{n}" for n, name in enumerate(("reception", "own_number", "shop", "free"), 40)},
    **{name: f"000000{n}" for n, name in enumerate(("desk", "mobile", "webhook", "import", "schedule", "event"), 50)},
}
REST = "-0000-4000-8000-000000000000"
#: When the commands are run: a day after most of what is there.
NOW = datetime(2026, 1, 11, 12, tzinfo=UTC)


@dataclass
class Furnished:
    """What is there, by the names in IDS."""

    world: World
    http: httpx2.AsyncClient
    ids: dict[str, str] = field(default_factory=dict)

    async def make(self, name: str | None, path: str, body: Any, id: str = "id") -> Any:
        answer = await self.http.post(native.PREFIX + path, json=body)
        assert answer.is_success, answer.text
        if name is not None:
            self.ids[name] = answer.json()[id]
        self.world.clock.advance(minutes=1)
        return answer.json()

    @property
    def now(self) -> datetime:
        return self.world.clock()


async def furnish(world: World) -> dict[str, str]:
    """Put everything there; the ids by the names in IDS."""
    async with world.client(ADMIN_TOKEN) as http:
        made = Furnished(world, http)
        await _owners(made)
        await _routes(made)
        await _watchers(made)
    await _past(made)
    await _verified(made)
    assert set(made.ids) == set(IDS)
    return made.ids


async def _owners(made: Furnished) -> None:
    await made.make("operator", "/operators", {"name": "acme-telecom"})
    # tenants are listed by id, which must not be left to chance
    made.ids |= {name: IDS[name] + REST for name in ("acme", "globex")}
    acme, globex = TenantId(made.ids["acme"]), TenantId(made.ids["globex"])
    own: dict[str, Any] = {"id": acme, "name": "Acme", "reference": "123"}
    of_operator: dict[str, Any] = {"id": globex, "name": "Globex", "reference": "77"}
    of_operator |= {"operator": OperatorId(made.ids["operator"]), "rest": customers.Change(account_limit=5)}
    write = made.world.store.write
    await write(acme, partial(tenants.create, who=ADMIN, now=made.now, **own))
    await write(globex, partial(customers.create, who=ADMIN, now=made.now, **of_operator))
    made.ids["key"] = "00000013" + REST
    key = partial(
        keys.create,
        who=ADMIN,
        now=made.now,
        id=KeyId(made.ids["key"]),
        tenant=TenantId(made.ids["acme"]),
        secret="sk-" + "0" * 64,
        name="Reports",
        permissions=["phones.view", "calls.view"],
    )
    await made.world.store.write(None, key)


async def _routes(made: Furnished) -> None:
    acme = made.ids["acme"]
    support = {"name": "Support", "sip_uri": "sip:{number}@127.0.2.1:5070;transport=tcp"}
    shown = await made.make("support", f"/tenants/{acme}/agents", support, "agent_id")
    made.ids["support_1"] = shown["version_id"]
    second = {"sip_uri": "sip:{number}@127.0.2.2", "version_name": "Without TCP", "from_addresses": ["127.0.2.2"]}
    await made.make("support_2", f"/agents/{made.ids['support']}/versions", second, "version_id")
    sales = {"name": "Sales", "sip_uri": "sip:sales@127.0.2.3", "is_draft": True}
    made.ids["sales_1"] = (await made.make("sales", f"/tenants/{acme}/agents", sales, "agent_id"))["version_id"]

    gateways = [{"host": "127.0.1.1", "port": 5080, "priority": 1}, {"host": "127.0.1.2", "priority": 2}]
    credentials = {"username": "acme-trunk", "password": "not-shown"}
    carrier = {"name": "Carrier", "tenant_id": acme, "gateways": gateways, **credentials}
    await made.make("carrier", "/trunks", {**carrier, "allowed_addresses": ["127.0.1.0/24"]})
    await made.make("backup", "/trunks", {"name": "Backup", "tenant_id": acme})
    await made.make(
        "everybody", "/trunks", {"name": "Everybody's", "system": True, "gateways": [{"host": "127.0.1.9"}]}
    )

    calls_of = {"nickname": "Reception", "trunk_id": made.ids["carrier"], "inbound_agent_id": made.ids["support"]}
    await made.make("reception", f"/tenants/{acme}/numbers", {"number": "+34911000001", **calls_of})
    own = {"number": "+34911000002", "nickname": "Shop", "inbound_agent_id": made.ids["support"]}
    shown = await made.make("own_number", f"/tenants/{acme}/numbers", own)
    made.ids["own"] = shown["trunk_id"]
    await made.make(
        "shop", "/numbers", {"number": "+34911000003", "tenant_id": made.ids["globex"], "status": "assigned"}
    )
    await made.make("free", "/numbers", {"number": "+34911000009", "status": "reserved"})


async def _watchers(made: Furnished) -> None:
    acme = made.ids["acme"]
    desk = {"username": "desk", "password": "not-shown", "caller_id_name": "Front desk"}
    desk |= {"internal_caller_id": 101, "external_caller_id": 34911000001, "allow_external_calls": True}
    await made.make("desk", f"/tenants/{acme}/accounts", desk)
    await made.make("mobile", f"/tenants/{acme}/accounts", {"username": "mobile", "password": "not-shown"})
    webhook = {"url": "https://127.0.0.1:9/events", "tenant_id": acme, "types": ["call.*"], "description": "CRM"}
    await made.make("webhook", "/webhooks", webhook)
    await made.make("import", "/imports", {"tenant_id": acme, "trunk": "Carrier"})


async def _past(made: Furnished) -> None:
    write = made.world.store.write
    await write(None, partial(calls.add, edge="edge-1", calls=list(_calls(made))))
    await write(None, partial(calls.add_refusals, refusals=list(_refusals(made))))
    await write(None, partial(calls.add_messages, messages=list(_messages(made.now))))
    await write(None, partial(calls.add_details, details=list(_details(made.now))))
    await write(None, partial(registrations.add, registrations=list(_registrations(made))))
    told = list(_events(made))
    await write(None, partial(emit, happened=told))
    await write(None, partial(figures.count, happened=told))
    online = {TenantId(made.ids["acme"]): 1}
    await write(None, partial(figures.note_registered, edge="edge-1", accounts=online, at=made.now))
    made.ids["event"] = event_id(told[0], encode(told[0]))
    for report in _edges(made.now + timedelta(days=1)):
        await write(None, partial(edges.put, report=report))


def _calls(made: Furnished) -> Iterator[Call]:
    at = made.now
    one = Call(
        id=CallId("call-1"),
        tenant=made.ids["acme"],
        direction="inbound",
        number="+34911000001",
        number_id=made.ids["reception"],
        trunk=made.ids["carrier"],
        agent=made.ids["support"],
        version=made.ids["support_1"],
        caller="+34600123456",
        called="+34911000001",
        call_id="a84b4c76e66710@127.0.1.1",
        user_agent="Carrier SBC",
        source="udp:127.0.1.1:5060",
        offered="rtp",
        verstat="TN-Validation-Passed",
        state=State.ENDED,
        started_at=at,
        answered_at=at + timedelta(seconds=2),
        ended_at=at + timedelta(seconds=65, milliseconds=500),
        reason="hangup-caller",
    )
    yield one
    late = {"started_at": at + timedelta(minutes=10), "answered_at": None, "ended_at": at + timedelta(minutes=10.5)}
    yield replace(
        one,
        id=CallId("call-2"),
        call_id="2@127.0.1.1",
        state=State.FAILED,
        code=486,
        reason="refused-by-callee",
        **late,
    )
    now = {"started_at": at + timedelta(minutes=20), "answered_at": at + timedelta(minutes=20.1), "ended_at": None}
    out = {"direction": "outbound", "caller": "+34911000001", "called": "+34600999999", "reason": None}
    yield replace(one, id=CallId("call-3"), call_id="3@127.0.2.1", state=State.ANSWERED, **now, **out)


def _refusals(made: Furnished) -> Iterator[Refusal]:
    at = made.now + timedelta(minutes=30)
    one = Refusal(
        id=RefusalId("refusal-1"),
        at=at,
        direction="inbound",
        code=403,
        reason="address-not-allowed",
        number="+34911000001",
        number_id=made.ids["reception"],
        tenant=made.ids["acme"],
        trunk=made.ids["carrier"],
        address="127.0.9.9",
        source="udp:127.0.9.9:5060",
        called="+34911000001",
        caller="+34600123456",
        call_id="r1@127.0.9.9",
        user_agent="PBX",
        offered="rtp",
    )
    yield one
    nobodys = {"number": "", "number_id": "", "tenant": "", "trunk": "", "called": "911000009"}
    unknown = {"code": 404, "reason": "unknown-number", "call_id": "r2@127.0.9.9", "at": at + timedelta(minutes=1)}
    yield replace(one, id=RefusalId("refusal-2"), **nobodys, **unknown)


def _messages(at: datetime) -> Iterator[tuple[int, int, Message]]:
    agent, carrier = "tcp:127.0.2.1:5070", "udp:127.0.1.1:5060"
    said: Sequence[tuple[float, str, int | None, str, str, str, str]] = (
        (0, "INVITE", None, "", "1 INVITE", carrier, ""),
        (0.002, "INVITE", None, "", "1 INVITE", "", agent),
        (0.110, "INVITE", 180, "Ringing", "1 INVITE", agent, ""),
        (2, "INVITE", 200, "OK", "1 INVITE", agent, ""),
        (2.001, "INVITE", 200, "OK", "1 INVITE", "", carrier),
        (65.5, "BYE", None, "", "2 BYE", carrier, agent),
    )
    for place, (after, method, status, phrase, cseq, source, destination) in enumerate(said):
        yield (
            place,
            0,
            Message(
                call=CallId("call-1"),
                at=at + timedelta(seconds=after),
                method=method,
                status=status,
                phrase=phrase,
                cseq=cseq,
                branch=f"z9hG4bK{place}",
                source=source,
                destination=destination,
            ),
        )


def _details(at: datetime) -> Iterator[tuple[int, int, Learnt]]:
    call = CallId("call-1")
    began, rang, over = (at + timedelta(seconds=after) for after in (0.002, 0.11, 2))
    uri = "sip:127.0.2.1:5070;transport=tcp"
    tried = Try(began_at=began, ended_at=over, rung_at=rang, uri=uri, host="127.0.2.1:5070", code=200, reason="")
    yield 100, 0, Learnt(call, over, tried)
    named = {"caller": ("PCMU", "PCMA", "telephone-event"), "callee": ("PCMA", "telephone-event")}
    for place, (side, codecs) in enumerate(named.items()):
        offer = Said(side=side, codecs=codecs, profile="RTP/AVP", suites=(), direction="sendrecv")  # type: ignore[arg-type]
        yield 101 + place, 0, Learnt(call, over, offer)
    heard: dict[str, Any] = {"codec": "PCMA/8000", "profile": "RTP/AVP", "suite": "", "errors": 0}
    caller = Stream(side="caller", packets=3170, bytes=545240, loss_percent=0, jitter_ms=2, mos=4.3, **heard)
    callee = Stream(side="callee", packets=3168, bytes=544896, loss_percent=1, jitter_ms=5, mos=4.1, **heard)
    yield 103, 0, Learnt(call, over + timedelta(seconds=63), Audio(streams=(caller, callee)))


def _registrations(made: Furnished) -> Iterator[Registration]:
    desk = {"tenant": made.ids["acme"], "account": made.ids["desk"], "username": "desk"}
    from_desk = {"place": "udp:127.0.3.1:5060", "contact": "sip:desk@127.0.3.1", "user_agent": "Desk phone"}
    at = made.now
    id = RegistrationId
    yield Registration(id=id("reg-1"), at=at, what="registered", bindings=1, code=200, **desk, **from_desk)
    wrong = {"what": "refused", "reason": "wrong-password", "code": 403, "at": at + timedelta(minutes=5)}
    yield Registration(
        id=id("reg-2"), bindings=0, **desk | {"username": "mobile", "account": made.ids["mobile"]}, **wrong
    )  # type: ignore[arg-type]
    lost = {"what": "failed", "reason": "Forbidden", "code": 403, "place": "sip:127.0.1.1:5080"}
    carrier = {"tenant": made.ids["acme"], "trunk": made.ids["carrier"], "at": at + timedelta(minutes=6)}
    yield Registration(id=id("reg-3"), **carrier, **lost)  # type: ignore[arg-type]


def _events(made: Furnished) -> Iterator[Happened]:
    first, second, third = _calls(made)
    yield from (call_events.started(first), call_events.answered(first), call_events.over(first))
    yield from (call_events.over(second), call_events.started(third))
    yield from (call_events.refused(refusal) for refusal in _refusals(made))
    acme, at = TenantId(made.ids["acme"]), made.now - timedelta(minutes=9)
    yield Happened(type="tenant.created", tenant=acme, subject=acme, at=at, data={"id": acme})


def _edges(at: datetime) -> Iterator[EdgeReport]:
    one = EdgeReport(
        name="edge-1",
        ready=True,
        applied=1000,
        seen_at=at,
        version="0.1.0",
        signalling=("udp:127.0.0.1:5060", "tcp:127.0.0.1:5060"),
        media=("127.0.0.1:30000-39999",),
    )
    yield one
    yield replace(one, name="edge-2", applied=12, seen_at=at - timedelta(minutes=5), ready=False)


async def _verified(made: Furnished) -> None:
    subject = Subject(kind="trunk", id=made.ids["carrier"], name="Carrier", tenant=TenantId(made.ids["acme"]))
    begun = Verification(
        id=VerificationId("60000000" + REST), subject=subject, asked=(), by="admin", started_at=made.now
    )
    steps = (
        Step(
            name="dns", target="127.0.1.1:5080", status=Status.PASSED, summary="it is an address", started_at=made.now
        ),
        Step(
            name="options",
            target="127.0.1.2",
            status=Status.FAILED,
            code="options-silent",
            summary="nothing answered OPTIONS within 2 s",
            remedy="ask the carrier whether 127.0.1.2 is right",
            started_at=made.now,
            ms=2000,
        ),
    )
    over = replace(
        begun,
        steps=steps,
        state=VerificationState.FINISHED,
        status=Status.FAILED,
        finished_at=made.now + timedelta(seconds=2),
    )
    made.ids["schedule"] = "00000054" + REST
    daily = Schedule(
        id=ScheduleId(made.ids["schedule"]),
        subject=subject,
        steps=("dns", "options"),
        minutes=1440,
        next_at=made.now + timedelta(days=1),
        by="admin",
        created_at=made.now,
    )
    await made.world.store.write(None, partial(verification_schedules.put, made=daily))
    await made.world.store.write(None, partial(verifications.add, made=begun))
    await made.world.store.write(None, partial(verifications.save, after=over))


class Edge:
    """What the edge would say: always the same, but for bans."""

    def __init__(self, ids: Mapping[str, str], now: datetime) -> None:
        self._ids = ids
        self._now = now
        self._bans = {
            "127.0.9.9": Ban(address="127.0.9.9", reason="scanner", since=now - timedelta(minutes=3), dropped=12)
        }

    async def hops(self, trunk: TrunkId) -> list[HopHealth]:
        if trunk != self._ids["carrier"]:
            return []
        asked = self._now - timedelta(seconds=20)
        first, second = "sip:127.0.1.1:5080;transport=udp", "sip:127.0.1.2:5060;transport=udp"
        return [
            HopHealth(host="127.0.1.1:5080", uri=first, down=False, code=200, latency=1830, asked_at=asked),
            HopHealth(host="127.0.1.2", uri=second, down=True, code=408, asked_at=asked),
        ]

    async def hops_of(self, trunks: Sequence[TrunkId]) -> dict[TrunkId, list[HopHealth]]:
        return {trunk: hops for trunk in trunks if (hops := await self.hops(trunk))}

    async def registrations(self, trunk: TrunkId) -> list[GatewayRegistration]:
        if trunk != self._ids["carrier"]:
            return []
        again = self._now + timedelta(seconds=30)
        failed = RegistrationState.FAILED
        since = self._now - timedelta(hours=2)
        return [
            GatewayRegistration(
                host="127.0.1.1:5080", state=failed, code=403, reason="Forbidden", since=since, next_attempt_at=again
            )
        ]

    async def bans(self) -> list[Ban]:
        return list(self._bans.values())

    async def banned(self, address: str) -> Ban | None:
        return self._bans.get(address)

    def relays_media(self) -> bool:
        return True

    async def load(self, direction: Any, trunk: TrunkId, tenant: str, own_limit: int | None) -> Load:
        return Load(calls=1, limit=own_limit or 0, tenant_calls=1, tenant_limit=0, minutes=3)

    async def ban(self, address: str, now: datetime) -> None:
        self._bans[address] = Ban(address=address, reason="by-hand", since=now, dropped=0)

    async def unban(self, address: str) -> bool:
        return self._bans.pop(address, None) is not None


class Beside:
    """What the registrar, standing calls, recordings and LiveKit would say: always the same."""

    async def registrations(self, usernames: Sequence[str]) -> Mapping[str, tuple[Binding, ...]]:
        contact, received = "sip:desk@127.0.3.1", "sip:127.0.3.1:5060"
        there = Binding(contact=contact, received=received, user_agent="Desk phone", expires=240)
        return {name: (there,) for name in usernames if name == "desk"}

    async def unregister(self, username: str, *, allowed: str | None) -> None: ...

    async def audio(self, call: Call) -> Audio | None:
        return None

    async def end(self, call: Call) -> None: ...

    def has(self, call: str) -> bool:
        return call == "call-1"

    def open(self, call: str) -> tuple[int, Iterator[bytes]] | None:
        return (10, iter([b"RIFF", b"-sound"])) if call == "call-1" else None

    async def plan(self) -> Planned:
        changes = (
            Change(key="rule:support", action="create", fields=("agent", "trunk")),
            Change(key="trunk:old", action="delete"),
        )
        return Planned(changes=changes, there=12)

    async def apply(self, *, mass_deletion: bool) -> Planned:
        return replace(await self.plan(), problems=(Problem(key="trunk:old", reason="LiveKit did not answer"),))


def app(world: World, ids: Mapping[str, str]) -> Any:
    """The native API of the furnished world."""
    beside = Beside()
    installation = replace(
        world.native(),
        edge=Edge(ids, world.clock()),
        registrar=beside,
        recordings=beside,
        live=beside,
        reconciliation=beside,
    )
    native_app = native.app(native.operations(installation), installation.callers, "0")
    dialects = {native.PREFIX: ("native", native_app)}
    return http_server.server(dialects, CollectorRegistry(), lambda: None)
