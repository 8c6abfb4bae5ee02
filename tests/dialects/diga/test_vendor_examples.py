"""The vendor's own Python examples run as they stand, but for the base URL, the token and the values.

https://docs.diga.io/api-reference/phones/update-sip-config
https://docs.diga.io/api-reference/phones/update-phone
https://docs.diga.io/api-reference/phones/import-phone-number
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.builders import World, create_agent, fresh_number
from tests.dialects.diga import shapes
from tests.dialects.diga.caller import Caller, calling
from tests.live import served

pytestmark = pytest.mark.anyio

UPDATE_SIP_CONFIG = """
import requests

url = "https://api.diga.io/v1/phone/{phone_id}/sip-config"

payload = {
    "inbound_config": { "allowed_addresses": ["<string>"] },
    "outbound_config": {
        "termination_uri": "<string>",
        "username": "<string>",
        "password": "<string>"
    }
}
headers = {
    "Authorization": "Bearer <token>",
    "Content-Type": "application/json"
}

response = requests.patch(url, json=payload, headers=headers)

print(response.text)
"""

UPDATE_PHONE = """
import requests

url = "https://api.diga.io/v1/phone/{phone_id}"

payload = {
    "nickname": "<string>",
    "inbound_version_id": "3c90c3cc-0d44-4b50-8888-8dd25736052a",
    "outbound_version_id": "3c90c3cc-0d44-4b50-8888-8dd25736052a"
}
headers = {
    "Authorization": "Bearer <token>",
    "Content-Type": "application/json"
}

response = requests.patch(url, json=payload, headers=headers)

print(response.text)
"""

#: In the shape of January 2026.
IMPORT_PHONE_NUMBER = """
import requests
url = "https://api.diga.io/v1/phone/import"
payload = {
"phone_number": "<string>",
"nickname": "<string>",
"sip_config": {
"termination_uri": "<string>",
"username": "<string>",
"password": "<string>"
}
}
headers = {
"Authorization": "Bearer <token>",
"Content-Type": "application/json"
}
response = requests.post(url, json=payload, headers=headers)
print(response.text)
"""

PLACEHOLDERS = ("<string>", "3c90c3cc-0d44-4b50-8888-8dd25736052a")


def filled_in(program: str, base_url: str, token: str, values: list[str], phone_id: str = "") -> str:
    """The program with its placeholders filled in, in the order in which they stand."""
    program = program.replace("https://api.diga.io", base_url).replace("<token>", token)
    program = program.replace("{phone_id}", phone_id)
    for value in values:
        place = min(at for at in (program.find(placeholder) for placeholder in PLACEHOLDERS) if at >= 0)
        placeholder = next(p for p in PLACEHOLDERS if program.startswith(p, place))
        program = program[:place] + value + program[place + len(placeholder) :]
    assert not any(placeholder in program for placeholder in PLACEHOLDERS)
    return program


async def run(program: str) -> Any:
    """What the program printed, which is JSON."""
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.fixture
async def caller(shared_world: World) -> AsyncIterator[Caller]:
    async with calling(shared_world) as made:
        yield made


@pytest.fixture
async def base_url(shared_world: World) -> AsyncIterator[str]:
    async with served(shared_world) as url:
        yield url


def token(caller: Caller) -> str:
    return str(caller.http.headers["authorization"]).partition(" ")[2]


async def test_the_example_of_import_imports(caller: Caller, base_url: str) -> None:
    number = fresh_number()
    values = [number, "Reception", "sip.carrier.example:5060", "user", "carrier-secret"]
    phone = await run(filled_in(IMPORT_PHONE_NUMBER, base_url, token(caller), values))
    shapes.Phone.model_validate(phone)
    assert (phone["number"], phone["nickname"], phone["status"]) == (number, "Reception", "assigned")
    assert phone["sip_config"]["termination_uri"] == "sip.carrier.example:5060"
    assert await caller.phone(phone["id"]) == phone


async def test_the_example_of_update_phone_assigns_versions(caller: Caller, base_url: str) -> None:
    phone = await caller.imported()
    hears, heard = await create_agent(caller.world, caller.tenant)
    speaks, spoken = await create_agent(caller.world, caller.tenant)
    values = ["Night desk", heard.id, spoken.id]
    updated = await run(filled_in(UPDATE_PHONE, base_url, token(caller), values, phone["id"]))
    assert updated == {
        **phone,
        "nickname": "Night desk",
        "inbound_agent_id": hears.id,
        "outbound_agent_id": speaks.id,
    }
    assert await caller.phone(phone["id"]) == updated


async def test_the_example_of_update_sip_config_changes_the_trunk(caller: Caller, base_url: str) -> None:
    phone = await caller.imported(outbound_config=None)
    values = ["192.0.2.0/24", "sip.carrier.example", "user", "carrier-secret"]
    updated = await run(filled_in(UPDATE_SIP_CONFIG, base_url, token(caller), values, phone["id"]))
    assert updated["sip_config"] == {
        "termination_uri": "sip.carrier.example",
        "username": "user",
        "inbound_media_encryption": "allow",
        "outbound_media_encryption": "allow",
        "allowed_addresses": ["192.0.2.0/24"],
    }
    assert await caller.phone(phone["id"]) == updated


async def test_the_examples_as_printed_with_placeholders_are_refused_and_say_why(caller: Caller, base_url: str) -> None:
    program = IMPORT_PHONE_NUMBER.replace("https://api.diga.io", base_url).replace("<token>", token(caller))
    refused = await run(program)
    assert [field["loc"] for field in refused["detail"]] == [
        ["body", "phone_number"],
        ["body", "sip_config", "termination_uri"],
    ]
    assert (await run(IMPORT_PHONE_NUMBER.replace("https://api.diga.io", base_url)))["error_code"] == "INVALID_API_KEY"
