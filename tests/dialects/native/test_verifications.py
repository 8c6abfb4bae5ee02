"""The native API: verifications are stored, shown, compared and forgotten."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from cordboard.domain.errors import TooManyVerifications
from cordboard.domain.tenants import ADMIN
from cordboard.domain.verifications import Plan, Step
from cordboard.storage import verifications as stored
from cordboard.usecases import verifications
from cordboard.usecases.verifications import KEPT, Order
from tests.builders import (
    ADMIN_TOKEN,
    World,
    create_account,
    create_agent,
    create_key,
    create_tenant,
    import_body,
    unknown_id,
)
from tests.calls.phone import Agent, Phone
from tests.dialects.native.admin import Admin
from tests.verifying import prober

pytestmark = pytest.mark.anyio


@pytest.fixture
async def admin(world: World) -> AsyncIterator[Admin]:
    world.prober = prober()
    async with world.client(ADMIN_TOKEN) as http:
        yield Admin(world, http)


@pytest.fixture
def carrier() -> Iterator[Agent]:
    with Agent("127.0.1.32") as phone:
        yield phone


async def trunk_to(admin: Admin, carrier: Phone, **rest: Any) -> str:
    address, port = carrier.address
    body = {"name": "Carrier", "system": True, "gateways": [{"host": address, "port": port}]}
    body |= {"allowed_addresses": ["198.51.100.7"], **rest}
    made = await admin.done("POST", "/trunks", body)
    return str(made["id"])


async def verified(admin: Admin, kind: str, id: str, **body: Any) -> Any:
    """A verification that is over, a second after the one before."""
    admin.world.clock.advance(seconds=1)
    return await admin.done("POST", "/verifications?wait=20", {"kind": kind, "subject_id": id, **body})


async def test_a_verification_is_stored_with_what_was_tried(admin: Admin, carrier: Agent) -> None:
    id = await trunk_to(admin, carrier)
    done = await verified(admin, "trunk", id)
    assert (done["state"], done["status"], done["by"]) == ("finished", "passed", "admin")
    assert done["subject"] == {"kind": "trunk", "id": id, "name": "Carrier"}
    steps = {step["name"]: step for step in done["steps"]}
    assert steps["options"]["evidence"]["answer"] == "200 OK"
    assert steps["options"]["evidence"]["latency_ms"] <= steps["options"]["ms"]
    assert done["counts"] == {"passed": len(done["steps"]), "warning": 0, "failed": 0, "skipped": 0}
    assert await admin.done("GET", f"/verifications/{done['id']}", status=200) == done
    (listed,) = (await admin.done("GET", "/verifications", status=200))["data"]
    assert listed == {name: done[name] for name in listed}


async def test_whoever_does_not_wait_asks_again(admin: Admin) -> None:
    # who hears and says nothing is waited for, so that the verification is still under way when it is shown
    with Phone("127.0.1.33") as silent:
        id = await trunk_to(admin, silent)
        begun = await admin.done("POST", "/verifications", {"kind": "trunk", "subject_id": id})
        assert (begun["state"], begun["status"], begun["finished_at"]) == ("running", None, None)
        done = await admin.done("GET", f"/verifications/{begun['id']}?wait=20", status=200)
    assert done["state"] == "finished"


async def test_an_order_that_is_sent_twice_is_one_verification(admin: Admin, carrier: Agent) -> None:
    body = {"kind": "trunk", "subject_id": await trunk_to(admin, carrier)}
    key = {"Idempotency-Key": unknown_id()}
    first, second = [await admin.send("POST", "/verifications", body, headers=key) for _ in range(2)]
    assert first.json() == second.json()
    assert len((await admin.done("GET", "/verifications", status=200))["data"]) == 1
    await admin.done("GET", f"/verifications/{first.json()['id']}?wait=20", status=200)


async def test_what_is_not_as_it_was_is_said(admin: Admin, carrier: Agent) -> None:
    id = await trunk_to(admin, carrier)
    first = await verified(admin, "trunk", id)
    again = await verified(admin, "trunk", id)
    assert (again["previous_id"], again["changes"]) == (first["id"], [])
    carrier.answers_options = 503
    broken = await verified(admin, "trunk", id)
    assert broken["status"] == "failed"
    (change,) = broken["changes"]
    assert (change["name"], change["before"], change["after"]) == ("options", "passed", "failed")
    # of a part only that part is compared
    part = await verified(admin, "trunk", id, steps=["dns"])
    assert {step["name"] for step in part["steps"]} == {"dns"}
    assert part["changes"] == []


async def test_a_number_is_tried_with_its_trunk_and_its_agent(admin: Admin, carrier: Agent) -> None:
    world = admin.world
    tenant = await create_tenant(world)
    with Agent("127.0.2.32") as phone:
        _, version = await create_agent(world, tenant, f"sip:{{number}}@{phone.at}")
        address, port = carrier.address
        number = import_body(outbound_config={"termination_uri": f"{address}:{port}"})
        async with world.client(await create_key(world, tenant)) as http:
            made = (await http.post("/v1/phone/import", json=number)).json()
            patch = {"inbound_version_id": version.id}
            assert (await http.patch(f"/v1/phone/{made['id']}", json=patch)).status_code == 200
        done = await verified(admin, "number", number["phone_number"])
        assert done["status"] == "passed"
        assert done["subject"] == {"kind": "number", "id": made["id"], "name": number["phone_number"]}
        asked = [(m.first, m.get("To")) for m in (*carrier.received, *phone.received) if m.method == "OPTIONS"]
        assert [first.split(" ")[1] for first, _ in asked] == [
            f"sip:{address}:{port}",
            f"sip:{number['phone_number']}@{phone.at}",
        ]
        assert (await verified(admin, "number", made["id"]))["status"] == "passed"


async def test_an_agent_is_tried_at_its_uri(admin: Admin) -> None:
    tenant = await create_tenant(admin.world)
    with Agent("127.0.2.33") as phone:
        agent, _ = await create_agent(admin.world, tenant, f"sip:{{number}}@{phone.at}")
        assert (await verified(admin, "agent", agent.id))["status"] == "passed"
    gone = await verified(admin, "agent", agent.id)
    assert gone["status"] == "failed"
    assert gone["tenant_id"] == tenant
    assert "platform" in next(step["remedy"] for step in gone["steps"] if step["status"] == "failed")


async def test_an_account_is_found_by_its_username(admin: Admin) -> None:
    tenant = await create_tenant(admin.world)
    account = await create_account(admin.world, tenant, "anna")
    done = await verified(admin, "account", "anna")
    assert done["subject"] == {"kind": "account", "id": account.id, "name": "anna"}


async def test_lists_are_filtered_and_go_on_at_their_cursor(admin: Admin, carrier: Agent) -> None:
    first, second = await trunk_to(admin, carrier), await trunk_to(admin, carrier)
    ids = [(await verified(admin, "trunk", each, steps=["dns"]))["id"] for each in (first, second, first)]

    async def listed(query: str) -> list[str]:
        page = await admin.done("GET", f"/verifications?{query}", status=200)
        return [each["id"] for each in page["data"]]

    assert await listed(f"kind=trunk&subject_id={first}") == [ids[2], ids[0]]
    assert await listed("status=failed") == []
    assert await listed(f"tenant_id={await create_tenant(admin.world)}") == []
    page = await admin.done("GET", "/verifications?limit=2", status=200)
    rest = await admin.done("GET", f"/verifications?after={page['next']}", status=200)
    assert [each["id"] for each in page["data"] + rest["data"]] == ids[::-1]
    await admin.refused("GET", f"/verifications?subject_id={first}", status=422, code="invalid")
    await admin.refused("GET", f"/verifications?after={unknown_id()}", status=400, code="unknown-cursor")


@pytest.mark.parametrize("kind", ["trunk", "number", "agent", "account"])
async def test_what_is_not_there_is_not_verified(admin: Admin, kind: str) -> None:
    body = {"kind": kind, "subject_id": unknown_id()}
    await admin.refused("POST", "/verifications", body, status=404, code=f"unknown-{kind}")
    body = {"kind": kind, "subject_id": "nobody"}
    await admin.refused("POST", "/verifications", body, status=404, code=f"unknown-{kind}")


async def test_an_order_that_makes_no_sense_is_refused(admin: Admin, carrier: Agent) -> None:
    id = await trunk_to(admin, carrier)
    subject = {"kind": "trunk", "subject_id": id}
    await admin.refused("POST", "/verifications", {"kind": "dog", "subject_id": id}, status=422, code="invalid")
    await admin.refused("POST", "/verifications", {**subject, "steps": ["fly"]}, status=422, code="invalid")
    await admin.refused("POST", "/verifications", {**subject, "steps": []}, status=422, code="invalid")
    await admin.refused("GET", f"/verifications/{unknown_id()}", status=404, code="unknown-verification")


async def test_the_newest_of_a_subject_are_kept(admin: Admin, carrier: Agent) -> None:
    id = await trunk_to(admin, carrier)
    other = await verified(admin, "trunk", await trunk_to(admin, carrier), steps=["dns"])
    for _ in range(KEPT + 3):
        last = await verified(admin, "trunk", id, steps=["dns"])
    listed = (await admin.done("GET", f"/verifications?kind=trunk&subject_id={id}", status=200))["data"]
    assert len(listed) == KEPT
    assert listed[0]["id"] == last["id"]
    await admin.done("GET", f"/verifications/{other['id']}", status=200)


async def test_an_event_tells_of_an_outcome_that_is_another_one(admin: Admin, carrier: Agent) -> None:
    id = await trunk_to(admin, carrier)
    for status in (200, 200, 503, 503, 404):
        carrier.answers_options = status
        await verified(admin, "trunk", id)
    told = (await admin.done("GET", "/events?type=verification.*", status=200))["data"]
    assert [each["type"] for each in told] == ["verification.passed", "verification.failed", "verification.passed"]
    (failed,) = told[1]["data"]["failed"]
    assert (told[1]["subject"], failed["name"], failed["code"]) == (id, "options", "options-unavailable")
    # a part says nothing of the whole
    await verified(admin, "trunk", id, steps=["dns"])
    await verified(admin, "trunk", id)
    assert len((await admin.done("GET", f"/events?subject={id}", status=200))["data"]) == 4


async def test_old_ones_go_and_those_that_somebody_left_are_closed(admin: Admin, carrier: Agent) -> None:
    world = admin.world
    done = await verified(admin, "trunk", await trunk_to(admin, carrier), steps=["dns"])
    verifier = world.verifier()
    begun = await verifier.begin(ADMIN, Order(kind="trunk", ref=await trunk_to(admin, carrier)))
    await verifier.close()
    left = await world.store.read(partial(stored.get, id=begun.id))
    assert left.state == "interrupted", "a server that ends says so of what it was at"
    await world.store.write(None, partial(_leave_running, id=begun.id))
    world.clock.advance(minutes=5)
    await verifications.forget_old(world.context, timedelta(days=1))
    assert (await world.store.read(partial(stored.get, id=begun.id))).state == "running"
    world.clock.advance(minutes=15)
    await verifications.forget_old(world.context, timedelta(days=1))
    assert (await world.store.read(partial(stored.get, id=begun.id))).state == "interrupted"
    world.clock.advance(days=1)
    await verifications.forget_old(world.context, timedelta(days=1))
    await admin.refused("GET", f"/verifications/{done['id']}", status=404, code="unknown-verification")


async def _leave_running(tx: Any, id: str) -> None:
    """As a process does that is killed."""
    await tx.run("update verification set state = 'running', finished_at = null where id = $1", id)


async def test_a_server_without_an_edge_says_that_it_cannot(admin: Admin, carrier: Agent) -> None:
    id = await trunk_to(admin, carrier)
    verifier = verifications.Verifier(admin.world.context, None)
    begun = await verifier.begin(ADMIN, Order(kind="trunk", ref=id))
    await verifier.wait(begun.id, 10)
    shown = await admin.done("GET", f"/verifications/{begun.id}", status=200)
    assert shown["status"] == "warning"
    assert [step["code"] for step in shown["steps"]] == ["", "no-edge"], "what needs no network was looked at"
    begun = await verifier.begin(ADMIN, Order(kind="trunk", ref=id, steps=("media", "allow-list")))
    await verifier.wait(begun.id, 10)
    shown = await admin.done("GET", f"/verifications/{begun.id}", status=200)
    assert (shown["status"], [step["name"] for step in shown["steps"]]) == ("passed", ["allow-list"])


class Held:
    """A prober that is at it until it is let go."""

    def __init__(self) -> None:
        self.at: list[Plan] = []
        self.go = asyncio.Event()

    async def probe(self, plan: Plan) -> AsyncIterator[Step]:
        self.at.append(plan)
        await self.go.wait()
        for step in list[Step]():
            yield step


async def test_of_one_tenant_two_run_and_leave_a_place_to_others(admin: Admin, carrier: Agent) -> None:
    prober = Held()
    verifier = verifications.Verifier(admin.world.context, prober)
    busy, other = [await create_tenant(admin.world) for _ in range(2)]
    orders = [
        Order(kind="trunk", ref=await trunk_to(admin, carrier, system=False, tenant_id=tenant))
        for tenant in (busy, busy, busy, other)
    ]
    begun = [await verifier.begin(ADMIN, order) for order in orders]
    await verifier.wait(begun[3].id, 0.3)
    assert len(prober.at) == 3, "two of one tenant, one of the other"
    prober.go.set()
    for each in begun:
        await verifier.wait(each.id, 5)
    assert len(prober.at) == 4


async def test_those_that_are_asked_for_all_at_once_are_counted_too(admin: Admin, carrier: Agent) -> None:
    verifier = verifications.Verifier(admin.world.context, prober := Held())
    tenant = await create_tenant(admin.world)
    order = Order(kind="trunk", ref=await trunk_to(admin, carrier, system=False, tenant_id=tenant))
    begun = await asyncio.gather(*(verifier.begin(ADMIN, order) for _ in range(12)), return_exceptions=True)
    assert sum(isinstance(each, TooManyVerifications) for each in begun) == 2
    prober.go.set()
    await verifier.close()


async def test_a_key_that_may_verify_places_no_calls(admin: Admin, carrier: Agent) -> None:
    tenant = await create_tenant(admin.world)
    id = await trunk_to(admin, carrier, system=False, tenant_id=tenant)
    for permissions, status in ((["verifications.create"], 403), (["verifications.create", "verifications.echo"], 201)):
        async with admin.world.client(await create_key(admin.world, tenant, permissions)) as http:
            ours = Admin(admin.world, http)
            for body in ({"echo": {"to": "+34911234567"}}, {"echo": {"to": "+34911234567"}, "steps": ["dns"]}):
                answer = await ours.send("POST", "/verifications?wait=20", {"kind": "trunk", "subject_id": id, **body})
                assert answer.status_code == status, answer.text
            plain = {"kind": "trunk", "subject_id": id, "steps": ["allow-list"]}
            assert (await ours.send("POST", "/verifications?wait=20", plain)).status_code == 201


async def test_one_tenant_does_not_keep_all_others_waiting(
    admin: Admin, carrier: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifications, "MOST_OF_TENANT", 2)
    carrier.heard = lambda message, source: None  # type: ignore[method-assign]
    busy, other = [await create_tenant(admin.world) for _ in range(2)]
    bodies = {
        tenant: {"kind": "trunk", "subject_id": await trunk_to(admin, carrier, system=False, tenant_id=tenant)}
        for tenant in (busy, other)
    }
    begun = [await admin.done("POST", "/verifications", bodies[busy]) for _ in range(2)]
    refused = await admin.send("POST", "/verifications", bodies[busy])
    assert refused.json()["code"] == "too-many-verifications"
    begun.append(await admin.done("POST", "/verifications", bodies[other]))
    for each in begun:
        await admin.done("GET", f"/verifications/{each['id']}?wait=20", status=200)
    begun = [await admin.done("POST", "/verifications?wait=20", bodies[busy])]
    assert begun[0]["state"] == "finished", "there is room again"


async def test_only_so_many_wait(admin: Admin, carrier: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifications, "MOST_WAITING", 1)
    monkeypatch.setattr(verifications, "AT_ONCE", 1)
    carrier.heard = lambda message, source: None  # type: ignore[method-assign]
    body = {"kind": "trunk", "subject_id": await trunk_to(admin, carrier)}
    begun = [await admin.done("POST", "/verifications", body) for _ in range(2)]
    answer = await admin.send("POST", "/verifications", body)
    assert (answer.status_code, answer.json()["code"]) == (503, "too-many-verifications")
    assert answer.headers["retry-after"] == "30"
    for each in begun:
        await admin.done("GET", f"/verifications/{each['id']}?wait=20", status=200)
