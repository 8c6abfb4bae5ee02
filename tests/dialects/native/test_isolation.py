"""Every operation of the native API against every kind of caller: who may call it, and that nobody reaches another's.

An operation is in the matrix by being there: a path parameter without an object in `Owner.ids`, or an operation that
takes a body and has none in BODIES, fails.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx2
import pytest

from cordboard.dialects.native.operation import ADMINISTRATOR, OPERATOR, PREFIX, NativeOperation
from cordboard.domain.accounts import Account
from cordboard.domain.calls import Call, CallId, Refusal, RefusalId, State
from cordboard.domain.events import Happened, encode, event_id
from cordboard.domain.keys import PERMISSIONS
from cordboard.domain.operators import Operator
from cordboard.domain.tenants import Actor, TenantId
from cordboard.domain.verifications import Subject, Verification, VerificationId
from cordboard.storage import calls, verifications
from cordboard.usecases.events import emit
from cordboard.usecases.verifications import Order
from scripts.native_tables import every_operation
from tests.builders import (
    ADMIN_TOKEN,
    World,
    add_version,
    create_account,
    create_agent,
    create_customer,
    create_key,
    create_operator,
    dump,
    import_number,
    route,
    unknown_id,
)
from tests.dialects.telecom_center.caller import cheap_hash
from tests.webhooks.sending import add_webhook

pytestmark = pytest.mark.anyio

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
PASSWORD = "operator-secret"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass
class Owner:
    """An operator, its customer, and one object of each kind of that tenant's."""

    operator: Operator
    tenant: TenantId
    key: str
    #: By the name of the path parameter.
    ids: dict[str, str]

    @property
    def basic(self) -> httpx2.BasicAuth:
        return httpx2.BasicAuth(self.operator.name, PASSWORD)


@dataclass
class Matrix:
    """Two owners of the same kinds of things in one installation."""

    world: World
    ours: Owner
    theirs: Owner

    async def send(
        self, operation: NativeOperation, ids: dict[str, str], *, key: str | None = None, basic: Any = None
    ) -> httpx2.Response:
        path = re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], operation.path)
        options: dict[str, Any] = {} if operation.body is None else {"json": body_of(operation, ids)}
        if operation.text:
            options["content"], options["params"] = TEXTS[operation.name]
        if operation.query is not None and "tenant_id" in operation.query.model_fields and operation.method == "GET":
            options["params"] = {"tenant_id": ids["tenant_id"], **QUERIES.get(operation.name, {})}
        async with self.world.client(key) as http:
            return await http.request(operation.method, path, auth=basic, **options)


def body_of(operation: NativeOperation, ids: dict[str, str]) -> Any:
    return {name: ids.get(value, value) for name, value in BODIES[operation.name].items()}


#: A body for each operation that takes one; the name of an id stands for it.
BODIES: dict[str, dict[str, Any]] = {
    "create_tenant": {"name": "Another"},
    "update_tenant": {"name": "Renamed"},
    "create_key": {},
    "create_agent": {"name": "Another", "sip_uri": "sip:a@agent.example"},
    "create_version": {"sip_uri": "sip:a@agent.example"},
    "publish_version": {"version_id": "version_id"},
    "add_number": {"number": "+34600000001"},
    "assign_number": {"number": "number", "account_id": "account_id"},
    "create_operator": {"name": "another"},
    "create_trunk": {"name": "Another", "tenant_id": "tenant_id"},
    "update_trunk": {"name": "Renamed"},
    "create_account": {},
    "update_account": {"caller_id_name": "Renamed"},
    "apply_livekit": {},
    "explain": {"to": "number", "source": "192.0.2.1", "tenant_id": "tenant_id"},
    "create_verification": {"kind": "account", "subject_id": "account_id"},
    "create_verification_schedule": {"kind": "account", "subject_id": "account_id", "every_minutes": 60},
    "begin_import": {"tenant_id": "tenant_id"},
    "import_number": {"number": "+34600000003"},
    "update_number": {"nickname": "Renamed"},
    "update_agent": {"name": "Renamed"},
    "create_webhook": {"url": "https://hooks.example", "tenant_id": "tenant_id"},
    "update_webhook": {"description": "Renamed"},
    "replay_webhook": {"failed": True},
}
#: Of operations that take text; parameters that must be there.
TEXTS = {"import_rows": ("number,trunk\n+34600000002,\n", {"from": 0})}


#: Parameters that must be there.
QUERIES = {"search": {"q": "+34"}}

OPERATIONS = list(every_operation())
EACH = pytest.mark.parametrize("operation", OPERATIONS, ids=[operation.name for operation in OPERATIONS])


@pytest.fixture(scope="module")
async def theirs(shared_world: World) -> Owner:
    """Of all tests: none of them may change it."""
    return await own_everything(shared_world)


@pytest.fixture
async def matrix(shared_world: World, theirs: Owner) -> Matrix:
    return Matrix(shared_world, await own_everything(shared_world), theirs)


async def own_everything(world: World) -> Owner:
    """A tenant with one of each."""
    operator = await create_operator(world, f"o-{unknown_id()}", cheap_hash(PASSWORD))
    tenant = (await create_customer(world, operator.id, name=f"Customer {unknown_id()}")).id
    agent, version = await create_agent(world, tenant)
    await add_version(world, agent)
    number_id = await import_number(world, tenant)
    number = await route(world, tenant, number_id, inbound_version=version.id)
    account = await create_account(world, tenant)
    key = await create_key(world, tenant)
    ids = {
        "tenant_id": tenant,
        "operator_id": operator.id,
        "key_id": await key_id(world, tenant),
        "agent_id": agent.id,
        "version_id": version.id,
        "number": number.number,
        "number_id": number_id,
        "trunk_id": str(number.trunk_id),
        "account_id": account.id,
        "call_id": await add_call(world, tenant, number_id),
        "event_id": await add_event(world, tenant),
        "verification_id": await add_verification(world, tenant, account),
        "schedule_id": await add_schedule(world, tenant, account),
        "webhook_id": (await add_webhook(world, "https://hooks.example", tenant))[0],
        "address": "192.0.2.1",
        "import_id": await begin_import(world, tenant),
        "entry_id": "openai",
    }
    return Owner(operator=operator, tenant=tenant, key=key, ids=ids)


async def begin_import(world: World, tenant: TenantId) -> str:
    async with world.client(ADMIN_TOKEN) as http:
        return str((await http.post(f"{PREFIX}/imports", json={"tenant_id": tenant})).json()["id"])


async def key_id(world: World, tenant: TenantId) -> str:
    async with world.client(ADMIN_TOKEN) as http:
        return str((await http.get(f"{PREFIX}/tenants/{tenant}/keys")).json()["data"][0]["id"])


async def add_call(world: World, tenant: TenantId, number: str) -> str:
    """A call and a refusal, which name the tenant."""
    id = unknown_id()
    same: dict[str, Any] = {"number": number, "number_id": number, "tenant": tenant, "trunk": "", "caller": "x"}
    same |= {"called": "y", "call_id": id, "user_agent": "", "source": "udp:192.0.2.1:5060", "direction": "inbound"}
    call = Call(
        id=CallId(id), agent="", version="", offered="rtp", state=State.ANSWERED, started_at=AT, answered_at=AT, **same
    )
    refusal = Refusal(id=RefusalId(id), at=AT, code=480, reason="no-agent", address="192.0.2.1", **same)
    await world.store.write(None, partial(calls.add, edge="edge", calls=[call]))
    await world.store.write(None, partial(calls.add_refusals, refusals=[refusal]))
    return id


async def add_event(world: World, tenant: TenantId) -> str:
    happened = Happened(type="call.started", tenant=tenant, subject=unknown_id(), at=AT, data={})
    await world.store.write(None, partial(emit, happened=[happened]))
    return event_id(happened, encode(happened))


async def add_verification(world: World, tenant: TenantId, account: Account) -> str:
    subject = Subject(kind="account", id=account.id, name=account.username, tenant=tenant)
    made = Verification(id=VerificationId(unknown_id()), subject=subject, asked=(), by="admin", started_at=AT)
    await world.store.write(tenant, partial(verifications.add, made=made))
    return made.id


async def add_schedule(world: World, tenant: TenantId, account: Account) -> str:
    who, order = Actor(name="admin"), Order(kind="account", ref=account.id)
    return (await world.scheduler().put(who, order, 60, world.store)).id


def test_the_matrix_knows_a_body_for_every_operation_that_takes_one() -> None:
    assert {o.name for o in OPERATIONS if o.body is not None} == set(BODIES)


@EACH
async def test_nobody_reaches_what_is_anothers(operation: NativeOperation, matrix: Matrix) -> None:
    before = await dump(matrix.world)
    unknown = {
        name: unknown_id() if re.fullmatch(r"[0-9a-f-]{36}", id) else id for name, id in matrix.theirs.ids.items()
    }
    for who in ({"key": matrix.ours.key}, {"basic": matrix.ours.basic}):
        answer = await matrix.send(operation, matrix.theirs.ids, **who)
        same = await matrix.send(operation, unknown, **who)
        if not names_an_object(operation):
            assert not [id for id in matrix.theirs.ids.values() if UUID.fullmatch(id) and id in answer.text]
            continue
        assert answer.status_code in (403, 404), answer.text
        assert told(answer, matrix.theirs.ids) == told(same, unknown)
    if names_an_object(operation) or operation.method == "GET":
        assert await dump(matrix.world) == before


def names_an_object(operation: NativeOperation) -> bool:
    """Whether it says by an id whose object is meant."""
    listed = operation.query is not None and "tenant_id" in operation.query.model_fields
    in_body = any(value in ("tenant_id", "account_id") for value in BODIES.get(operation.name, {}).values())
    return ("{" in operation.path and not operation.unrestricted) or listed or in_body


def told(answer: httpx2.Response, ids: dict[str, str]) -> tuple[int, str]:
    """What was said, whatever the ids."""
    text = answer.text
    for name, id in ids.items():
        text = text.replace(id, name)
    return answer.status_code, text


@EACH
async def test_what_is_not_for_a_caller_is_refused_and_what_is_its_own_is_not(
    operation: NativeOperation, matrix: Matrix
) -> None:
    for least, who in ((OPERATOR, {"key": matrix.ours.key}), (ADMINISTRATOR, {"basic": matrix.ours.basic})):
        answer = await matrix.send(operation, matrix.ours.ids, **who)
        barred = operation.least in ((OPERATOR, ADMINISTRATOR) if least == OPERATOR else (ADMINISTRATOR,))
        code = answer.json().get("code") if answer.content and "json" in answer.headers["content-type"] else None
        assert (code == "not-for-caller") == barred, answer.text
        if not barred:
            assert answer.status_code not in (401, 403), answer.text
            assert not str(code).startswith("unknown-"), answer.text
        if operation.method == "DELETE" and answer.is_success:
            return


@EACH
async def test_a_restricted_key_needs_the_permission_of_the_operation(
    operation: NativeOperation, matrix: Matrix
) -> None:
    if operation.least != "tenant":
        assert operation.permission is None
        return
    if operation.unrestricted:
        one = await create_key(matrix.world, matrix.ours.tenant, ["audit.view"])
        assert (await matrix.send(operation, matrix.ours.ids, key=one)).status_code == 200
        return
    assert operation.permission in PERMISSIONS
    without = await create_key(matrix.world, matrix.ours.tenant, [p for p in PERMISSIONS if p != operation.permission])
    answer = await matrix.send(operation, matrix.ours.ids, key=without)
    assert (answer.status_code, answer.json()["code"]) == (403, "missing-permission")
    alone = await create_key(matrix.world, matrix.ours.tenant, [operation.permission])
    assert (await matrix.send(operation, matrix.ours.ids, key=alone)).status_code not in (401, 403)


async def test_lists_without_a_tenant_show_a_key_its_own_and_ask_an_operator_whose(matrix: Matrix) -> None:
    for noun in ("numbers", "trunks", "accounts", "calls", "refusals", "verifications", "imports", "tenants"):
        async with matrix.world.client(matrix.ours.key) as http:
            answer = await http.get(f"{PREFIX}/{noun}")
        assert answer.status_code == 200
        (one,) = answer.json()["data"]
        assert matrix.ours.tenant in (one.get("tenant_id"), one["id"])
        async with matrix.world.client() as http:
            answer = await http.get(f"{PREFIX}/{noun}", auth=matrix.ours.basic)
        if noun == "tenants":
            assert [each["id"] for each in answer.json()["data"]] == [matrix.ours.tenant]
        else:
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_a_list_does_not_step_over_others_rows(matrix: Matrix) -> None:
    theirs, call = matrix.theirs.ids["number_id"], matrix.theirs.ids["call_id"]
    async with matrix.world.client(matrix.ours.key) as http:
        for path in (
            f"calls?number={theirs}",
            f"calls?call_id={call}",
            "refusals?called=y",
            "refusals?source=192.0.2.1",
        ):
            answer = (await http.get(f"{PREFIX}/{path}")).json()
            assert answer["next"] is None
            assert {each["tenant_id"] for each in answer["data"]} <= {matrix.ours.tenant}
        for noun in ("calls", "refusals"):
            answer = await http.get(f"{PREFIX}/{noun}?after={call}")
            assert (answer.status_code, answer.json()["code"]) == (400, "unknown-cursor")


async def test_what_is_the_systems_is_seen_by_all_and_changed_by_the_administrator(matrix: Matrix) -> None:
    async with matrix.world.client(ADMIN_TOKEN) as http:
        made = (await http.post(f"{PREFIX}/trunks", json={"name": "Everybody's", "system": True})).json()
    path = f"{PREFIX}/trunks/{made['id']}"
    async with matrix.world.client(matrix.ours.key) as http:
        assert (await http.get(path)).json() == made
        assert (await http.patch(path, json={"name": "Mine"})).json()["code"] == "refused"
        assert (await http.delete(path)).json()["code"] == "refused"
        answer = await http.post(f"{PREFIX}/trunks", json={"name": "Mine", "system": True})
        assert (answer.status_code, answer.json()["code"]) == (403, "not-for-caller")


async def test_an_operators_new_tenant_is_its_own_customer(matrix: Matrix) -> None:
    async with matrix.world.client() as http:
        made = await http.post(f"{PREFIX}/tenants", json={"name": "New"}, auth=matrix.ours.basic)
        assert made.json()["operator_id"] == matrix.ours.operator.id
        body = {"name": "New", "operator_id": matrix.theirs.operator.id}
        answer = await http.post(f"{PREFIX}/tenants", json=body, auth=matrix.ours.basic)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown-operator")
