"""The vendor's own examples, as HTTP and as curl, get the vendor's own answers.

https://doc.telecom.center/reference/sip-accounts.html
"""

import argparse
import asyncio
import json
import shlex
import shutil
import subprocess
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.builders import World
from tests.dialects.telecom_center import shapes
from tests.dialects.telecom_center.caller import ACCOUNTS, Caller, calling
from tests.live import served

pytestmark = pytest.mark.anyio

FETCH = """\
GET /api/rest/public/operator/sip_device_routes HTTP/1.1
Host: api.telecom.center
Content-Type: application/vnd.api+json
Authorization: Basic dXNlcm5hbWU6cGFzc3dvcmQ=
"""
FETCH_BY_CURL = (
    "curl -i https://api.telecom.center/api/rest/public/operator/sip_device_routes "
    "-H 'Content-Type: application/vnd.api+json' --user username:password"
)
FETCHED = """\
{
"data": [
{
"id": "c1c798dc-ee42-462e-8fca-0fa96d6fe3c0",
"type": "sip_device_routes",
"links": {
"self": "https://api.telecom.center/api/rest/public/operator/sip_device_routes/c1c798dc-ee42-462e-8fca-0fa96d6fe3c0"
},
"attributes": {
"username": "z4wnypvker",
"password": "08hxobdp5z",
"incoming_internal": false,
"incoming_external": false,
"outgoing_internal": false,
"outgoing_external": false,
"on_demand": false,
"caller_id_name": "Helo bye",
"internal_caller_id": null,
"external_caller_id": null,
"allow_external_calls": false,
"is_online": false,
"user_agent": null,
"use_allowed_ips": true,
"allowed_ips": "127.0.0.1/32"
}
}
],
"meta": {
"record_count": 1
},
"links": {
"first": "https://api.telecom.center/api/rest/public/operator/sip_device_routes?page%5Bnumber%5D=1&page%5Bsize%5D=50",
"last": "https://api.telecom.center/api/rest/public/operator/sip_device_routes?page%5Bnumber%5D=1&page%5Bsize%5D=50"
}
}
"""
UPDATE = """\
PATCH /api/rest/public/operator/sip_device_routes/c1c798dc-ee42-462e-8fca-0fa96d6fe3c0 HTTP/1.1
Host: api.telecom.center
Content-Type: application/vnd.api+json
Authorization: Basic dXNlcm5hbWU6cGFzc3dvcmQ=

{
"data": {
"id": "c1c798dc-ee42-462e-8fca-0fa96d6fe3c0",
"type": "sip_device_routes",
"attributes": {
"use_allowed_ips": "true",
"allowed_ips": "127.0.0.1"
}
}
}
"""
UPDATE_BY_CURL = (
    "curl -i -X PATCH https://api.telecom.center/api/rest/public/operator/sip_device_routes/"
    "c1c798dc-ee42-462e-8fca-0fa96d6fe3c0 -H 'Content-Type: application/vnd.api+json' --data-raw '"
    '{"data": {"attributes": {"allowed_ips": "127.0.0.1", "use_allowed_ips": "true"}, '
    '"id": "c1c798dc-ee42-462e-8fca-0fa96d6fe3c0", "type": "sip_device_routes"}}'
    "' --user username:password"
)
UPDATED = """\
{
"data": {
"id": "c1c798dc-ee42-462e-8fca-0fa96d6fe3c0",
"type": "sip_device_routes",
"links": {
"self": "https://api.telecom.center/api/rest/public/operator/sip_device_routes/c1c798dc-ee42-462e-8fca-0fa96d6fe3c0"
},
"attributes": {
"username": "z4wnypvker",
"password": "08hxobdp5z",
"incoming_internal": false,
"incoming_external": false,
"outgoing_internal": false,
"outgoing_external": false,
"on_demand": false,
"caller_id_name": "Helo bye",
"internal_caller_id": null,
"external_caller_id": null,
"allow_external_calls": false,
"is_online": false,
"user_agent": null,
"use_allowed_ips": true,
"allowed_ips": "127.0.0.1/32"
}
}
}
"""


def written(text: str) -> str:
    """JSON text without white space, keys in the order in which they stand."""
    return json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False)


def by_http(example: str) -> dict[str, Any]:
    """The request that the example writes down."""
    head, _, body = example.partition("\n\n")
    first, *lines = head.strip().split("\n")
    method, path, _ = first.split(" ")
    headers = dict(line.split(": ", 1) for line in lines)
    return {"method": method, "url": f"https://{headers['Host']}{path}", "headers": headers, "content": body}


def by_curl(example: str) -> dict[str, Any]:
    """The request that curl makes of its arguments."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-i", action="store_true")
    parser.add_argument("-X", default="GET")
    parser.add_argument("-H", action="append", default=[])
    parser.add_argument("--data-raw", default="")
    parser.add_argument("--user")
    parser.add_argument("url")
    asked = parser.parse_args(shlex.split(example)[1:])
    name, _, password = asked.user.partition(":")
    return {
        "method": asked.X,
        "url": asked.url,
        "headers": dict(line.split(": ", 1) for line in asked.H),
        "content": asked.data_raw,
        "auth": (name, password),
    }


@pytest.fixture
async def vendor(world: World) -> AsyncIterator[Caller]:
    """The operator and the account of the documentation; the account may register from anywhere."""
    async with calling(world, "username") as caller:
        await caller.account(
            await caller.customer("123"),
            "z4wnypvker",
            id="c1c798dc-ee42-462e-8fca-0fa96d6fe3c0",
            password="08hxobdp5z",
            caller_name="Helo bye",
        )
        yield caller


async def ask(world: World, request: dict[str, Any]) -> httpx2.Response:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=world.app())) as client:
        return await client.request(**request)


@pytest.mark.proves("PATCH /sip_device_routes/{id}", "GET /sip_device_routes", "use_allowed_ips", "allowed_ips")
@pytest.mark.parametrize(
    "requests", [(by_http(UPDATE), by_http(FETCH)), (by_curl(UPDATE_BY_CURL), by_curl(FETCH_BY_CURL))]
)
async def test_the_examples_are_answered_as_the_documentation_shows(
    vendor: Caller, requests: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    for request, shown in zip(requests, (UPDATED, FETCHED), strict=True):
        answer = await ask(vendor.world, request)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/vnd.api+json"
        assert answer.text == written(shown)
        shapes.check(ACCOUNTS + ("" if shown == FETCHED else "/id"), answer)


@pytest.mark.proves("GET /sip_device_routes/{id}")
async def test_one_account_is_fetched_as_it_was_updated(vendor: Caller) -> None:
    await ask(vendor.world, by_http(UPDATE))
    request = by_http(FETCH)
    request["url"] += "/c1c798dc-ee42-462e-8fca-0fa96d6fe3c0"
    assert (await ask(vendor.world, request)).text == written(UPDATED)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_curl_itself_gets_these_answers(vendor: Caller) -> None:
    async with served(vendor.world) as url:
        for example, shown in ((UPDATE_BY_CURL, UPDATED), (FETCH_BY_CURL, FETCHED)):
            command = shlex.split(example.replace("https://api.telecom.center", url))
            done = await asyncio.to_thread(
                subprocess.run, command, capture_output=True, text=True, check=True, timeout=60
            )
            head, _, body = done.stdout.partition("\n\n")
            assert head.splitlines()[0] == "HTTP/1.1 200 OK"
            assert "content-type: application/vnd.api+json" in head.lower().splitlines()
            assert body == written(shown).replace("https://api.telecom.center", url)
