"""Who may do what at Diga's API: keys, permissions, and the wall between tenants.

https://docs.diga.io/en/platform/api-keys
https://docs.diga.io/en/platform/projects
"""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from structlog.testing import capture_logs

from cordboard.dialects.diga import routes
from cordboard.dialects.openapi import Operation
from cordboard.domain.keys import PERMISSIONS
from tests.builders import World, create_agent, create_key, dump, import_body, unknown_id
from tests.dialects.diga import shapes
from tests.dialects.diga.caller import Caller, calling

pytestmark = pytest.mark.anyio

#: The permission of each operation, as the API key page lists them.
NEEDED = {
    "import_phone_number": "phones.import",
    "list_phones": "phones.view",
    "get_phone": "phones.view",
    "update_phone": "phones.update",
    "update_sip_config": "phones.update",
    "release_phone_number": "phones.delete",
}
BODIES: dict[str, Any] = {
    "update_phone": {"nickname": "Changed"},
    "update_sip_config": {"inbound_config": {"allowed_addresses": []}},
}


@dataclass
class Documented:
    """One operation as the OpenAPI document has it."""

    name: str
    method: str
    path: str
    described: dict[str, Any]

    @property
    def ids(self) -> list[str]:
        """Path parameters, each of which is an id."""
        return re.findall(r"\{(\w+)\}", self.path)

    def body(self) -> Any:
        return import_body() if self.name == "import_phone_number" else BODIES.get(self.name)

    async def sent(self, http: httpx2.AsyncClient, phone: str) -> httpx2.Response:
        path = self.path.format(phone_id=phone, id=phone)
        return await http.request(self.method, path, json=self.body())


async def documented(world: World) -> list[Documented]:
    async with world.client() as client:
        document = (await client.get("/v1/openapi.json")).json()
    return [
        Documented(name=described["operationId"], method=method.upper(), path=path, described=described)
        for path, methods in document["paths"].items()
        for method, described in methods.items()
    ]


def operations(world: World) -> list[Operation]:
    return routes.operations(routes.Phones(world.context))


@pytest.fixture
async def caller(shared_world: World) -> AsyncIterator[Caller]:
    async with calling(shared_world) as made:
        yield made


async def test_the_document_has_exactly_the_vendor_s_operations(shared_world: World) -> None:
    assert {(o.method, o.path) for o in await documented(shared_world)} == {
        ("POST", "/v1/phone/import"),
        ("GET", "/v1/phone/"),
        ("GET", "/v1/phone/{phone_id}"),
        ("PATCH", "/v1/phone/{phone_id}"),
        ("PATCH", "/v1/phone/{phone_id}/sip-config"),
        ("DELETE", "/v1/phone/{id}"),
    }


@pytest.mark.parametrize("carried", PERMISSIONS)
async def test_each_operation_wants_its_own_permission_and_no_other(caller: Caller, carried: str) -> None:
    key = await create_key(caller.world, caller.tenant, [carried])
    async with caller.world.client(key) as restricted:
        operations = await documented(caller.world)
        for operation in operations:
            if NEEDED[operation.name] == carried:
                answer = await operation.sent(restricted, (await caller.imported())["id"])
                assert answer.is_success, (operation.name, answer.text)
        phone = (await caller.imported())["id"]
        before = await dump(caller.world)
        for operation in operations:
            if NEEDED[operation.name] != carried:
                answer = await operation.sent(restricted, phone)
                assert (answer.status_code, answer.json()) == (
                    403,
                    {
                        "status": "error",
                        "error_code": "MISSING_PERMISSIONS",
                        "message": "Missing required permissions",
                    },
                )
        assert await dump(caller.world) == before


async def test_a_key_without_permissions_may_do_nothing(caller: Caller) -> None:
    async with caller.world.client(await create_key(caller.world, caller.tenant, [])) as restricted:
        for operation in await documented(caller.world):
            assert (await operation.sent(restricted, unknown_id())).status_code == 403


@pytest.mark.parametrize(
    "header",
    [
        None,  # none at all
        "",
        "Bearer",  # no token
        "Bearer ",
        "Basic c2stMTIz",  # another scheme
        "sk-" + "0" * 64,  # no scheme
        "Bearer sk-" + "0" * 64,  # a key that does not exist
        "Bearer " + "x" * 10_000,
        "Bearer \xff\xfe",  # not ASCII
        "Bearer ' or 1=1 --",
    ],
)
async def test_a_missing_or_wrong_key_is_401_at_every_operation(caller: Caller, header: str | None) -> None:
    phone = await caller.imported()
    before = await dump(caller.world)
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    async with caller.world.client() as stranger:
        for operation in await documented(caller.world):
            path = operation.path.format(phone_id=phone["id"], id=phone["id"])
            answer = await stranger.request(operation.method, path, json=operation.body(), headers=headers)
            assert answer.status_code == 401, (operation.name, header)
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.json() == {
                "status": "error",
                "error_code": "INVALID_API_KEY",
                "message": "Invalid or missing API key",
            }
    assert await dump(caller.world) == before


async def test_the_scheme_is_read_in_any_case(caller: Caller) -> None:
    key = caller.http.headers["authorization"].partition(" ")[2]
    async with caller.world.client() as client:
        for header in (f"bearer {key}", f"BEARER {key}", f"Bearer  {key} "):
            assert (await client.get("/v1/phone/", headers={"Authorization": header})).status_code == 200


async def test_no_operation_reaches_another_tenant_s_phone_in_any_way(caller: Caller) -> None:
    async with calling(caller.world) as owner:
        phone = await owner.imported()
        _, version = await create_agent(caller.world, owner.tenant)
        await owner.send("PATCH", f"/v1/phone/{phone['id']}", json={"inbound_version_id": version.id})
        tried = 0
        for operation in await documented(caller.world):
            if not operation.ids:
                continue
            tried += 1
            unknown = unknown_id()
            before = await dump(caller.world)
            answers = []
            for id in (phone["id"], unknown):
                path = operation.path.format(**dict.fromkeys(operation.ids, id))
                answer = await caller.send(operation.method, path, json=operation.body())
                answers.append((answer.status_code, answer.text.replace(id, "<id>"), dict(answer.headers)))
            assert answers[0] == answers[1], operation.name
            assert answers[0][0] == 404
            assert await dump(caller.world) == before, operation.name
        assert tried == 4


async def test_no_body_and_no_query_reaches_another_tenant_s_agent(caller: Caller) -> None:
    async with calling(caller.world) as owner:
        agent, version = await create_agent(caller.world, owner.tenant)
        theirs = await owner.imported()
        await owner.send("PATCH", f"/v1/phone/{theirs['id']}", json={"inbound_version_id": version.id})
        mine = await caller.imported()
        before = await dump(caller.world)
        for field in ("inbound_version_id", "outbound_version_id"):
            answers = []
            for id in (version.id, agent.id, unknown_id()):
                answer = await caller.send("PATCH", f"/v1/phone/{mine['id']}", json={field: id})
                answers.append((answer.status_code, answer.text.replace(id, "<id>")))
            assert len(set(answers)) == 1, answers
            assert answers[0][0] == 404
        for parameter in ("inbound_agent_id", "outbound_agent_id"):
            answer = await caller.send("GET", f"/v1/phone/?{parameter}={agent.id}")
            assert answer.json()["data"] == []
        for parameter in ("after", "before"):
            answers = []
            for id in (theirs["id"], unknown_id()):
                answer = await caller.send("GET", f"/v1/phone/?{parameter}={id}")
                answers.append((answer.status_code, answer.text.replace(id, "<id>")))
            assert answers[0] == answers[1]
        assert [phone["id"] for phone in (await caller.send("GET", "/v1/phone/")).json()["data"]] == [mine["id"]]
        assert await dump(caller.world) == before


SECRETS = ("the-first-secret", "the-second-secret", "the-older-secret")


async def test_a_password_never_comes_back_in_an_answer_or_a_log_line(caller: Caller) -> None:
    texts: list[str] = []

    async def send(method: str, path: str, body: Any = None) -> Any:
        answer = await caller.http.request(method, path, json=body)
        texts.append(answer.text + str(answer.headers))
        return answer.json() if answer.content else None

    with capture_logs() as logs:
        first, second, older = SECRETS
        outbound = {"termination_uri": "c.example", "username": "user", "password": first}
        phone = await send("POST", "/v1/phone/import", import_body(outbound_config=outbound))
        path = f"/v1/phone/{phone['id']}"
        legacy = {"termination_uri": "c.example", "password": older}
        other = await send("POST", "/v1/phone/import", import_body(outbound_config=None, sip_config=legacy))
        await send("PATCH", path + "/sip-config", {"outbound_config": {"password": second}})
        await send("GET", path)
        await send("GET", "/v1/phone/")
        await send("PATCH", path, {"nickname": "x"})
        # and when it is refused, in each place where it can stand
        bad = {"termination_uri": "c example", "username": "user", "password": first}
        await send("POST", "/v1/phone/import", import_body(outbound_config=bad))
        await send("POST", "/v1/phone/import", import_body(outbound_config={**outbound, "password": first + "\n"}))
        await send("POST", "/v1/phone/import", import_body(outbound_config={**outbound, "password": [first]}))
        await send("POST", "/v1/phone/import", import_body(phone["number"], outbound_config=outbound))
        await send("POST", "/v1/phone/import", import_body(outbound_config=outbound, sip_config=legacy))
        await send("PATCH", path + "/sip-config", {"outbound_config": {"password": second, "termination_uri": 5}})
        await send("PATCH", f"/v1/phone/{unknown_id()}/sip-config", {"outbound_config": {"password": second}})
        await send("DELETE", f"/v1/phone/{other['id']}")
    assert len(texts) == 14
    for text in (*texts, json.dumps(logs, default=repr)):
        for secret in SECRETS:
            assert secret not in text
    assert all("password" not in phone["sip_config"] for phone in [phone, other])
    assert len(logs) >= len(texts), "no log line was looked at"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/phone/a/b/c", 404),
        ("PUT", "/v1/phone/", 405),
        ("POST", "/v1/phone/", 405),
        ("PUT", "/v1/phone/{id}", 405),
        ("POST", "/v1/phone/{id}/sip-config", 405),
        ("DELETE", "/v1/phone/import/x", 404),
        ("BREW", "/v1/phone/{id}", 405),
    ],
)
async def test_what_is_no_operation_is_refused_in_the_dialect_s_shape(
    caller: Caller, method: str, path: str, status: int
) -> None:
    answer = await caller.http.request(method, path.format(id=unknown_id()))
    assert answer.status_code == status
    shapes.Envelope.model_validate(answer.json())
    assert answer.json()["error_code"] == {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}[status]


async def test_what_is_not_allowed_names_all_that_is(caller: Caller) -> None:
    for path, allowed in (
        (f"/v1/phone/{unknown_id()}", {"GET", "HEAD", "PATCH", "DELETE"}),
        (f"/v1/phone/{unknown_id()}/sip-config", {"PATCH"}),
        ("/v1/phone/", {"GET", "HEAD"}),
    ):
        answer = await caller.http.request("PUT", path)
        assert set(answer.headers["allow"].split(", ")) == allowed, path
