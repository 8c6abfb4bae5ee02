"""Each API against their own OpenAPI documents: no 5xx, no answer that is not documented, no other shape.

Requests are generated from the documents, valid ones and broken ones, with real ids put in for some of the made-up
ones; they go to a real server, on each store.
"""

import asyncio
import base64
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import (
    CheckFunction,
    content_type_conformance,
    negative_data_rejection,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.specs.openapi.checks import ignored_auth

from cordboard.dialects.telecom_center.routes import PREFIX
from cordboard.domain.numbers import NumberId, Status
from cordboard.domain.tenants import TenantId
from cordboard.usecases import attempts
from tests import builders
from tests.builders import ADMIN_TOKEN, World, add_platform_number, add_version, create_agent, create_key, create_tenant
from tests.dialects.telecom_center.caller import cheap_hash
from tests.live import served
from tests.stores import shared_database

__all__ = ["shared_database"]

pytestmark = pytest.mark.slow

EXAMPLES = 40
CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    ignored_auth,
]
DIGA = "import_phone_number list_phones get_phone update_phone update_sip_config release_phone_number".split()
NATIVE = (
    "create_tenant list_tenants get_tenant "
    "update_tenant delete_tenant create_operator list_operators renew_operator_password "
    "delete_operator create_account list_accounts get_account update_account delete_account "
    "create_key list_keys revoke_key create_agent list_agents create_version "
    "list_versions publish_version add_number assign_number list_numbers list_trunks get_trunk update_trunk "
    "create_trunk delete_trunk lint_allow_list "
    "create_verification_schedule list_verification_schedules get_verification_schedule "
    "delete_verification_schedule "
    "explain explain_call list_calls get_call get_recording list_refusals list_events get_event "
    "list_edges list_registrations "
    "create_verification list_verifications get_verification plan_livekit apply_livekit "
    "create_webhook list_webhooks get_webhook update_webhook delete_webhook "
    "rotate_webhook_secret test_webhook list_webhook_deliveries replay_webhook "
    "begin_import list_imports get_import import_rows import_report delete_import "
    "import_number get_number update_number release_number get_agent update_agent delete_agent get_version "
    "get_key list_audit get_figures get_trunk_strip search "
    "list_catalogue get_catalogue_entry get_me".split()
)
TELECOM_CENTER = (
    "list_sip_device_routes get_sip_device_route update_sip_device_route list_customers create_customer get_customer "
    "update_customer delete_customer".split()
)
NEBRIJA = (
    "list_sip_trunks create_sip_trunk get_sip_trunk update_sip_trunk delete_sip_trunk list_phone_numbers "
    "get_phone_number update_phone_number".split()
)
# this server runs without an edge: these answer 503 here, and are used on a whole installation in tests/serve
EDGE = "get_trunk_health get_trunk_registrations list_bans ban unban end_call".split()


@dataclass
class Live:
    """A served installation, with the ids of real objects by the names that parameters and fields have."""

    url: str
    #: What each dialect's Authorization header says.
    shown: dict[str, str]
    real: dict[str, list[str]]


async def furnish(world: World) -> tuple[str, dict[str, list[str]]]:
    """A tenant with some of everything: its key, and real values."""
    tenant = await create_tenant(world, "Acme", "ref-1")
    twin = await create_tenant(world, "Acme")
    key = await create_key(world, tenant)
    agent, version = await create_agent(world, tenant)
    newer = await add_version(world, agent)
    draft = await add_version(world, agent, draft=True)
    phones = [await builders.import_number(world, tenant) for _ in range(4)]
    await builders.route(world, tenant, phones[0], inbound_version=version.id)
    bought = [await add_platform_number(world, tenant=tenant, status=s) for s in (Status.ASSIGNED, Status.RESERVED)]
    phones += [NumberId(row.id) for row in bought]
    free = await add_platform_number(world)
    tenants: list[TenantId] = [tenant, twin]
    versions = [str(version.id), str(newer.id), str(draft.id), str(agent.id)]
    numbers = [free.number, "user@domain.com", *(builders.fresh_number() for _ in range(30))]
    rows = await builders.dump(world)
    keys, trunks = ([row["id"] for row in rows[table]] for table in ("api_key", "trunk"))
    return key, {
        "phone_id": [*phones],
        "id": [*phones],
        "trunk_id": trunks,
        "own_trunk_id": [*(await own_trunks(world, key)), *trunks],
        "sipTrunkId": trunks,
        "assistantId": [agent.id],
        "ipOrDomain": ["sip.carrier.example", "192.0.2.1", "2001:db8::1"],
        "after": [*phones, *tenants, *trunks],
        "before": [*phones],
        "inbound_version_id": versions,
        "outbound_version_id": versions,
        "version_id": versions,
        "inbound_agent_id": [agent.id],
        "outbound_agent_id": [agent.id],
        "tenant_id": [*tenants],
        "agent_id": [agent.id],
        # not the key that the other requests show
        "key_id": [id for id in keys if id != keys[0]] or [builders.unknown_id()],
        "phone_number": numbers,
        "number": numbers,
        "entry_id": ["twilio", "openai"],
        "ref": ["Acme", "ref-1", tenant],
        "termination_uri": ["sip.carrier.example:5060", "192.0.2.1", "[2001:db8::1]"],
        "host": ["sip.carrier.example", "192.0.2.1", "2001:db8::1"],
        "username": ["agent-a", "agent-b", "not one"],
        "sip_uri": ["sip:{number}@agent.example", "sip:agent@127.0.2.1;transport=tcp"],
    }


async def own_trunks(world: World, key: str) -> list[str]:
    """Some that may be changed and deleted, with all kinds of options."""
    body = {
        "name": "x",
        "gateways": [{"ipOrDomain": "192.0.2.1"}],
        "authentication": {"username": "u", "password": "p"},
    }
    made = []
    async with world.client(key) as client:
        for advanced in ({}, {"registration": True, "mediaEncryption": "require"}, {"transport": "tls"}) * 4:
            answer = await client.post("/api/v1/sip-trunks", json={**body, "advanced": advanced})
            made.append(answer.json()["id"])
    return made


async def furnish_operator(world: World) -> tuple[str, dict[str, list[str]]]:
    """An operator with two customers and five accounts: how it logs in, and real values."""
    operator = await builders.create_operator(world, "operator", cheap_hash("password"))
    customers = [await builders.create_customer(world, operator.id, reference) for reference in ("1", "123")]
    accounts = [
        await builders.create_account(world, customers[n % 2].id, caller_name="Desk", extension=100 + n)
        for n in range(5)
    ]
    login = base64.b64encode(b"operator:password").decode()
    return f"Basic {login}", {
        "route_id": [account.id for account in accounts],
        "customer_id": [str(customer.reference) for customer in customers],
        "allowed_ips": ["127.0.0.1", "192.0.2.0/24, 2001:db8::/48", ""],
        "filter[id]": [accounts[0].id, "1,123"],
        "filter[customer.id]": ["1", "1,123"],
        "filter[username]": [accounts[0].username],
        "filter[caller_id_name]": ["Desk"],
        "filter[internal_caller_id]": ["101,102"],
        **await furnish_spares(world),
    }


async def furnish_spares(world: World) -> dict[str, list[str]]:
    """What no other operation needs, so that it may be deleted."""
    operator = await builders.create_operator(world, "spare")
    customer = await builders.create_customer(world, operator.id, "9")
    accounts = [await builders.create_account(world, customer.id) for _ in range(5)]
    return {
        "operator_id": [operator.id, builders.unknown_id()],
        "account_id": [account.id for account in accounts],
        "spare_tenant_id": [await create_tenant(world, "Spare") for _ in range(3)],
    }


@pytest.fixture(scope="module")
def live(shared_database: str, migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server in a thread of its own, since the generated requests block theirs."""
    folder = tmp_path_factory.mktemp("live")
    shutil.copy(migrated_file, folder)
    up, down = threading.Event(), asyncio.Event()
    found: list[Live] = []
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        async with builders.world(shared_database, folder) as world:
            key, real = await furnish(world)
            basic, telecom_center = await furnish_operator(world)
            bearer = f"Bearer {key}"
            shown = {"diga": bearer, "nebrija": bearer, "native": f"Bearer {ADMIN_TOKEN}", "telecom.center": basic}
            real |= telecom_center
            async with served(world) as url:
                found.append(Live(url=url, shown=shown, real=real))
                up.set()
                await down.wait()

    with pytest.MonkeyPatch.context() as patch:
        # a wrong login is to be told as one, however many there were
        patch.setattr(attempts, "MOST", 1 << 30)
        thread = threading.Thread(target=asyncio.run, args=(serve(),))
        thread.start()
        try:
            assert up.wait(60), "the server did not come up"
            yield found[0]
        finally:
            loops[0].call_soon_threadsafe(down.set)
            thread.join(60)


def with_real_values(value: Any, real: dict[str, list[str]], choose: Any) -> Any:
    """The generated value, with some made-up ids replaced by those of real objects."""
    if isinstance(value, dict):
        return {
            name: choose(real[name])
            if name in real and isinstance(part, str) and choose([True, True, False])
            else with_real_values(part, real, choose)
            for name, part in value.items()
        }
    return value


def probe(live: Live, document: str, dialect: str, name: str, mode: GenerationMode, edge: bool = True) -> None:
    schema = schemathesis.openapi.from_url(live.url + document)
    operation = next(
        found.ok() for found in schema.get_all_operations() if found.ok().definition.raw["operationId"] == name
    )
    headers = {"Authorization": live.shown[dialect]}

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
    def each(case: Any, data: st.DataObject) -> None:
        if mode is GenerationMode.POSITIVE:

            def choose(values: list[Any]) -> Any:
                return data.draw(st.sampled_from(values))

            case.path_parameters = with_real_values(case.path_parameters, live.real, choose)
            case.query = with_real_values(case.query, live.real, choose)
            case.body = with_real_values(case.body, live.real, choose)
        # in the case, too: else a case whose only fault is that it lacks the token counts as broken, and is taken
        case.headers = {**(case.headers or {}), **headers}
        response = case.call(base_url=live.url, headers=headers)
        checks = CHECKS if edge else [check for check in CHECKS if check is not not_a_server_error]
        case.validate_response(response, checks=checks, headers=headers)

    each()


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", DIGA)
def test_diga_answers_as_its_document_says(live: Live, name: str, mode: GenerationMode) -> None:
    probe(live, "/v1/openapi.json", "diga", name, mode)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", NATIVE)
def test_the_native_api_answers_as_its_document_says(live: Live, name: str, mode: GenerationMode) -> None:
    if name == "delete_tenant":
        live = replace(live, real={**live.real, "tenant_id": live.real["spare_tenant_id"]})
    probe(live, "/cordboard/v1/openapi.json", "native", name, mode)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", EDGE)
def test_without_an_edge_its_operations_answer_as_documented(live: Live, name: str, mode: GenerationMode) -> None:
    probe(live, "/cordboard/v1/openapi.json", "native", name, mode, edge=False)


@pytest.mark.proves("OpenAPI document")
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", TELECOM_CENTER)
def test_the_operator_api_answers_as_its_document_says(live: Live, name: str, mode: GenerationMode) -> None:
    ids = live.real["customer_id" if "customer" in name else "route_id"]
    real = replace(live, real={**live.real, "id": ids})
    probe(real, f"{PREFIX}/openapi.json", "telecom.center", name, mode)


@pytest.mark.proves("nebrija: OpenAPI document")
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", NEBRIJA)
def test_the_trunk_api_answers_as_its_document_says(live: Live, name: str, mode: GenerationMode) -> None:
    ids = live.real["phone_id" if "phone_number" in name else "own_trunk_id"]
    real = replace(live, real={**live.real, "id": ids})
    probe(real, "/api/v1/openapi.json", "nebrija", name, mode)


def test_every_operation_is_probed(live: Live) -> None:
    for document, names in (
        ("/v1/openapi.json", DIGA),
        ("/api/v1/openapi.json", NEBRIJA),
        (f"{PREFIX}/openapi.json", TELECOM_CENTER),
        ("/cordboard/v1/openapi.json", [*NATIVE, *EDGE]),
    ):
        schema = schemathesis.openapi.from_url(live.url + document)
        found = {each.ok().definition.raw["operationId"] for each in schema.get_all_operations()}
        assert found == set(names)
