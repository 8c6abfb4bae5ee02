"""The native API: a trunk's gateways, credentials and policies."""

from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from cordboard.domain.addresses import HostPolicy
from cordboard.domain.tenants import TenantId
from cordboard.domain.trunks import MAX_GATEWAYS, TrunkId, inbound_row
from cordboard.storage import trunks
from tests.builders import (
    ADMIN_TOKEN,
    World,
    add_platform_number,
    create_key,
    create_tenant,
    dump,
    fresh_number,
    import_body,
    import_number,
    unknown_id,
)
from tests.dialects.native.admin import Admin, pointers

pytestmark = pytest.mark.anyio


def gateway(host: str, port: int | None = None, transport: str | None = None, **rest: Any) -> dict[str, Any]:
    return {"host": host, "port": port, "transport": transport, "name": None, "priority": None, "weight": None, **rest}


GATEWAYS = [
    gateway("sip.carrier.example", transport="tls", name="Madrid"),
    gateway("192.0.2.1", 5080),
    gateway("2001:db8::1", 5081, "udp"),
]
#: What is asked of a trunk if nobody asks for anything.
OPTIONS: dict[str, Any] = {
    "transport": None,
    "callers": [],
    "headers": [],
    "codecs": [],
    "max_calls": None,
    "max_calls_per_second": None,
    "max_minutes_per_day": None,
    "destinations": [],
    "number_format": "e164",
    "country_code": None,
    "called_number_from": "ruri",
    "failover_codes": [],
    "registration": None,
}


async def imported(admin: Admin, tenant: TenantId) -> tuple[dict[str, Any], dict[str, Any]]:
    """A phone imported with a gateway and credentials, and its trunk."""
    async with admin.world.client(await create_key(admin.world, tenant)) as client:
        phone = (await client.post("/v1/phone/import", json=import_body())).json()
    (trunk,) = (await admin.done("GET", f"/trunks?number={quote(phone['number'])}", status=200))["data"]
    return phone, trunk


async def password(admin: Admin, id: str) -> str | None:
    """The stored password, opened."""
    sealed = (await admin.world.store.read(partial(trunks.get, id=TrunkId(id)))).password
    return None if sealed is None else admin.world.context.sealer.unseal(sealed, id)


async def test_an_imported_number_s_trunk_is_shown_without_its_password(admin: Admin, tenant: TenantId) -> None:
    phone, trunk = await imported(admin, tenant)
    assert trunk == {
        "id": trunk["id"],
        "tenant_id": tenant,
        "name": phone["number"],
        "is_system": False,
        "gateways": [gateway("127.0.1.1", 5080)],
        "username": "carrier-user",
        "has_password": True,
        "inbound_username": None,
        "allowed_addresses": ["127.0.1.0/24"],
        "media_in": "allow",
        "media_out": "allow",
        "tls_verify": True,
        "probe": True,
        "options": OPTIONS,
        "provider_id": None,
        "created_at": trunk["created_at"],
        "updated_at": trunk["created_at"],
    }
    assert await admin.done("GET", f"/trunks/{trunk['id']}", status=200) == trunk
    listed = await admin.done("GET", f"/trunks?tenant_id={tenant}", status=200)
    assert listed == {"data": [trunk], "next": None, "health": None}


async def test_a_trunk_is_changed_field_by_field(admin: Admin, tenant: TenantId) -> None:
    _, trunk = await imported(admin, tenant)
    path = f"/trunks/{trunk['id']}"
    steps: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({}, {}),
        ({"gateways": GATEWAYS}, {"gateways": GATEWAYS}),
        ({"name": " Carrier "}, {"name": "Carrier"}),
        ({"media_in": "require"}, {"media_in": "require"}),
        ({"media_out": "disable"}, {"media_out": "disable"}),
        ({"tls_verify": False}, {"tls_verify": False}),
        ({"probe": False}, {"probe": False}),
        ({"allowed_addresses": [" 192.0.2.1 "]}, {"allowed_addresses": ["192.0.2.1"]}),
        ({"allowed_addresses": None}, {"allowed_addresses": None}),
        ({"allowed_addresses": []}, {"allowed_addresses": []}),
        ({"username": "another"}, {"username": "another"}),
        ({"username": None, "password": None}, {"username": None, "has_password": False}),
        ({"username": "u", "password": "p"}, {"username": "u", "has_password": True}),
        ({"gateways": []}, {"gateways": [], "username": None, "has_password": False}),
        ({"gateways": [{"host": "[::1]"}]}, {"gateways": [gateway("::1")]}),
    ]
    expected = trunk
    for sent, changed in steps:
        admin.world.clock.advance(seconds=1)
        done = await admin.done("PATCH", path, sent, status=200)
        assert (done["updated_at"] > expected["updated_at"]) == bool(sent)
        expected = {**expected, **changed, "updated_at": done["updated_at"]}
        assert done == expected, sent
        assert await admin.done("GET", path, status=200) == expected


async def test_a_password_is_sealed_and_kept_until_another_is_sent(admin: Admin, tenant: TenantId) -> None:
    _, trunk = await imported(admin, tenant)
    path = f"/trunks/{trunk['id']}"
    await admin.done("PATCH", path, {"gateways": GATEWAYS, "username": "another"}, status=200)
    assert await password(admin, trunk["id"]) == "carrier-secret"
    shown = await admin.done("PATCH", path, {"password": "another-secret"}, status=200)
    assert await password(admin, trunk["id"]) == "another-secret"
    assert "secret" not in str(shown)
    rows = str(await dump(admin.world))
    assert "another-secret" not in rows
    assert "carrier-secret" not in rows


async def test_diga_replaces_the_first_gateway_and_leaves_the_others(admin: Admin, tenant: TenantId) -> None:
    phone, trunk = await imported(admin, tenant)
    await admin.done("PATCH", f"/trunks/{trunk['id']}", {"gateways": GATEWAYS}, status=200)
    first, *others = GATEWAYS
    async with admin.world.client(await create_key(admin.world, tenant)) as client:
        path = f"/v1/phone/{phone['id']}"
        assert (await client.get(path)).json()["sip_config"]["termination_uri"] == "sip.carrier.example"
        for sent, kept in (
            ({"username": "u"}, first),
            ({"termination_uri": "sip.carrier.example:5071"}, {**first, "port": 5071}),  # the transport is the host's
            (
                {"termination_uri": "other.example:5071"},
                gateway("other.example", 5071, name="Madrid"),
            ),
        ):
            answer = await client.patch(f"{path}/sip-config", json={"outbound_config": sent})
            assert answer.status_code == 200, answer.text
            shown = await admin.done("GET", f"/trunks/{trunk['id']}", status=200)
            assert shown["gateways"] == [kept, *others], sent


async def test_trunks_are_listed_in_pages_newest_first(admin: Admin, tenant: TenantId) -> None:
    for _ in range(5):
        await import_number(admin.world, tenant)
    await import_number(admin.world, await create_tenant(admin.world))
    await admin.done("PATCH", f"/trunks/{(await newest(admin, tenant))['id']}", {"gateways": GATEWAYS}, status=200)
    everything = (await admin.done("GET", f"/trunks?tenant_id={tenant}", status=200))["data"]
    assert len(everything) == 5
    assert [len(each["gateways"]) for each in everything] == [3, 0, 0, 0, 0]
    walked: list[Any] = []
    after = ""
    while True:
        page = await admin.done("GET", f"/trunks?tenant_id={tenant}&limit=2{after}", status=200)
        walked += page["data"]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert walked == everything
    query = f"/trunks?tenant_id={tenant}&after={unknown_id()}"
    await admin.refused("GET", query, status=400, code="unknown-cursor")


async def newest(admin: Admin, tenant: TenantId) -> Any:
    return (await admin.done("GET", f"/trunks?tenant_id={tenant}&limit=1", status=200))["data"][0]


async def test_a_platform_number_s_trunk_without_an_owner_can_be_given_gateways(admin: Admin) -> None:
    row = await add_platform_number(admin.world)
    shown = await admin.done("PATCH", f"/trunks/{row.trunk_id}", {"gateways": GATEWAYS}, status=200)
    assert (shown["tenant_id"], shown["gateways"]) == (None, GATEWAYS)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": None}, "/name"),
        ({"gateways": None}, "/gateways"),
        ({"gateways": ["sip.example"]}, "/gateways/0"),
        ({"gateways": [{}]}, "/gateways/0/host"),
        ({"gateways": [{"host": "sip:sip.example"}]}, "/gateways/0/host"),
        ({"gateways": [{"host": "sip.example:5060"}]}, "/gateways/0/host"),
        ({"gateways": [{"host": "a b"}]}, "/gateways/0/host"),
        ({"gateways": [{"host": ""}]}, "/gateways/0/host"),
        ({"gateways": [{"host": "127.1"}]}, "/gateways/0/host"),
        ({"gateways": [{"host": "sip.example", "port": 0}]}, "/gateways/0/port"),
        ({"gateways": [{"host": "sip.example", "port": 65536}]}, "/gateways/0/port"),
        ({"gateways": [{"host": "sip.example", "transport": "sctp"}]}, "/gateways/0/transport"),
        ({"gateways": [{"host": "sip.example", "colour": "red"}]}, "/gateways/0/colour"),
        ({"gateways": [{"host": "sip.example"}] * (MAX_GATEWAYS + 1)}, "/gateways"),
        ({"username": ""}, "/username"),
        ({"username": "a\r\nb"}, "/username"),
        ({"password": "a\0b"}, "/password"),
        ({"media_in": "maybe"}, "/media_in"),
        ({"media_in": None}, "/media_in"),
        ({"media_out": None}, "/media_out"),
        ({"allowed_addresses": ["10.0.0.0/33"]}, "/allowed_addresses/0"),
        ({"allowed_addresses": [f"10.{i >> 8}.{i & 255}.1" for i in range(1001)]}, "/allowed_addresses"),
        ({"tls_verify": None}, "/tls_verify"),
        ({"probe": "maybe"}, "/probe"),
        ({"is_system": True}, "/is_system"),
        ({"inbound_username": "a b"}, "/inbound_username"),
        ({"inbound_password": None}, "/inbound_password"),
        ({"options": None}, "/options"),
        ({"options": {"colour": "red"}}, "/options/colour"),
        ({"options": {"callers": ["911"]}}, "/options/callers"),
        ({"options": {"callers": ["+34*1"]}}, "/options/callers"),
        ({"options": {"callers": ["+34*"] * 201}}, "/options/callers"),
        ({"options": {"destinations": ["34"]}}, "/options/destinations"),
        ({"options": {"headers": [{"name": "From", "value": "x"}]}}, "/options/headers"),
        ({"options": {"codecs": ["MP3"]}}, "/options/codecs"),
        ({"options": {"max_calls": 0}}, "/options/max_calls"),
        ({"options": {"max_calls_per_second": 1_000_001}}, "/options/max_calls_per_second"),
        ({"options": {"number_format": "roman"}}, "/options/number_format"),
        ({"options": {"country_code": "034"}}, "/options/country_code"),
        ({"options": {"called_number_from": "from"}}, "/options/called_number_from"),
        ({"options": {"failover_codes": [486]}}, "/options/failover_codes"),
        ({"options": {"failover_codes": [603]}}, "/options/failover_codes"),
        ({"options": {"registration": {"expires": 59}}}, "/options/registration/expires"),
        ({"options": {"registration": {"domain": "sip:x"}}}, "/options/registration/domain"),
    ],
)
async def test_what_a_trunk_cannot_have_is_refused_with_its_place(
    admin: Admin, tenant: TenantId, body: Any, pointer: str
) -> None:
    _, trunk = await imported(admin, tenant)
    problem = await admin.refused("PATCH", f"/trunks/{trunk['id']}", body, status=422, code="invalid")
    assert pointers(problem) == [pointer]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"gateways": [gateway("a.example", priority=1), gateway("b.example")]}, "priority to each"),
        ({"gateways": [gateway("a.example", weight=1)]}, "give them priorities"),
        ({"inbound_username": "carrier"}, "a username needs a password"),
        ({"inbound_password": "p"}, "a password needs a username"),
        ({"options": {"number_format": "national"}}, "country_code"),
        ({"password": None, "options": {"registration": {}}}, "a username and a password"),
    ],
)
async def test_what_does_not_go_together_is_refused(admin: Admin, tenant: TenantId, body: Any, said: str) -> None:
    _, trunk = await imported(admin, tenant)
    problem = await admin.refused("PATCH", f"/trunks/{trunk['id']}", body, status=422, code="invalid")
    assert said in problem["detail"]
    assert await admin.done("GET", f"/trunks/{trunk['id']}", status=200) == trunk


async def test_options_are_kept_apart_and_null_takes_one_back(admin: Admin, tenant: TenantId) -> None:
    _, trunk = await imported(admin, tenant)
    path = f"/trunks/{trunk['id']}"
    asked: dict[str, Any] = {
        "transport": "tcp",
        "callers": ["+34*", "+12125550123"],
        "headers": [{"name": "X-Account", "value": "7"}],
        "codecs": ["PCMA", "telephone-event"],
        "max_calls": 5,
        "max_calls_per_second": 2,
        "max_minutes_per_day": 600,
        "destinations": ["+34", "+1212"],
        "number_format": "national",
        "country_code": "34",
        "called_number_from": "to",
        "failover_codes": [404, 480],
        "registration": {"expires": 300, "domain": "sip.carrier.example"},
    }
    assert set(asked) == set(OPTIONS)
    assert (await admin.done("PATCH", path, {"options": asked}, status=200))["options"] == asked
    for name in ("number_format", *(name for name in asked if name != "number_format")):
        asked[name] = OPTIONS[name]
        assert (await admin.done("PATCH", path, {"options": {name: None}}, status=200))["options"] == asked
        assert (await admin.done("GET", path, status=200))["options"] == asked


async def test_gateways_stand_in_the_order_of_their_priorities(admin: Admin, tenant: TenantId) -> None:
    _, trunk = await imported(admin, tenant)
    late, first, second = (
        gateway("late.example", priority=20),
        gateway("first.example", priority=10, weight=3),
        gateway("second.example", priority=10, weight=1),
    )
    shown = await admin.done("PATCH", f"/trunks/{trunk['id']}", {"gateways": [late, first, second]}, status=200)
    assert shown["gateways"] == [first, second, late]


async def test_what_the_carrier_calls_with_is_sealed_and_dropped_with_its_username(
    admin: Admin, tenant: TenantId
) -> None:
    _, trunk = await imported(admin, tenant)
    path = f"/trunks/{trunk['id']}"
    body = {"inbound_username": "carrier", "inbound_password": "inbound-secret"}
    shown = await admin.done("PATCH", path, body, status=200)
    assert (shown["inbound_username"], "inbound-secret" in str(shown)) == ("carrier", False)
    stored = await admin.world.store.read(partial(trunks.get, id=TrunkId(trunk["id"])))
    assert stored.inbound is not None
    sealer = admin.world.context.sealer
    assert sealer.unseal(stored.inbound.password, inbound_row(stored.id)) == "inbound-secret"
    assert "inbound-secret" not in str(await dump(admin.world))
    assert (await admin.done("PATCH", path, {"inbound_username": "other"}, status=200))["inbound_username"] == "other"
    assert (await admin.done("PATCH", path, {"inbound_username": None}, status=200))["inbound_username"] is None


async def test_a_system_trunk_belongs_to_nobody(admin: Admin, tenant: TenantId) -> None:
    body = {"name": "Everybody's", "system": True, "gateways": [gateway("sip.carrier.example")]}
    made = await admin.done("POST", "/trunks", body, status=201)
    assert (made["tenant_id"], made["is_system"]) == (None, True)
    listed = await admin.done("GET", "/trunks?system=true&limit=1", status=200)
    assert listed["data"] == [made]
    for wrong in ({"name": "x"}, {"name": "x", "system": True, "tenant_id": tenant}):
        await admin.refused("POST", "/trunks", wrong, status=422, code="invalid")
    await admin.refused("POST", "/trunks", {"name": "x", "tenant_id": unknown_id()}, status=404, code="unknown-tenant")
    await admin.done("DELETE", f"/trunks/{made['id']}", status=204)
    await admin.refused("GET", f"/trunks/{made['id']}", status=404, code="unknown-trunk")


async def test_a_number_outlives_its_trunk_and_gets_another_by_diga(admin: Admin, tenant: TenantId) -> None:
    phone, trunk = await imported(admin, tenant)
    await admin.done("DELETE", f"/trunks/{trunk['id']}", status=204)
    await admin.refused("GET", f"/trunks?number={quote(phone['number'])}", status=404, code="unknown-trunk")
    async with admin.world.client(await create_key(admin.world, tenant)) as client:
        path = f"/v1/phone/{phone['id']}"
        assert (await client.get(path)).json()["sip_config"] is None
        assert (await client.get("/v1/phone")).json()["data"][0]["sip_config"] is None
        body = {"outbound_config": {"termination_uri": "127.0.1.7"}}
        changed = (await client.patch(f"{path}/sip-config", json=body)).json()
        assert changed["sip_config"]["termination_uri"] == "127.0.1.7"
        (made,) = (await admin.done("GET", f"/trunks?number={quote(phone['number'])}", status=200))["data"]
        assert (made["name"], made["tenant_id"], made["id"] == trunk["id"]) == (phone["number"], tenant, False)
        assert (await client.delete(f"/v1/phone/{phone['id']}")).status_code == 204
    await admin.refused("GET", f"/trunks/{made['id']}", status=404, code="unknown-trunk")


async def test_credentials_need_a_gateway_that_they_are_for(admin: Admin, tenant: TenantId) -> None:
    await import_number(admin.world, tenant)
    path = f"/trunks/{(await newest(admin, tenant))['id']}"
    for body in ({"username": "u"}, {"password": "p"}, {"gateways": [], "username": "u"}):
        await admin.refused("PATCH", path, body, status=409, code="gateway-missing")


@pytest.mark.parametrize(
    "query", ["", "tenant_id=00000000-0000-4000-8000-000000000000&number=%2B34911234567", "number=911234567", "number="]
)
async def test_whose_trunks_has_to_be_said_one_way(admin: Admin, query: str) -> None:
    await admin.refused("GET", f"/trunks?{query}", status=422, code="invalid")


async def test_the_trunk_of_an_unknown_number_is_404(admin: Admin) -> None:
    await admin.refused("GET", f"/trunks?number={quote(fresh_number())}", status=404, code="unknown-number")


@pytest.mark.parametrize("what", ["health", "registrations"])
async def test_what_the_edge_knows_of_a_trunk_needs_the_trunk_and_an_edge(
    admin: Admin, tenant: TenantId, what: str
) -> None:
    await admin.refused("GET", f"/trunks/{unknown_id()}/{what}", status=404, code="unknown-trunk")
    await import_number(admin.world, tenant)
    (trunk,) = (await admin.send("GET", f"/trunks?tenant_id={tenant}")).json()["data"]
    await admin.refused("GET", f"/trunks/{trunk['id']}/{what}", status=503, code="edge-unavailable")


async def test_a_private_gateway_is_refused_where_the_installation_does_not_allow_it(sqlite_world: World) -> None:
    sqlite_world.context = replace(sqlite_world.context, hosts=HostPolicy(allow_private=False))
    row = await add_platform_number(sqlite_world)
    async with sqlite_world.client(ADMIN_TOKEN) as http:
        admin = Admin(world=sqlite_world, http=http)
        for host in ("127.0.0.1", "10.0.0.1", "::1", "[::1]", "localhost", "sip.local"):
            body = {"gateways": [{"host": host}]}
            problem = await admin.refused("PATCH", f"/trunks/{row.trunk_id}", body, status=422, code="invalid")
            assert pointers(problem) == ["/gateways/0/host"]


async def test_a_list_tells_which_trunks_answer_where_there_is_an_edge_to_say(admin: Admin, tenant: TenantId) -> None:
    """Without one it is not known; and an edge is not asked for more than a page of them."""
    await admin.done("POST", "/trunks", {"tenant_id": tenant, "name": "Carrier"})
    asked = {"tenant_id": tenant, "health": True}
    assert (await admin.done("GET", f"/trunks?{urlencode(asked)}", status=200))["health"] is None
    problem = (await admin.send("GET", "/trunks", params={**asked, "limit": 101})).json()
    assert "limit=100" in problem["errors"][0]["detail"]
