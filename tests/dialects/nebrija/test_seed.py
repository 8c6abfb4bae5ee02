"""The page's own example runs as it stands, but for the host, the id and the token.

https://docs.nebrijaai.com/api-reference/sip-trunks/actualizar-sip-trunk
"""

import asyncio
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.builders import World, create_agent
from tests.dialects.nebrija import shapes
from tests.dialects.nebrija.caller import NUMBERS, TRUNKS, calling
from tests.live import served

pytestmark = pytest.mark.anyio

CURL = """curl -X PATCH https://nebrijaai.com/api/v1/sip-trunks/id \\
 -H "Authorization: Bearer <token>" \\
 -H "Content-Type: application/json" \\
 -d '{}'"""
#: What the page shows as its answer.
SHOWN = {
    "id": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
    "name": "Main Office SIP Trunk",
    "gateways": [{"ipOrDomain": "sip-gateway.example.com", "port": 5060, "name": "Primary Gateway"}],
    "authentication": {"username": "office_sip_user", "password": "********"},
    "advanced": {},
    "isSystem": True,
    "providerId": "provider-12345",
    "createdAt": "2024-01-15T09:30:00Z",
    "updatedAt": "2024-01-15T09:30:00Z",
}


@pytest.mark.proves("nebrija: PATCH /sip-trunks/:id", "nebrija: updatedAt on an empty PATCH")
async def test_the_page_s_curl_is_answered_as_the_page_shows(world: World) -> None:
    shapes.SipTrunk.model_validate(SHOWN)
    async with calling(world) as caller, served(world) as url:
        body = {name: SHOWN[name] for name in ("name", "gateways", "authentication", "advanced")}
        made = await caller.done("POST", TRUNKS, {**body, "authentication": {"username": "office_sip_user"}})
        key = caller.http.headers["authorization"].partition(" ")[2]
        command = CURL.replace("https://nebrijaai.com", url).replace("sip-trunks/id", f"sip-trunks/{made['id']}")
        done = await asyncio.to_thread(
            subprocess.run,
            ["bash", "-c", command.replace("<token>", key)],
            capture_output=True,
            check=True,
            timeout=30,
        )
        answer = json.loads(done.stdout)
        assert answer == made
        assert list(answer) == list(SHOWN)
        assert {name: answer[name] for name in ("name", "gateways", "advanced")} == {
            name: SHOWN[name] for name in ("name", "gateways", "advanced")
        }


@pytest.mark.proves("nebrija: password mask")
async def test_what_the_page_shows_may_be_sent_back(world: World) -> None:
    async with calling(world) as caller:
        body = {name: SHOWN[name] for name in ("name", "gateways", "advanced")}
        made = await caller.trunk(**body, authentication={"username": "office_sip_user", "password": "real"})
        assert await caller.patched(made["id"], {**SHOWN, "id": made["id"]}) == made
        assert await caller.password(made["id"]) == "real"


async def test_the_commands_of_our_own_page_work(world: World) -> None:
    page = Path(__file__).parents[3] / "docs" / "nebrija.md"
    blocks = re.findall(r"^```\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    (block,) = (block for block in blocks if "curl" in block and "/api/v1/" in block)
    async with calling(world) as caller, served(world) as url:
        agent, _ = await create_agent(world, caller.tenant)
        number, trunk = await caller.number(), (await caller.trunk())["id"]
        environment = {
            **os.environ,
            "KEY": caller.http.headers["authorization"].partition(" ")[2],
            "NUMBER": number,
            "PHONE": number,
            "TRUNK": trunk,
            "AGENT": agent.id,
        }
        done = await asyncio.to_thread(
            subprocess.run,
            ["bash", "-ec", block.replace("http://127.0.0.1:8080", url)],
            capture_output=True,
            check=True,
            env=environment,
            timeout=30,
        )
        assert done.stdout.count(b'"createdAt"') == block.count("curl")
        assert (await caller.done("GET", f"{NUMBERS}/{number}"))["sipTrunkId"] == trunk
        assert len([each for each in await caller.done("GET", TRUNKS) if each["name"] == "Main office"]) == 1
