"""Explanations by the native API, on each store and without an edge: what is said, and to whom."""

from functools import partial
from typing import Any

import pytest

from cordboard.domain.tenants import ADMIN, TenantId
from cordboard.usecases.agents import Credentials, publish
from tests.builders import (
    World,
    add_platform_number,
    create_account,
    create_agent,
    create_key,
    create_tenant,
    fresh_number,
    import_body,
    import_number,
    route,
    unknown_id,
)
from tests.dialects.native.admin import BASE, Admin, pointers

pytestmark = pytest.mark.anyio

SOURCE = "192.0.2.1"


async def explain(admin: Admin, to: str, **rest: Any) -> Any:
    return await admin.done("POST", "/explain", {"to": to, "source": SOURCE, **rest}, status=200)


async def answered(world: World, tenant: TenantId) -> str:
    """A number that an agent takes calls to."""
    number, (_, version) = await import_number(world, tenant), await create_agent(world, tenant)
    return (await route(world, tenant, number, inbound_version=version.id)).number


def outcome(told: Any) -> dict[str, str]:
    return {step["rule"]: step["outcome"] for step in told["steps"]}


async def test_a_call_that_is_taken_has_passed_every_step(admin: Admin, tenant: TenantId) -> None:
    told = await explain(admin, await answered(admin.world, tenant), **{"from": "+34600111222"})
    assert (told["accepted"], told["code"], told["reason"], told["failed"]) == (True, 200, "accepted", None)
    assert set(outcome(told).values()) == {"passed"}
    assert told["tenant_id"] == tenant
    assert "No edge runs here" in told["notes"][0]


async def test_the_first_rule_that_fails_is_named_and_what_is_behind_it_is_not_reached(
    admin: Admin, tenant: TenantId
) -> None:
    number = await import_number(admin.world, tenant)
    told = await explain(admin, (await route(admin.world, tenant, number)).number)
    assert (told["reason"], told["failed"]) == ("no-agent", "agent")
    assert outcome(told)["agent-address"] == "not-reached"
    assert told["remedies"][0]["commands"][0].startswith("cordboard agent create --tenant")


async def test_a_number_near_the_one_called_is_named_to_its_own_tenant_alone(admin: Admin, tenant: TenantId) -> None:
    number = await answered(admin.world, tenant)
    wrong = number[:-2] + number[-1] + number[-2] if number[-1] != number[-2] else number + "0"
    national = number.removeprefix("+34")
    for called in (wrong, national):
        own = await explain(admin, called, tenant_id=tenant)
        assert own["reason"] == "unknown-number"
        assert any(number in near for near in own["nearest"])
    told = await explain(admin, national)
    assert f"called {national}, stored {number}: the country code 34 is missing." in told["nearest"]
    command = f"cordboard trunk update {number} --number-format national --country-code 34"
    assert command in [command for remedy in told["remedies"] for command in remedy["commands"]]


async def test_what_is_anothers_is_answered_as_what_is_nobodys(admin: Admin, tenant: TenantId) -> None:
    world = admin.world
    theirs = await create_tenant(world, f"Tenant {unknown_id()}")
    number, account = await answered(world, theirs), await create_account(world, theirs)
    nothing = fresh_number()
    # an own number, whose agent calls by a username, as another's does
    own, (_, mine) = (
        # like neither of the two, so that it is the nearest miss of neither
        await import_number(world, tenant, f"+34955{nothing[-6:]}"),
        await create_agent(world, tenant, from_credentials=Credentials(username=f"a-{unknown_id()}", password="x")),
    )
    caller = (await route(world, tenant, own, outbound_version=mine.id)).number
    login = f"b-{unknown_id()}"
    await create_agent(world, theirs, from_credentials=Credentials(username=login, password="x"))
    async with world.client(await create_key(world, tenant)) as http:
        for field, one, other in (
            ("to", number, nothing),
            ("from", number, nothing),
            ("to_header", number, nothing),
            ("p_called_party_id", number, nothing),
            ("from", account.username, "z" + account.username[1:]),
            ("to", number.removeprefix("+34"), nothing.removeprefix("+34")),
            ("to", number[1:] + "@x.example", nothing[1:] + "@x.example"),
            ("login", login, f"c-{unknown_id()}"),
        ):
            texts = []
            for value in (one, other):
                body = {"from": caller, "to": "+15125550100", "source": SOURCE, field: value}
                answer = await http.post(f"{BASE}/explain", json=body)
                assert answer.status_code == 200, answer.text
                digits = value.partition("@")[0].removeprefix("+")
                texts.append(answer.text.replace(value, "IT").replace(digits, "IT"))
            assert texts[0] == texts[1], field
            assert theirs not in texts[0]


async def test_a_reserved_number_says_so_and_how_it_is_assigned(admin: Admin, tenant: TenantId) -> None:
    number = (await add_platform_number(admin.world, None)).number
    told = await explain(admin, number, tenant_id=tenant)
    assert not any("reserved" in near for near in told["nearest"]), "nobody's is not the tenant's to know of"
    told = await explain(admin, number)
    assert "reserved" in told["nearest"][0]
    assert told["remedies"][0]["commands"] == [f"cordboard number assign {number} --tenant TENANT"]


async def test_an_agent_without_a_published_version_says_which_to_publish(admin: Admin, tenant: TenantId) -> None:
    world = admin.world
    number, (agent, version) = await import_number(world, tenant), await create_agent(world, tenant)
    called = (await route(world, tenant, number, inbound_version=version.id)).number
    unpublish = partial(publish, who=ADMIN, now=world.clock(), tenant=tenant, agent=agent.id, version=None)
    await world.store.write(tenant, unpublish)
    told = await explain(admin, called)
    assert told["failed"] == "agent"
    command = f"cordboard agent version publish --agent {agent.id} --version {version.id}"
    assert told["remedies"][0]["commands"] == [command]


async def test_an_address_off_the_list_is_told_with_the_list_as_it_would_have_to_be(
    admin: Admin, tenant: TenantId
) -> None:
    async with admin.world.client(await create_key(admin.world, tenant)) as http:
        body = import_body() | {"inbound_config": {"allowed_addresses": ["192.0.2.8/29"]}}
        number = (await http.post("/v1/phone/import", json=body)).json()["number"]
    told = await explain(admin, number)
    assert told["failed"] == "source-address"
    assert "192.0.2.1 is not in 192.0.2.8/29" in told["nearest"][0]
    (request,) = told["remedies"][0]["requests"]
    await admin.done(request["method"], request["path"].removeprefix(BASE), request["body"], status=200)
    assert (await explain(admin, number))["failed"] != "source-address"


async def test_a_trunk_of_the_installations_keeps_its_list_from_its_tenants(admin: Admin, tenant: TenantId) -> None:
    made = await admin.done("POST", "/trunks", {"name": "x", "system": True, "allowed_addresses": ["198.51.100.0/24"]})
    number = await answered(admin.world, tenant)
    async with admin.world.client(await create_key(admin.world, tenant)) as http:
        (phone,) = (await http.get("/api/v1/phone-numbers")).json()
        answer = await http.patch(f"/api/v1/phone-numbers/{phone['id']}", json={"sipTrunkId": made["id"]})
        assert answer.status_code == 200, answer.text
        told = (await http.post(f"{BASE}/explain", json={"to": number, "source": SOURCE})).json()
    assert told["failed"] == "source-address"
    assert "198.51.100" not in str(told)
    assert "198.51.100.0/24" in str(await explain(admin, number))


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"source": SOURCE}, "/to"),
        ({"to": "x"}, "/source"),
        ({"to": "x", "source": "nowhere"}, "/source"),
        ({"to": "x", "source": "fe80::1%eth0"}, "/source"),
        ({"to": "x", "source": True}, "/source"),
        ({"to": "x", "source": SOURCE, "offer": "dtls"}, "/offer"),
        ({"to": "a\0b", "source": SOURCE}, "/to"),
        ({"to": "x" * 257, "source": SOURCE}, "/to"),
        ({"to": "x", "source": SOURCE, "colour": "red"}, "/colour"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused_with_its_place(admin: Admin, body: Any, pointer: str) -> None:
    problem = await admin.refused("POST", "/explain", body, status=422, code="invalid")
    assert pointers(problem) == [pointer]
