"""What operators' machines ask for, and what is logged of a request."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.builders import World, create_key, create_tenant

pytestmark = pytest.mark.anyio


async def test_a_server_says_that_it_lives_is_ready_and_what_it_did(sqlite_world: World) -> None:
    async with sqlite_world.client(await create_key(sqlite_world, await create_tenant(sqlite_world))) as client:
        assert (await client.get("/livez")).json() == {"status": "alive"}
        assert (await client.get("/readyz")).json() == {"status": "ready"}
        assert (await client.get("/v1/phone/")).status_code == 200
        assert (await client.request("BREW", "/v1/phone/")).status_code == 405
        assert (await client.get("/nothing")).status_code == 404
        metrics = (await client.get("/metrics")).text
    assert 'cordboard_http_requests_total{dialect="diga",method="GET",status="200"} 1.0' in metrics
    assert 'cordboard_http_requests_total{dialect="diga",method="other",status="405"} 1.0' in metrics
    assert 'cordboard_http_requests_total{dialect="console",method="GET",status="404"} 1.0' in metrics


async def test_the_index_of_the_documentation_is_served_to_anybody(sqlite_world: World) -> None:
    async with sqlite_world.client() as client:
        answer = await client.get("/llms.txt")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert answer.text == (Path(__file__).parents[2] / "llms.txt").read_text()
    assert "/llms.txt" in answer.text


async def test_a_log_line_has_neither_the_query_nor_a_header_nor_the_body(sqlite_world: World) -> None:
    key = await create_key(sqlite_world, await create_tenant(sqlite_world))
    async with sqlite_world.client(key) as client:
        with capture_logs() as logs:
            await client.post("/v1/phone/import?secret=hunter2", json={"phone_number": "hunter2"})
    (line,) = logs
    assert {name: line[name] for name in ("event", "method", "path", "status")} == {
        "event": "request",
        "method": "POST",
        "path": "/v1/phone/import",
        "status": 422,
    }
    assert "hunter2" not in str(line)
    assert key not in str(line)


@pytest.mark.parametrize("path", ["/v1/openapi.json", "/api/v1/openapi.json", "/cordboard/v1/openapi.json"])
async def test_each_dialect_serves_its_document_to_anybody(sqlite_world: World, path: str) -> None:
    async with sqlite_world.client() as client:
        answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.json()["openapi"] == "3.1.0"
    operations = [operation for methods in answer.json()["paths"].values() for operation in methods.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert all(operation["security"] for operation in operations)
