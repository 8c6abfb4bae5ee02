"""Who may do what, the wall between tenants, and the form of what is refused.

https://docs.nebrijaai.com/api-reference/sip-trunks/actualizar-sip-trunk
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from structlog.testing import capture_logs

from cordboard.domain.keys import PERMISSIONS
from tests.builders import World, create_key, dump, unknown_id
from tests.dialects.nebrija import shapes
from tests.dialects.nebrija.caller import NUMBERS, TRUNKS, Caller, calling, trunk_body

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Known:
    """An operation, what it needs, and a body that it takes."""

    method: str
    path: str
    permission: str
    body: Any = None

    def at(self, trunk: str, number: str) -> str:
        return self.path.format(id=trunk if self.path.startswith(TRUNKS) else number)


OPERATIONS = {
    "list_sip_trunks": Known("GET", TRUNKS, "trunks.view"),
    "create_sip_trunk": Known("POST", TRUNKS, "trunks.create", trunk_body()),
    "get_sip_trunk": Known("GET", TRUNKS + "/{id}", "trunks.view"),
    "update_sip_trunk": Known("PATCH", TRUNKS + "/{id}", "trunks.update", {"name": "Changed"}),
    "delete_sip_trunk": Known("DELETE", TRUNKS + "/{id}", "trunks.delete"),
    "list_phone_numbers": Known("GET", NUMBERS, "phones.view"),
    "get_phone_number": Known("GET", NUMBERS + "/{id}", "phones.view"),
    "update_phone_number": Known("PATCH", NUMBERS + "/{id}", "phones.update", {"label": "Changed"}),
}


@pytest.fixture
async def caller(shared_world: World) -> AsyncIterator[Caller]:
    async with calling(shared_world) as made:
        yield made


async def test_the_document_has_exactly_these_operations(shared_world: World) -> None:
    async with shared_world.client() as client:
        document = (await client.get("/api/v1/openapi.json")).json()
    found = {
        described["operationId"]: (method.upper(), path)
        for path, methods in document["paths"].items()
        for method, described in methods.items()
    }
    assert found == {name: (each.method, each.path) for name, each in OPERATIONS.items()}


@pytest.mark.proves("nebrija: bearer token")
@pytest.mark.parametrize("carried", PERMISSIONS)
async def test_each_operation_wants_its_own_permission_and_no_other(caller: Caller, carried: str) -> None:
    key = await create_key(caller.world, caller.tenant, [carried])
    async with caller.world.client(key) as restricted:
        for name, operation in OPERATIONS.items():
            if operation.permission == carried:
                path = operation.at((await caller.trunk())["id"], await caller.number())
                answer = await restricted.request(operation.method, path, json=operation.body)
                shapes.check(path, answer)
                assert answer.is_success, (name, answer.text)
        trunk, number = (await caller.trunk())["id"], await caller.number()
        before = await dump(caller.world)
        for operation in OPERATIONS.values():
            if operation.permission != carried:
                path = operation.at(trunk, number)
                answer = await restricted.request(operation.method, path, json=operation.body)
                shapes.check(path, answer)
                assert answer.status_code == 403
                assert answer.json()["message"] == f"the key lacks the permission {operation.permission}"
        assert await dump(caller.world) == before


@pytest.mark.proves("nebrija: bearer token", "nebrija: missing or bad token")
@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Basic c2stMTIz", "sk-" + "0" * 64, "Bearer sk-" + "0" * 64, "Bearer \xff\xfe"],
)
async def test_a_missing_or_wrong_key_is_401_at_every_operation(caller: Caller, header: str | None) -> None:
    trunk, number = (await caller.trunk())["id"], await caller.number()
    before = await dump(caller.world)
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    async with caller.world.client() as stranger:
        for operation in OPERATIONS.values():
            path = operation.at(trunk, number)
            answer = await stranger.request(operation.method, path, json=operation.body, headers=headers)
            shapes.check(path, answer)
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.json() == {"statusCode": 401, "message": "Unauthorized", "error": "Unauthorized"}
    assert await dump(caller.world) == before


@pytest.mark.proves("nebrija: error 404")
async def test_no_operation_reaches_another_tenant_s_object_in_any_way(caller: Caller) -> None:
    async with calling(caller.world) as owner:
        trunk, number = (await owner.trunk())["id"], await owner.number()
        tried = 0
        before = await dump(caller.world)
        for name, operation in OPERATIONS.items():
            if "{id}" not in operation.path:
                continue
            tried += 1
            answers = []
            for ids in ((trunk, number), (unknown_id(), unknown_id())):
                answer = await caller.send(operation.method, operation.at(*ids), json=operation.body)
                answers.append((answer.status_code, answer.text.replace(ids[0], "").replace(ids[1], "")))
            assert answers[0] == answers[1], name
            assert answers[0][0] == 404
        assert tried == 5
        for path in (TRUNKS, NUMBERS):
            mine = [each for each in await caller.done("GET", path) if not each.get("isSystem")]
            assert mine == []
        assert await dump(caller.world) == before


async def test_a_deleted_trunk_of_ours_touches_nobody_else_s_number(caller: Caller) -> None:
    async with calling(caller.world) as owner:
        number = await owner.number()
        before = await owner.done("GET", f"{NUMBERS}/{number}")
        await caller.done("DELETE", f"{TRUNKS}/{(await caller.trunk())['id']}")
        assert await owner.done("GET", f"{NUMBERS}/{number}") == before


SECRETS = ("the-first-secret", "the-second-secret", "the-inbound-secret")


@pytest.mark.proves("nebrija: password mask")
async def test_a_password_never_comes_back_in_an_answer_or_a_log_line(caller: Caller) -> None:
    texts: list[str] = []

    async def send(method: str, path: str, body: Any = None) -> Any:
        answer = await caller.http.request(method, path, json=body)
        texts.append(answer.text + str(answer.headers))
        return answer.json()

    first, second, inbound = SECRETS
    advanced = {"inboundAuthentication": {"username": "u", "password": inbound}}
    with capture_logs() as logs:
        body = trunk_body(authentication={"username": "u", "password": first}, advanced=advanced)
        path = f"{TRUNKS}/{(await send('POST', TRUNKS, body))['id']}"
        await send("GET", path)
        await send("GET", TRUNKS)
        await send("PATCH", path, {"authentication": {"password": second}, "advanced": advanced})
        # and when it is refused, in each place where it can stand
        await send("POST", TRUNKS, {**body, "name": ""})
        await send("PATCH", path, {"authentication": {"password": second + "\n"}})
        await send("PATCH", path, {"authentication": {"password": [second]}})
        await send("PATCH", path, {"authentication": second})
        await send("PATCH", path, {"advanced": {"inboundAuthentication": {"username": "a b", "password": inbound}}})
        await send("PATCH", path, {"advanced": {"inboundAuthentication": {"password": inbound + "\0"}}})
        await send("PATCH", f"{TRUNKS}/{unknown_id()}", {"authentication": {"password": second}})
    assert len(texts) == 11
    for text in (*texts, json.dumps(logs, default=repr)):
        for secret in SECRETS:
            assert secret not in text
    assert len(logs) >= len(texts), "no log line was looked at"
    log = (await dump(caller.world))["change"]
    assert not [row for row in log if any(secret in str(row) for secret in SECRETS)]


@pytest.mark.proves("nebrija: error body", "nebrija: validation failure")
async def test_what_is_wrong_is_told_all_at_once_in_nest_s_form(caller: Caller) -> None:
    body = {"name": "", "gateways": [{"ipOrDomain": "x.example", "port": 0}], "advanced": {"foo": 1}}
    answer = await caller.send("POST", TRUNKS, json=body)
    assert answer.json() == {
        "statusCode": 400,
        "message": [
            "name: String should have at least 1 character",
            "gateways.0.port: Input should be greater than or equal to 1",
            "advanced.foo: there is no such option",
        ],
        "error": "Bad Request",
    }


@pytest.mark.proves("nebrija: validation failure")
@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"name": }', b"[" * 10_000])
async def test_what_is_no_json_is_refused(caller: Caller, content: bytes) -> None:
    for method, path in (("POST", TRUNKS), ("PATCH", f"{TRUNKS}/{(await caller.trunk())['id']}")):
        (message,) = await caller.refused(method, path, 400, content=content)
        assert message.startswith("body: Invalid JSON")


@pytest.mark.proves("nebrija: limits")
async def test_a_body_of_more_than_a_mebibyte_is_refused(caller: Caller) -> None:
    assert await caller.refused("POST", TRUNKS, 413, content=b" " * (2**20 + 1)) == "the body is larger than 1 MiB"


@pytest.mark.proves("nebrija: /calls, /assistants, /webhooks, /ab-tests, /tools", "nebrija: error body")
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        *(("GET", f"/api/v1/{each}", 404) for each in ("calls", "assistants/x", "webhooks", "ab-tests", "tools/x")),
        ("POST", NUMBERS, 405),
        ("DELETE", NUMBERS + "/{id}", 405),
        ("PUT", TRUNKS, 405),
        ("PUT", TRUNKS + "/{id}", 405),
        ("GET", TRUNKS + "/a/b", 404),
    ],
)
async def test_what_is_no_operation_is_refused_in_the_dialect_s_form(
    caller: Caller, method: str, path: str, status: int
) -> None:
    await caller.refused(method, path.format(id=unknown_id()), status)
