"""Safe writes of the native API: ETag and If-Match, Idempotency-Key, Prefer: wait."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import httpx2
import pytest

from cordboard.domain.edge import EdgeReport
from cordboard.domain.errors import NotApplied, TooBusy
from cordboard.domain.tenants import TenantId
from cordboard.storage import edges, idempotency
from cordboard.usecases.idempotency import forget_old
from tests.builders import ADMIN_TOKEN, World, create_account, create_key, create_tenant, dump, unknown_id
from tests.dialects.native.admin import BASE, Admin
from tests.dialects.native.test_isolation import OPERATIONS

pytestmark = pytest.mark.anyio

#: What has no ETag since it never changes, is no object of the store's, or goes on from a position of its own.
WITHOUT_ETAG = {"revoke_key", "delete_operator", "ban", "unban", "import_rows", "delete_import", "end_call"}


def test_what_changes_an_object_takes_if_match_unless_it_is_known_not_to() -> None:
    changing = {o.name for o in OPERATIONS if o.method in ("PATCH", "PUT", "DELETE")}
    assert {o.name for o in OPERATIONS if o.versioned} == changing - WITHOUT_ETAG


async def objects(admin: Admin, tenant: TenantId) -> list[tuple[str, dict[str, Any]]]:
    """One of each kind: where it is, and a change of it."""
    trunk = await admin.done("POST", "/trunks", {"name": "Carrier", "tenant_id": tenant})
    account = await create_account(admin.world, tenant)
    return [
        (f"/tenants/{tenant}", {"name": "Renamed"}),
        (f"/trunks/{trunk['id']}", {"name": "Renamed"}),
        (f"/accounts/{account.id}", {"caller_id_name": "Renamed"}),
    ]


async def test_an_object_that_was_changed_meanwhile_is_neither_changed_nor_deleted(
    admin: Admin, tenant: TenantId
) -> None:
    for path, change in reversed(await objects(admin, tenant)):
        old = (await admin.send("GET", path)).headers["etag"]
        changed = await admin.send("PATCH", path, change, headers={"If-Match": old})
        assert changed.status_code == 200
        new = changed.headers["etag"]
        assert new != old
        assert (await admin.send("GET", path)).headers["etag"] == new
        for method, body in (("PATCH", change), ("DELETE", ...)):
            for stale in (old, f"W/{new}", '"none"', ""):
                await admin.refused(
                    method, path, body, status=412, code="precondition-failed", headers={"If-Match": stale}
                )
        for fresh in (new, "*", f'"x", {new}'):
            assert (await admin.send("PATCH", path, {}, headers={"If-Match": fresh})).headers["etag"] == new
        assert (await admin.send("DELETE", path, headers={"If-Match": new})).status_code == 204


async def test_an_object_that_is_known_is_not_sent_again(admin: Admin, tenant: TenantId) -> None:
    for path, change in await objects(admin, tenant):
        etag = (await admin.send("GET", path)).headers["etag"]
        asked = {"If-None-Match": f'"x", W/{etag}'}
        answer = await admin.http.get(BASE + path, headers=asked)
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
        await admin.send("PATCH", path, change)
        answer = await admin.http.get(BASE + path, headers={"If-None-Match": etag})
        assert answer.status_code == 200


async def test_of_two_changes_with_one_etag_one_is_made(admin: Admin, tenant: TenantId) -> None:
    path = f"/tenants/{tenant}"
    etag = (await admin.send("GET", path)).headers["etag"]
    answers = await asyncio.gather(
        *(admin.send("PATCH", path, {"name": f"N{i}"}, headers={"If-Match": etag}) for i in range(8))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7


async def test_a_request_with_a_key_is_carried_out_once(admin: Admin, tenant: TenantId) -> None:
    path, body = f"/tenants/{tenant}/keys", {"name": "Mine"}
    headers = {"Idempotency-Key": unknown_id()}
    first = await admin.send("POST", path, body, headers=headers)
    again = await admin.send("POST", path, body, headers={"Idempotency-Key": f'"{headers["Idempotency-Key"]}"'})
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["content-type"] == first.headers["content-type"]
    assert "idempotency-replayed" not in first.headers
    assert len((await admin.send("GET", path)).json()["data"]) == 1


async def test_an_etag_of_a_creation_is_told_again_with_it(admin: Admin) -> None:
    headers = {"Idempotency-Key": unknown_id()}
    first = await admin.send("POST", "/tenants", {"name": "One"}, headers=headers)
    await admin.send("PATCH", f"/tenants/{first.json()['id']}", {"name": "Two"})
    again = await admin.send("POST", "/tenants", {"name": "One"}, headers=headers)
    assert first.headers["etag"] == again.headers["etag"]
    assert first.headers["cordboard-revision"] == again.headers["cordboard-revision"]


async def test_a_request_with_a_key_that_comes_many_times_at_once_is_carried_out_once(
    admin: Admin, tenant: TenantId
) -> None:
    headers = {"Idempotency-Key": unknown_id()}
    answers = await asyncio.gather(
        *(admin.send("POST", f"/tenants/{tenant}/keys", {}, headers=headers) for _ in range(12))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert len((await admin.send("GET", f"/tenants/{tenant}/keys")).json()["data"]) == 1


async def test_a_key_of_another_request_is_refused(admin: Admin, tenant: TenantId) -> None:
    headers = {"Idempotency-Key": unknown_id()}
    await admin.send("POST", f"/tenants/{tenant}/keys", {}, headers=headers)
    other = await create_tenant(admin.world, f"Tenant {unknown_id()}")
    for path, body in ((f"/tenants/{tenant}/keys", {"name": "x"}), (f"/tenants/{other}/keys", {}), ("/tenants", {})):
        await admin.refused("POST", path, body, status=422, code="idempotency-key-reused", headers=headers)


async def test_a_key_is_its_callers_own(admin: Admin, tenant: TenantId) -> None:
    headers = {"Idempotency-Key": unknown_id()}
    body = {"name": "x", "sip_uri": "sip:a@agent.example"}
    made = set()
    for _ in range(2):
        key = await create_key(admin.world, tenant)
        async with admin.world.client(key) as http:
            answer = await http.post(f"{BASE}/tenants/{tenant}/agents", json=body, headers=headers)
        assert answer.status_code == 201
        made.add(answer.json()["agent_id"])
    assert len(made) == 2


async def test_what_was_refused_may_be_tried_again_with_its_key(admin: Admin, tenant: TenantId) -> None:
    headers = {"Idempotency-Key": unknown_id()}
    body = {"number": "+34600000009", "tenant_id": unknown_id()}
    await admin.refused("POST", "/numbers", body, status=404, code="unknown-tenant", headers=headers)
    answer = await admin.send("POST", f"/tenants/{tenant}/keys", {}, headers=headers)
    assert answer.status_code == 201


@pytest.mark.parametrize("name", ["", "x" * 256, "a b", "\x7f", '"'])
async def test_a_key_that_is_none_is_refused(admin: Admin, tenant: TenantId, name: str) -> None:
    problem = await admin.refused(
        "POST", f"/tenants/{tenant}/keys", {}, status=422, code="invalid", headers={"Idempotency-Key": name}
    )
    assert problem["errors"][0]["pointer"] == "Idempotency-Key"


async def test_a_kept_answer_shows_no_secret_and_is_forgotten_after_a_day(admin: Admin, tenant: TenantId) -> None:
    headers = {"Idempotency-Key": unknown_id()}
    made = await admin.send("POST", f"/tenants/{tenant}/keys", {}, headers=headers)
    find = partial(idempotency.find, actor="admin", name=headers["Idempotency-Key"])
    kept = await admin.world.store.read(find)
    assert kept is not None
    assert kept.body is not None
    assert made.json()["key"] not in json.dumps([kept.headers, kept.body.text])
    for hours, there in ((23, True), (25, False)):
        later = admin.world.clock() + timedelta(hours=hours)
        await forget_old(replace(admin.world.context, clock=lambda later=later: later))
        assert (await admin.world.store.read(find) is not None) == there


async def test_a_lost_answer_is_said_to_be_lost_and_nothing_is_done_again(admin: Admin, tenant: TenantId) -> None:
    path, headers = f"/tenants/{tenant}/keys", {"Idempotency-Key": unknown_id()}
    await admin.send("POST", path, {}, headers=headers)

    async def lose(tx: Any) -> None:
        await tx.run("update idempotency set status = null, body = null where name = $1", headers["Idempotency-Key"])

    await admin.world.store.write(None, lose)
    admin.world.clock.advance(minutes=2)
    problem = await admin.refused("POST", path, {}, status=409, code="answer-lost", headers=headers)
    assert "carried out" in problem["detail"]


@pytest.mark.slow
async def test_a_request_that_still_runs_is_waited_for(admin: Admin, tenant: TenantId) -> None:
    name = unknown_id()
    now = admin.world.clock()
    claim = partial(idempotency.claim, actor="admin", name=name, fingerprint="x", now=now, kept_since=now)
    await admin.world.store.write(None, claim)
    asked = {"status": 422, "code": "idempotency-key-reused", "headers": {"Idempotency-Key": name}}
    await admin.refused("POST", f"/tenants/{tenant}/keys", {}, **asked)

    async def same(tx: Any) -> None:
        await tx.run("update idempotency set status = null, body = null")

    await admin.send("POST", f"/tenants/{tenant}/keys", {}, headers={"Idempotency-Key": f"{name}-2"})
    await admin.world.store.write(None, same)
    asked = {"status": 503, "code": "still-running", "headers": {"Idempotency-Key": f"{name}-2"}}
    await admin.refused("POST", f"/tenants/{tenant}/keys", {}, **asked)


def report(world: World, applied: int) -> EdgeReport:
    return EdgeReport(
        name="far",
        ready=True,
        applied=applied,
        seen_at=world.clock(),
        version="0",
        signalling=("udp:192.0.2.1:5060", "tls:192.0.2.1:5061"),
        media=("192.0.2.1:30000-39999",),
    )


async def test_a_change_tells_its_revision_and_prefer_waits_for_every_edge(admin: Admin, tenant: TenantId) -> None:
    async def change(**headers: str) -> httpx2.Response:
        return await admin.send("PATCH", f"/tenants/{tenant}", {"name": unknown_id()}, headers=headers)

    async def told(applied: int) -> None:
        put = partial(edges.put, report=report(admin.world, applied))
        await admin.world.store.write(None, put)

    plain = await change()
    assert int(plain.headers["cordboard-revision"]) > 0
    assert "preference-applied" not in plain.headers
    assert "preference-applied" not in (await change(Prefer="wait=5")).headers
    await told(1)
    assert "preference-applied" not in (await change(Prefer="wait=0")).headers
    waiting = asyncio.create_task(change(Prefer="wait=9"))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await told(1 << 60)
    assert (await waiting).headers["preference-applied"] == "wait=9"
    assert (await change(Prefer="respond-async, wait=99")).headers["preference-applied"] == "wait=30"
    await told(1)
    admin.world.clock.advance(minutes=2)
    assert "preference-applied" not in (await change(Prefer="wait=5")).headers


async def test_edges_tell_where_carriers_reach_them_and_how_far_they_are(admin: Admin) -> None:
    put = partial(edges.put, report=report(admin.world, 1 << 60))
    await admin.world.store.write(None, put)
    listed = await admin.done("GET", "/edges", status=200)
    assert listed["data"] == [
        {
            "name": "far",
            "state": "ready",
            "applied_revision": 1 << 60,
            "applied": True,
            "signalling": ["udp:192.0.2.1:5060", "tls:192.0.2.1:5061"],
            "media": ["192.0.2.1:30000-39999"],
            "version": "0",
            "seen_at": listed["data"][0]["seen_at"],
        }
    ]
    admin.world.clock.advance(minutes=2)
    assert (await admin.done("GET", "/edges", status=200))["data"][0]["state"] == "silent"


async def test_a_get_with_a_key_keeps_nothing(admin: Admin, tenant: TenantId) -> None:
    before = await dump(admin.world)
    await admin.send("GET", f"/tenants/{tenant}", headers={"Idempotency-Key": unknown_id()})
    assert await dump(admin.world) == before


async def test_live_state_is_told_anew_and_stands_in_nobodys_way(admin: Admin, tenant: TenantId) -> None:
    path = f"/tenants/{tenant}"
    etag = (await admin.send("GET", path)).headers["etag"]
    await create_account(admin.world, tenant)
    answer = await admin.http.get(BASE + path, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.json()["accounts"]) == (200, 1)
    assert (await admin.send("PATCH", path, {"name": "x"}, headers={"If-Match": etag})).status_code == 200


async def test_of_two_changes_of_a_trunk_of_nobodys_with_one_etag_one_is_made(admin: Admin) -> None:
    made = await admin.send("POST", "/trunks", {"name": "Everybody's", "system": True})
    path, headers = f"/trunks/{made.json()['id']}", {"If-Match": made.headers["etag"]}
    for _ in range(5):
        answers = await asyncio.gather(
            *(admin.send("PATCH", path, {"name": unknown_id()}, headers=headers) for _ in range(8))
        )
        assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
        headers = {"If-Match": (await admin.send("GET", path)).headers["etag"]}


async def test_a_key_that_is_kept_no_longer_is_as_new(admin: Admin, tenant: TenantId) -> None:
    path, headers = f"/tenants/{tenant}/keys", {"Idempotency-Key": unknown_id()}
    first = await admin.send("POST", path, {}, headers=headers)
    admin.world.clock.advance(hours=25)
    again = await admin.send("POST", path, {"name": "Another"}, headers=headers)
    assert again.status_code == 201
    assert again.json()["id"] != first.json()["id"]
    assert (await admin.send("POST", path, {"name": "Another"}, headers=headers)).content == again.content


class Failing:
    """A store that fails after the first write."""

    def __init__(self, store: Any, error: Exception, *, at: int) -> None:
        self._store, self._error, self._at, self._writes = store, error, at, 0

    async def read(self, query: Any) -> Any:
        return await self._store.read(query)

    async def write(self, tenant: Any, usecase: Any) -> Any:
        made = await self._store.write(tenant, usecase) if self._writes < self._at or self._at == 0 else None
        self._writes += 1
        if self._writes > self._at:
            raise self._error
        return made


async def test_an_answer_that_cannot_be_kept_is_given_and_what_was_done_is_not_done_again(
    sqlite_world: World,
) -> None:
    world, tenant = sqlite_world, await create_tenant(sqlite_world)
    sound, headers = world.context, {"Idempotency-Key": "k"}
    path = f"{BASE}/tenants/{tenant}/keys"
    for error, at, status in ((TooBusy(), 1, 201), (NotApplied(7), 0, 503)):
        headers = {"Idempotency-Key": unknown_id()}
        world.context = replace(sound, store=Failing(sound.store, error, at=at))
        async with world.client(ADMIN_TOKEN) as http:
            assert (await http.post(path, json={}, headers=headers)).status_code == status
        world.context = sound
        world.clock.advance(minutes=2)
        async with world.client(ADMIN_TOKEN) as http:
            again = await http.post(path, json={}, headers=headers)
            assert (again.status_code, again.json()["code"]) == (409, "answer-lost")
    async with world.client(ADMIN_TOKEN) as http:
        assert len((await http.get(path)).json()["data"]) == 2


async def test_a_parameter_that_there_is_not_is_refused_by_name(admin: Admin) -> None:
    problem = await admin.refused("GET", "/tenants?limti=5", status=422, code="invalid")
    assert problem["errors"] == [{"pointer": "limti", "detail": "there is no such parameter"}]
