"""The native API: what is to be said of a trunk's list of addresses, and who called and is not on it."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from cordboard.domain.calls import Refusal, RefusalId
from cordboard.domain.numbers import Status
from cordboard.storage import calls
from cordboard.usecases import allow_lists
from tests.builders import ADMIN_TOKEN, World, add_platform_number, create_key, create_tenant, unknown_id
from tests.dialects.native.admin import Admin

pytestmark = pytest.mark.anyio


@pytest.fixture
async def admin(world: World) -> AsyncIterator[Admin]:
    async with world.client(ADMIN_TOKEN) as http:
        yield Admin(world, http)


async def trunk(admin: Admin, tenant: str | None = None, *allowed: str) -> str:
    tenant = tenant or await create_tenant(admin.world)
    body = {"tenant_id": tenant, "name": "Carrier", "allowed_addresses": list(allowed)}
    return str((await admin.done("POST", "/trunks", body))["id"])


async def refuse(admin: Admin, trunk: str, address: str, reason: str = "address-not-allowed", **ago: float) -> None:
    refusal = Refusal(
        id=RefusalId(unknown_id()),
        at=admin.world.clock() - timedelta(**ago),
        direction="inbound",
        code=403,
        reason=reason,  # type: ignore[arg-type]
        number="+34911000000",
        number_id="",
        tenant="",
        trunk=trunk,
        address=address,
        source=f"udp:{address}:5060",
        called="+34911000000",
        caller="x",
        call_id="c",
        user_agent="",
    )
    await admin.world.store.write(None, partial(calls.add_refusals, refusals=[refusal]))


async def look(admin: Admin, id: str) -> Any:
    return await admin.done("GET", f"/trunks/{id}/allow-list", status=200)


async def test_a_list_is_looked_at_and_others_are_compared_without_saying_whose(admin: Admin) -> None:
    tenant = await create_tenant(admin.world)
    id = await trunk(admin, tenant, "192.0.2.0/24", "192.0.2.7", "198.51.100.7")
    await trunk(admin, None, "192.0.2.0/24")
    await trunk(admin, tenant, "198.51.100.7")
    seen = await look(admin, id)
    assert seen["allowed_addresses"] == ["192.0.2.0/24", "192.0.2.7", "198.51.100.7"]
    assert [(each["code"], each["severity"]) for each in seen["findings"]] == [
        ("overlap", "warning"),
        ("shared-network", "warning"),
        ("also-on-own-trunk", "note"),
    ]
    async with admin.world.client(await create_key(admin.world, tenant)) as http:
        assert (await http.get(f"/cordboard/v1/trunks/{id}/allow-list")).json() == seen


async def test_all_lists_are_compared_however_many_are_read_at_a_time(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allow_lists, "BITE", 2)
    ids = [await trunk(admin, None, "192.0.2.7") for _ in range(5)]
    for id in ids:
        assert [each["code"] for each in (await look(admin, id))["findings"]] == ["shared-network"]


async def test_who_was_kept_out_is_suggested_with_the_command_that_lets_it_in(admin: Admin) -> None:
    id = await trunk(admin, None, "198.51.100.0/24")
    admin.world.clock.advance(days=30)
    for _ in range(3):
        await refuse(admin, id, "192.0.2.7", hours=1)
    await refuse(admin, id, "192.0.2.8")
    # long ago, for another reason, of another trunk, and of one who is let in by now
    await refuse(admin, id, "192.0.2.9", days=8)
    await refuse(admin, id, "192.0.2.10", "no-agent")
    await refuse(admin, unknown_id(), "192.0.2.11")
    await refuse(admin, id, "198.51.100.7")
    first, second = (await look(admin, id))["seen_but_not_allowed"]
    assert (first["address"], first["refused"]) == ("192.0.2.7", 3)
    assert first["command"] == f"cordboard trunk allow {id} 192.0.2.7"
    assert (second["address"], second["refused"]) == ("192.0.2.8", 1)
    assert first["last_seen"] < second["last_seen"]


async def test_a_verification_says_it_too(admin: Admin) -> None:
    id = await trunk(admin, None, "198.51.100.0/24")
    admin.world.clock.advance(hours=1)

    async def step() -> Any:
        body = {"kind": "trunk", "subject_id": id, "steps": ["allow-list"]}
        (found,) = (await admin.done("POST", "/verifications?wait=10", body))["steps"]
        return found

    assert (await step())["status"] == "passed"
    await refuse(admin, id, "192.0.2.7")
    found = await step()
    assert (found["status"], found["code"]) == ("warning", "seen-but-not-allowed")
    assert "add 192.0.2.7 to the addresses" in found["remedy"]
    (kept_out,) = found["evidence"]["seen_but_not_allowed"]
    assert kept_out["command"] == f"cordboard trunk allow {id} 192.0.2.7"
    await admin.done("PATCH", f"/trunks/{id}", {"allowed_addresses": ["0.0.0.0/0"]}, status=200)
    assert (await step())["code"] == "whole-internet"


async def test_of_the_systems_trunk_a_tenant_is_told_no_more_than_of_its_number(admin: Admin) -> None:
    world = admin.world
    tenant = await create_tenant(world)
    shown = await add_platform_number(world, tenant=tenant, status=Status.ASSIGNED)
    id = str(shown.trunk_id)
    update = {"allowed_addresses": ["198.51.100.7"], "gateways": [{"host": "192.0.2.1"}]}
    update |= {"username": "ours", "password": "the installation's"}
    await admin.done("PATCH", f"/trunks/{id}", update, status=200)
    world.clock.advance(hours=1)
    await refuse(admin, id, "192.0.2.7")
    await refuse(admin, id, "192.0.2.8", "encryption-required")
    steps = {"steps": ["number", "media", "allow-list", "digest", "registration"]}
    body = {"kind": "number", "subject_id": shown.number, **steps}
    async with world.client(await create_key(world, tenant)) as http:
        done = (await http.post("/cordboard/v1/verifications?wait=10", json=body)).json()
        refused = await http.post("/cordboard/v1/verifications", json={"kind": "trunk", "subject_id": id})
    assert (refused.status_code, refused.json()["code"]) == (403, "not-for-caller")
    assert "192.0.2.7" not in json.dumps(done)
    assert "192.0.2.8" not in json.dumps(done), done
    (step,) = [step for step in done["steps"] if step["name"] == "allow-list"]
    assert (step["status"], step["code"]) == ("skipped", "shared-trunk")
    assert "digest" not in {step["name"] for step in done["steps"] if step["code"] != "no-edge"}
    trunk = await admin.done("POST", "/verifications?wait=10", {"kind": "trunk", "subject_id": id, "steps": ["media"]})
    assert [step["code"] for step in trunk["steps"]] == ["encryption-required"]


async def test_the_systems_list_is_the_administrators_to_see(admin: Admin) -> None:
    body = {"system": True, "name": "Everybody's", "allowed_addresses": ["192.0.2.7"]}
    id = (await admin.done("POST", "/trunks", body))["id"]
    assert (await look(admin, id))["findings"] == []
    async with admin.world.client(await create_key(admin.world, await create_tenant(admin.world))) as http:
        answer = await http.get(f"/cordboard/v1/trunks/{id}/allow-list")
    assert (answer.status_code, answer.json()["code"]) == (403, "not-for-caller")
