"""An independent JSON:API client uses the API: `jsonapi-client` from PyPI, pinned in requirements-dev.lock.

It knows JSON:API 1.0 and nothing of us: it follows the links that it is given, and sends what changed.
"""

import asyncio
import base64
from collections.abc import AsyncIterator

import pytest
from jsonapi_client import Inclusion, Modifier, Session
from jsonapi_client.exceptions import DocumentError

from tests.builders import World
from tests.dialects.telecom_center.caller import BASE, PASSWORD, TYPE, Caller, calling
from tests.live import served

pytestmark = pytest.mark.anyio

#: What the client must know to make an object.
SCHEMA = {
    "customers": {
        "properties": {
            "name": {"type": "string"},
            "language": {"type": "string", "default": "EN"},
            "trm_mode": {"type": "string", "default": "operator"},
            "capacity_limit": {"type": ["integer", "null"]},
            "sip_account_limit": {"type": ["integer", "null"]},
        }
    }
}


@pytest.fixture
async def caller(shared_world: World) -> AsyncIterator[Caller]:
    async with calling(shared_world) as made:
        yield made


@pytest.fixture
async def session(caller: Caller) -> AsyncIterator[Session]:
    login = base64.b64encode(f"{caller.operator.name}:{PASSWORD}".encode()).decode()
    async with served(caller.world) as url:
        made = Session(
            url + BASE,
            enable_async=True,
            schema=SCHEMA,
            request_kwargs={"headers": {"Content-Type": TYPE, "Authorization": f"Basic {login}"}},
        )
        yield made
        await made.close()
        await asyncio.sleep(0)  # aiohttp's sockets close on the next turn


@pytest.mark.proves("GET /sip_device_routes", "links of a list", "an independent client")
async def test_it_walks_through_all_pages(caller: Caller, session: Session) -> None:
    customer = await caller.customer("1")
    made = {(await caller.account(customer)).username for _ in range(7)}
    asked = Modifier("sort=-username&page[size]=3&filter[customer.id]=1")
    found = [route["username"] async for route in session.iterate("sip_device_routes", asked)]
    assert found == sorted(made, reverse=True)
    first = await session.get("sip_device_routes", asked)
    assert (first.meta["record_count"], len(first.resources)) == (7, 3)


@pytest.mark.proves("PATCH /sip_device_routes/{id}", "GET /sip_device_routes/{id}", "an independent client")
async def test_it_changes_an_account_and_sees_what_became_of_it(caller: Caller, session: Session) -> None:
    account = await caller.account(await caller.customer("1"))
    route = (await session.get("sip_device_routes", account.id)).resource
    assert (route.type, route.id, route["allowed_ips"]) == ("sip_device_routes", account.id, None)
    route.attributes["use_allowed_ips"] = "true"
    route.attributes["allowed_ips"] = "127.0.0.1, 2001:db8::/48"
    await route.commit()
    assert (route["use_allowed_ips"], route["allowed_ips"]) == (True, "127.0.0.1/32,2001:db8::/48")


@pytest.mark.proves("parameter include", "document with included objects", "an independent client")
async def test_it_finds_the_customer_that_was_included(caller: Caller, session: Session) -> None:
    account = await caller.account(await caller.customer("123", name="Helo"))
    document = await session.get("sip_device_routes", Inclusion("customer"))
    (route,) = document.resources
    await route.customer.fetch()
    assert (route.id, route.customer.resource.id, route.customer.resource["name"]) == (account.id, "123", "Helo")
    # which its own link leads to
    again = await session.fetch_document_by_url_async(route.customer.resource.links.self.url)
    assert again.resource["language"] == "EN"


@pytest.mark.proves("POST /customers", "PATCH /customers/{id}", "DELETE /customers/{id}", "an independent client")
async def test_it_makes_changes_and_deletes_a_customer(caller: Caller, session: Session) -> None:
    customer = session.create("customers", {"name": "Made by it"})
    await customer.commit()
    assert (customer.id, customer["language"]) == ("1", "EN")
    customer.attributes["capacity_limit"] = 30
    await customer.commit()
    assert (await caller.found(f"{BASE}/customers/1"))["data"]["attributes"]["capacity_limit"] == 30
    customer.delete()
    await customer.commit()
    assert (await caller.found(f"{BASE}/customers"))["data"] == []


@pytest.mark.proves("error 404", "error 100", "an independent client")
async def test_it_is_told_what_is_wrong(caller: Caller, session: Session) -> None:
    account = await caller.account(await caller.customer("1"))
    with pytest.raises(DocumentError, match="Record not found") as missing:
        await session.get("sip_device_routes", "00000000-0000-4000-8000-000000000000")
    assert missing.value.errors == {"status_code": 404}
    route = (await session.get("sip_device_routes", account.id)).resource
    route.attributes["allowed_ips"] = "nowhere"
    with pytest.raises(DocumentError, match="neither an IP address"):
        await route.commit()
