"""Trunks listed, created, fetched, updated and deleted, as the page has it and where it is silent.

https://docs.nebrijaai.com/api-reference/sip-trunks/actualizar-sip-trunk
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from cordboard.domain.addresses import HostPolicy
from cordboard.domain.trunks import MAX_GATEWAYS
from tests.builders import World, add_platform_number, dump, unknown_id
from tests.dialects.nebrija.caller import NUMBERS, TRUNKS, Caller, calling, system_trunk, trunk_body

pytestmark = pytest.mark.anyio


@pytest.fixture
async def caller(shared_world: World) -> AsyncIterator[Caller]:
    async with calling(shared_world) as made:
        yield made


@pytest.mark.proves(
    "nebrija: POST /sip-trunks",
    "nebrija: GET /sip-trunks/:id",
    "nebrija: create status",
    "nebrija: trunk id",
    "nebrija: trunk name",
    "nebrija: trunk gateways",
    "nebrija: trunk authentication",
    "nebrija: trunk advanced",
    "nebrija: trunk isSystem",
    "nebrija: trunk createdAt, updatedAt",
    "nebrija: providerId without a provider",
)
async def test_a_trunk_is_created_and_shown(caller: Caller) -> None:
    gateway = {"ipOrDomain": "sip-gateway.example.com", "port": 5060, "name": "Primary Gateway"}
    answer = await caller.send("POST", TRUNKS, json=trunk_body(name="Main Office SIP Trunk", gateways=[gateway]))
    assert answer.status_code == 201
    made = answer.json()
    assert made == {
        "id": made["id"],
        "name": "Main Office SIP Trunk",
        "gateways": [gateway],
        "authentication": {"username": "office", "password": "********"},
        "advanced": {},
        "isSystem": False,
        "providerId": None,
        "createdAt": made["createdAt"],
        "updatedAt": made["createdAt"],
    }
    assert await caller.done("GET", f"{TRUNKS}/{made['id']}") == made
    assert await caller.password(made["id"]) == "carrier-secret"


@pytest.mark.proves("nebrija: create required fields")
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"gateways": [{"ipOrDomain": "x.example"}]}, "name: Field required"),
        ({"name": "x"}, "gateways: Field required"),
        ({"name": "x", "gateways": [{}]}, "gateways.0.ipOrDomain: Field required"),
        ([], "body: Input should be an object"),
        ("x", "body: Input should be an object"),
    ],
)
async def test_a_trunk_wants_a_name_and_a_gateway(caller: Caller, body: Any, message: str) -> None:
    before = await dump(caller.world)
    assert await caller.refused("POST", TRUNKS, 400, json=body) == [message]
    assert await dump(caller.world) == before


@pytest.mark.proves("nebrija: create required fields")
async def test_the_rest_may_be_left_out(caller: Caller) -> None:
    for more in ({}, {"authentication": None, "advanced": None}, {"authentication": {}, "advanced": {}}):
        made = await caller.done("POST", TRUNKS, {"name": "x", "gateways": [{"ipOrDomain": "x.example"}], **more})
        assert (made["authentication"], made["advanced"]) == ({}, {})


@pytest.mark.proves("nebrija: client-sent id, isSystem, providerId, dates")
@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_what_the_server_decides_is_ignored_in_a_body(caller: Caller, method: str) -> None:
    sent = {
        "id": unknown_id(),
        "isSystem": True,
        "providerId": "mine",
        "createdAt": "2000-01-01T00:00:00Z",
        "updatedAt": 5,
        "unheardOf": {},
    }
    trunk = await caller.trunk()
    path = TRUNKS if method == "POST" else f"{TRUNKS}/{trunk['id']}"
    shown = await caller.done(method, path, {**trunk_body(), **sent})
    assert not [name for name, value in sent.items() if shown.get(name) == value]
    if method == "PATCH":
        assert shown == {**trunk, "updatedAt": shown["updatedAt"]}


@pytest.mark.proves("nebrija: GET /sip-trunks", "nebrija: list body", "nebrija: list order")
async def test_a_list_is_a_bare_array_the_newest_first(caller: Caller) -> None:
    made = [await caller.trunk(name=f"trunk {n}") for n in range(3)]
    ours = [each for each in await caller.done("GET", TRUNKS) if not each["isSystem"]]
    # made in one moment of the tests' clock: then by id, downwards
    assert ours == sorted(made, key=lambda each: each["id"], reverse=True)


@pytest.mark.proves("nebrija: list order")
async def test_later_ones_come_first(world: World) -> None:
    async with calling(world) as caller:
        made = []
        for n in range(3):
            made.append((await caller.trunk(name=f"trunk {n}"))["id"])
            world.clock.advance(seconds=1)
        assert [each["id"] for each in await caller.done("GET", TRUNKS)] == made[::-1]
        assert [each["id"] for each in await caller.done("GET", f"{TRUNKS}?limit=2")] == made[:0:-1]


@pytest.mark.proves("nebrija: list body")
async def test_a_list_shows_fifty_if_not_told_how_many(world: World) -> None:
    async with calling(world) as caller:
        for _ in range(51):
            await caller.trunk(authentication=None)
        assert len(await caller.done("GET", TRUNKS)) == 50
        assert len(await caller.done("GET", f"{TRUNKS}?limit=1000")) == 51
        assert len(await caller.done("GET", f"{TRUNKS}/?limit=1")) == 1


@pytest.mark.proves("nebrija: list body", "nebrija: limits")
@pytest.mark.parametrize("limit", ["0", "-1", "1001", "x", ""])
async def test_a_limit_that_is_none_is_refused(caller: Caller, limit: str) -> None:
    for path in (TRUNKS, NUMBERS):
        (message,) = await caller.refused("GET", f"{path}?limit={limit}", 400)
        assert message.startswith("limit: Input should be ")


@pytest.mark.proves("nebrija: lists include system trunks", "nebrija: system trunks", "nebrija: reading a system trunk")
async def test_system_trunks_are_seen_by_everybody_and_their_password_by_nobody(world: World) -> None:
    trunk = await system_trunk(world)
    async with calling(world) as caller, calling(world) as other:
        for each in (caller, other):
            (listed,) = await each.done("GET", TRUNKS)
            assert listed == await each.done("GET", f"{TRUNKS}/{trunk.id}")
            assert listed["isSystem"] is True
            assert listed["authentication"] == {"username": "platform", "password": "********"}


@pytest.mark.proves("nebrija: system trunks", "nebrija: error 403")
@pytest.mark.parametrize(("method", "body"), [("PATCH", {"name": "mine"}), ("PATCH", {}), ("DELETE", None)])
async def test_a_system_trunk_is_nobody_s_to_change(world: World, method: str, body: Any) -> None:
    trunk = await system_trunk(world)
    async with calling(world) as caller:
        before = await dump(world)
        message = await caller.refused(method, f"{TRUNKS}/{trunk.id}", 403, json=body)
        assert "system trunk" in message
        assert await dump(world) == before


@pytest.mark.proves("nebrija: system trunks")
async def test_the_trunk_of_a_platform_owned_number_is_a_system_trunk_of_its_tenant(caller: Caller) -> None:
    number = await add_platform_number(caller.world, tenant=caller.tenant)
    shown = await caller.done("GET", f"{TRUNKS}/{number.trunk_id}")
    assert (shown["isSystem"], shown["gateways"]) == (True, [])
    await caller.refused("DELETE", f"{TRUNKS}/{number.trunk_id}", 403)
    async with calling(caller.world) as other:
        await other.refused("GET", f"{TRUNKS}/{number.trunk_id}", 404)


@pytest.mark.proves("nebrija: 404 before 403", "nebrija: error 404", "nebrija: error 403")
async def test_what_is_unknown_is_told_before_what_is_forbidden_and_that_before_what_is_wrong(world: World) -> None:
    system = await system_trunk(world)
    async with calling(world) as caller, calling(world) as owner:
        theirs, own = await owner.trunk(), await caller.trunk()
        for body in ({"gateways": []}, [], "x"):
            for id, status in ((unknown_id(), 404), (theirs["id"], 404), (system.id, 403), (own["id"], 400)):
                await caller.refused("PATCH", f"{TRUNKS}/{id}", status, json=body)
        assert (await caller.http.patch(f"{TRUNKS}/{unknown_id()}", content=b"{")).status_code == 404
        number = await owner.number()
        await caller.refused("PATCH", f"{NUMBERS}/{number}", 404, json=[])


@pytest.mark.proves("nebrija: malformed uuid", "nebrija: error 404")
@pytest.mark.parametrize(
    "id", ["1", "x", "3fa85f64571745 62b3fc2c963f66afa6", "3fa85f6457174562b3fc2c963f66afa6", "%00"]
)
async def test_a_malformed_id_is_one_that_there_is_not(caller: Caller, id: str) -> None:
    for path, methods in ((TRUNKS, ("GET", "PATCH", "DELETE")), (NUMBERS, ("GET", "PATCH"))):
        for method in methods:
            assert (await caller.refused(method, f"{path}/{id}", 404, json={})).endswith("not found")


async def test_an_id_is_found_in_either_case(caller: Caller) -> None:
    trunk = await caller.trunk()
    assert await caller.done("GET", f"{TRUNKS}/{trunk['id'].upper()}") == trunk


@pytest.mark.proves("nebrija: DELETE /sip-trunks/:id", "nebrija: delete reply")
async def test_a_deleted_trunk_is_gone(caller: Caller) -> None:
    trunk = await caller.trunk()
    path = f"{TRUNKS}/{trunk['id']}"
    assert (await caller.send("DELETE", path)).status_code == 204
    for method in ("GET", "PATCH", "DELETE"):
        assert await caller.refused(method, path, 404, json={}) == f"SIP trunk {trunk['id']} not found"


@pytest.mark.proves("nebrija: delete of a trunk that phone numbers use")
async def test_numbers_outlive_their_trunk(caller: Caller) -> None:
    trunk = await caller.trunk()
    numbers = [await caller.number() for _ in range(2)]
    for number in numbers:
        await caller.done("PATCH", f"{NUMBERS}/{number}", {"sipTrunkId": trunk["id"]})
    await caller.done("DELETE", f"{TRUNKS}/{trunk['id']}")
    for number in numbers:
        assert (await caller.done("GET", f"{NUMBERS}/{number}"))["sipTrunkId"] is None


GATEWAYS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"ipOrDomain": "192.0.2.1"}, {"ipOrDomain": "192.0.2.1", "port": 5060}),
    # its port is 5060 even by TLS, unless it says another
    ({"ipOrDomain": "x.example", "transport": "tls"}, {"ipOrDomain": "x.example", "port": 5060, "transport": "tls"}),
    (
        {"ipOrDomain": "x.example", "transport": "tls", "port": 5061},
        {"ipOrDomain": "x.example", "port": 5061, "transport": "tls"},
    ),
    # null is what DNS says, and shown as what it says if it says nothing
    ({"ipOrDomain": "x.example", "port": None}, {"ipOrDomain": "x.example", "port": 5060}),
    (
        {"ipOrDomain": "x.example", "port": None, "transport": "tls"},
        {"ipOrDomain": "x.example", "port": 5061, "transport": "tls"},
    ),
    # auto is what is not shown
    ({"ipOrDomain": "x.example", "transport": "auto"}, {"ipOrDomain": "x.example", "port": 5060}),
    ({"ipOrDomain": "2001:db8::1", "port": 65535}, {"ipOrDomain": "2001:db8::1", "port": 65535}),
    ({"ipOrDomain": "[2001:db8::1]"}, {"ipOrDomain": "2001:db8::1", "port": 5060}),
    (
        {"ipOrDomain": "x.example", "name": "Primary", "priority": 10, "weight": 0, "more": 1},
        {"ipOrDomain": "x.example", "port": 5060, "name": "Primary", "priority": 10, "weight": 0},
    ),
    ({"ipOrDomain": "x.example", "name": ""}, {"ipOrDomain": "x.example", "port": 5060}),
]


@pytest.mark.proves(
    "nebrija: port", "nebrija: ipOrDomain", "nebrija: gateway name and further keys", "nebrija: trunk gateways"
)
@pytest.mark.parametrize(("sent", "shown"), GATEWAYS)
async def test_what_is_sent_of_a_gateway_is_shown_of_it(
    caller: Caller, sent: dict[str, Any], shown: dict[str, Any]
) -> None:
    made = await caller.trunk(gateways=[sent])
    assert made["gateways"] == [shown]
    assert (await caller.patched(made["id"], {"gateways": [sent]}))["gateways"] == [shown]


@pytest.mark.proves("nebrija: port", "nebrija: ipOrDomain", "nebrija: gateway name and further keys")
@pytest.mark.parametrize(
    ("gateway", "place"),
    [
        ({"ipOrDomain": "sip:x.example"}, "ipOrDomain"),
        ({"ipOrDomain": "sips:x.example"}, "ipOrDomain"),
        ({"ipOrDomain": "x.example:5060"}, "ipOrDomain"),
        ({"ipOrDomain": "192.0.2.1:5060"}, "ipOrDomain"),
        ({"ipOrDomain": "http://x.example"}, "ipOrDomain"),
        ({"ipOrDomain": ""}, "ipOrDomain"),
        ({"ipOrDomain": "a b"}, "ipOrDomain"),
        ({"ipOrDomain": None}, "ipOrDomain"),
        ({"ipOrDomain": 5}, "ipOrDomain"),
        ({"port": 0}, "port"),
        ({"port": 65536}, "port"),
        ({"port": "5060"}, "port"),
        ({"port": True}, "port"),
        ({"port": 5060.5}, "port"),
        ({"name": "a\nb"}, "name"),
        ({"name": 5}, "name"),
        ({"transport": "sctp"}, "transport"),
        ({"priority": -1}, "priority"),
        ({"priority": 65536}, "priority"),
        ({"weight": "1"}, "weight"),
    ],
)
async def test_what_is_no_gateway_is_refused_with_its_place(
    caller: Caller, gateway: dict[str, Any], place: str
) -> None:
    made = await caller.trunk()
    before = await dump(caller.world)
    gateways = [{"ipOrDomain": "good.example"}, {"ipOrDomain": "x.example", **gateway}]
    for method, path in (("POST", TRUNKS), ("PATCH", f"{TRUNKS}/{made['id']}")):
        (message,) = await caller.refused(method, path, 400, json=trunk_body(gateways=gateways))
        assert message.startswith(f"gateways.1.{place}: ")
    assert await dump(caller.world) == before


@pytest.mark.proves("nebrija: gateway name and further keys")
async def test_priorities_order_gateways_if_they_all_have_one(caller: Caller) -> None:
    gateways = [{"ipOrDomain": f"{n}.example", "priority": 30 - n} for n in (10, 20)]
    assert [g["priority"] for g in (await caller.trunk(gateways=gateways))["gateways"]] == [10, 20]
    del gateways[0]["priority"]
    (message,) = await caller.refused("POST", TRUNKS, 400, json=trunk_body(gateways=gateways))
    assert message.startswith("gateways: ")


@pytest.mark.proves("nebrija: gateways on PATCH")
async def test_gateways_replace_those_before(caller: Caller) -> None:
    made = await caller.trunk(gateways=[{"ipOrDomain": "a.example"}, {"ipOrDomain": "b.example"}])
    changed = await caller.patched(made["id"], {"gateways": [{"ipOrDomain": "c.example", "port": 5080}]})
    assert changed["gateways"] == [{"ipOrDomain": "c.example", "port": 5080}]
    assert changed["authentication"] == made["authentication"]


@pytest.mark.proves("nebrija: gateways on PATCH", "nebrija: limits")
@pytest.mark.parametrize("gateways", [[], None, {}, "x", [5], [{"ipOrDomain": "x.example"}] * (MAX_GATEWAYS + 1)])
async def test_no_gateways_and_too_many_are_refused(caller: Caller, gateways: Any) -> None:
    made = await caller.trunk()
    for method, path in (("POST", TRUNKS), ("PATCH", f"{TRUNKS}/{made['id']}")):
        (message,) = await caller.refused(method, path, 400, json=trunk_body(gateways=gateways))
        assert message.startswith("gateways")
    assert (await caller.done("GET", f"{TRUNKS}/{made['id']}")) == made


@pytest.mark.proves("nebrija: port")
async def test_a_gateway_that_comes_back_as_it_was_shown_stays_as_it_is_stored(caller: Caller) -> None:
    gateways = [{"ipOrDomain": "x.example", "port": None}, {"ipOrDomain": "y.example", "port": 5070}]
    made = await caller.trunk(gateways=gateways)
    await caller.patched(made["id"], {"gateways": made["gateways"][::-1]})
    assert [(g.host, g.port) for g in (await caller.stored(made["id"])).gateways] == [
        ("y.example", 5070),
        ("x.example", None),
    ]


@pytest.mark.proves("nebrija: ipOrDomain")
@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "localhost", "::1", "db.internal"])
async def test_a_private_host_is_refused_unless_the_installation_allows_it(host: str, sqlite_world: World) -> None:
    sqlite_world.context = replace(sqlite_world.context, hosts=HostPolicy(allow_private=False))
    async with calling(sqlite_world) as caller:
        body = trunk_body(gateways=[{"ipOrDomain": host}])
        (message,) = await caller.refused("POST", TRUNKS, 400, json=body)
        assert "CORDBOARD_ALLOW_PRIVATE_HOSTS" in message


@pytest.mark.proves("nebrija: trunk name", "nebrija: name of a trunk", "nebrija: limits")
@pytest.mark.parametrize("name", ["", " ", None, 5, "a" * 256, "a\nb"])
async def test_a_name_that_is_none_is_refused(caller: Caller, name: Any) -> None:
    made = await caller.trunk()
    for method, path in (("POST", TRUNKS), ("PATCH", f"{TRUNKS}/{made['id']}")):
        (message,) = await caller.refused(method, path, 400, json=trunk_body(name=name))
        assert message.startswith("name: ")


@pytest.mark.proves("nebrija: name of a trunk")
async def test_a_name_has_up_to_255_characters(caller: Caller) -> None:
    made = await caller.trunk(name="ñ" * 255)
    assert (await caller.patched(made["id"], {"name": "x"}))["name"] == "x"


@pytest.mark.proves("nebrija: PATCH /sip-trunks/:id", "nebrija: only what is sent changes")
@pytest.mark.parametrize(
    ("body", "changed"),
    [
        ({"name": "Other"}, {"name": "Other"}),
        ({"gateways": [{"ipOrDomain": "o.example"}]}, {"gateways": [{"ipOrDomain": "o.example", "port": 5060}]}),
        ({"authentication": {"username": "o"}}, {"authentication": {"username": "o", "password": "********"}}),
        ({"advanced": {"codecs": ["PCMA"]}}, {"advanced": {"tlsVerify": False, "codecs": ["PCMA"]}}),
    ],
)
async def test_only_what_is_sent_changes(world: World, body: dict[str, Any], changed: dict[str, Any]) -> None:
    async with calling(world) as caller:
        made = await caller.trunk(advanced={"tlsVerify": False})
        world.clock.advance(minutes=5)
        shown = await caller.patched(made["id"], body)
        assert shown == {**made, **changed, "updatedAt": shown["updatedAt"]}
        assert shown["updatedAt"] > made["updatedAt"]


@pytest.mark.proves("nebrija: updatedAt on an empty PATCH")
@pytest.mark.parametrize("body", [{}, {"authentication": {}, "advanced": {}}, trunk_body()])
async def test_a_patch_that_changes_nothing_leaves_no_trace(world: World, body: Any) -> None:
    async with calling(world) as caller:
        made = await caller.trunk()
        if body.get("authentication"):
            body = {**body, "authentication": made["authentication"]}
        world.clock.advance(minutes=5)
        before = await dump(world)
        assert await caller.patched(made["id"], {**body, "name": made["name"]}) == made
        assert await dump(world) == before
