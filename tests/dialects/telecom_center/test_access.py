"""Who may ask, and the wall between operators.

https://doc.telecom.center/headers.html
"""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from cordboard.dialects.telecom_center.resources import CUSTOMERS as CUSTOMER
from cordboard.dialects.telecom_center.resources import SIP_ACCOUNTS
from tests.builders import ADMIN_TOKEN, World, create_key, dump, unknown_id
from tests.dialects.telecom_center import shapes
from tests.dialects.telecom_center.caller import ACCOUNTS, BASE, CUSTOMERS, PASSWORD, Caller, calling, ids, resource

pytestmark = pytest.mark.anyio


@pytest.fixture
async def caller(shared_world: World) -> AsyncIterator[Caller]:
    shared_world.clock.advance(minutes=1)  # wrong logins of the test before are not counted any more
    async with calling(shared_world) as made:
        yield made


@pytest.mark.proves("error 401", "header Authorization")
@pytest.mark.slow
async def test_a_missing_or_wrong_password_is_401_at_every_operation(caller: Caller) -> None:
    customer = await caller.customer("1")
    account = await caller.account(customer)
    key = await create_key(caller.world, customer.id)
    before = await dump(caller.world)
    name = caller.operator.name
    async with caller.world.client() as stranger:
        for method, path, body in (
            ("GET", ACCOUNTS, None),
            ("GET", f"{ACCOUNTS}/{account.id}", None),
            ("PATCH", f"{ACCOUNTS}/{account.id}", resource("sip_device_routes", account.id, use_allowed_ips=True)),
            ("GET", CUSTOMERS, None),
            ("POST", CUSTOMERS, resource("customers", name="New")),
            ("GET", f"{CUSTOMERS}/1", None),
            ("PATCH", f"{CUSTOMERS}/1", resource("customers", "1", name="New")),
            ("DELETE", f"{CUSTOMERS}/1", None),
        ):
            caller.world.clock.advance(minutes=1)  # more would be too many logins
            for auth in (None, (name, "wrong"), (name, ""), (name.upper(), PASSWORD), ("nobody", PASSWORD), ("", "")):
                answer = await stranger.request(method, path, json=body, auth=auth)
                shapes.check(path, answer)
                assert answer.status_code == 401, (method, path, auth)
                assert answer.headers["www-authenticate"].startswith('Basic realm="')
                assert answer.json()["errors"][0]["code"] == "401"
            for token in (key, ADMIN_TOKEN):
                answer = await stranger.request(method, path, json=body, headers={"Authorization": f"Bearer {token}"})
                assert answer.status_code == 401
    assert await dump(caller.world) == before


@pytest.mark.proves("error 429")
async def test_who_guesses_passwords_waits_and_who_knows_one_does_not(caller: Caller) -> None:
    name = caller.operator.name
    await caller.http.get(CUSTOMERS)
    caller.world.clock.advance(minutes=1)
    async with caller.world.client() as stranger:
        for place in range(10):
            assert (await stranger.get(CUSTOMERS, auth=(name, f"guess-{place}"))).status_code == 401
        refused = await stranger.get(CUSTOMERS, auth=(name, "guess-10"))
        shapes.check(CUSTOMERS, refused)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
        (error,) = refused.json()["errors"]
        assert (error["code"], error["status"]) == ("429", "429")
        # by the native API, too: it is the same password
        native = await stranger.get("/cordboard/v1/me", auth=(name, "guess-11"))
        assert (native.status_code, native.json()["code"]) == (429, "too-many-logins")
        assert native.headers["retry-after"] == "60"
        # from the same address, by who was let in before
        assert (await caller.http.get(CUSTOMERS)).status_code == 200
        caller.world.clock.advance(minutes=1)
        assert (await stranger.get(CUSTOMERS, auth=(name, "guess-12"))).status_code == 401
        for _ in range(20):
            assert (await stranger.get(CUSTOMERS, auth=(name, PASSWORD))).status_code == 200


async def test_many_first_requests_at_once_with_the_right_password_are_all_answered(caller: Caller) -> None:
    async with caller.world.client() as client:
        auth = (caller.operator.name, PASSWORD)
        answers = await asyncio.gather(*(client.get(CUSTOMERS, auth=auth) for _ in range(30)))
    assert [answer.status_code for answer in answers] == [200] * 30


async def test_an_operator_s_password_opens_no_tenants_dialect(caller: Caller) -> None:
    for path in ("/v1/phone/", "/api/v1/sip-trunks"):
        assert (await caller.http.get(path)).status_code == 401


@pytest.mark.proves("an id of another operator")
async def test_unknown_and_other_operators_objects_are_told_alike(caller: Caller) -> None:
    await caller.customer("mine")
    async with calling(caller.world) as owner:
        account = await owner.account(await owner.customer("theirs"))
        before = await dump(caller.world)
        tried = 0
        for method, path, theirs, body in (
            ("GET", ACCOUNTS, account.id, {}),
            ("PATCH", ACCOUNTS, account.id, {"use_allowed_ips": True, "allowed_ips": "10.0.0.0/8"}),
            ("GET", CUSTOMERS, "theirs", {}),
            ("PATCH", CUSTOMERS, "theirs", {"name": "Taken over"}),
            ("DELETE", CUSTOMERS, "theirs", {}),
        ):
            answers = []
            for id in (theirs, unknown_id()):
                type = SIP_ACCOUNTS.type if path == ACCOUNTS else CUSTOMER.type
                answer = await caller.send(method, f"{path}/{id}", json=resource(type, id, **body))
                answers.append((answer.status_code, answer.text.replace(id, "<id>")))
            assert answers[0] == answers[1], (method, path)
            assert answers[0][0] == 404
            tried += 1
        assert tried == 5
        assert await dump(caller.world) == before


@pytest.mark.proves("an id of another operator")
async def test_no_list_shows_another_operator_s_objects(caller: Caller) -> None:
    mine = await caller.account(await caller.customer("123"), f"{caller.operator.name}.mine")
    async with calling(caller.world) as owner:
        theirs = await owner.account(await owner.customer("123"), f"{owner.operator.name}.theirs", caller_name="Desk")
        await owner.customer("456")
        for query in (
            "",
            "filter[customer.id]=123",
            f"filter[id]={mine.id},{theirs.id}",
            f"filter[username]={mine.username},{theirs.username}",
            "sort=-username&include=customer",
        ):
            document = await caller.found(f"{ACCOUNTS}?{query}")
            assert (ids(document), document["meta"]) == ([mine.id], {"record_count": 1}), query
        for query in (f"filter[id]={theirs.id}", "filter[customer.id]=456", "filter[caller_id_name]=Desk"):
            document = await caller.found(f"{ACCOUNTS}?{query}")
            assert (document["data"], document["meta"]) == ([], {"record_count": 0}), query
        for query in ("", "filter[id]=123,456", "filter[name]=Acme", "sort=-name"):
            assert ids(await caller.found(f"{CUSTOMERS}?{query}")) == ["123"], query


async def test_a_password_is_shown_to_its_operator_and_never_logged(caller: Caller) -> None:
    account = await caller.account(await caller.customer(), password="the-secret-of-it")
    with capture_logs() as logs:
        document = await caller.found(f"{ACCOUNTS}/{account.id}")
        await caller.refused("PATCH", f"{ACCOUNTS}/{account.id}?fields=x", 400, json={})
    assert document["data"]["attributes"]["password"] == "the-secret-of-it"
    assert len(logs) == 2
    assert "the-secret-of-it" not in json.dumps(logs, default=repr)
    assert PASSWORD not in json.dumps(logs, default=repr)


@pytest.mark.parametrize("path", ["/nothing", "/sip_device_routes/a/b", "", "/"])
@pytest.mark.proves("error 404 path")
async def test_what_leads_nowhere_is_told_in_the_dialect_s_shape(caller: Caller, path: str) -> None:
    answer = await caller.http.get(BASE + path)
    if path:
        shapes.Errors.model_validate(answer.json())
    assert answer.status_code == 404


@pytest.mark.proves(
    "/available_did_numbers",
    "/incoming_trunks",
    "/termination_gateways",
    "/termination_routes",
    "/capacity_groups",
    "/incoming_trunk_cdrs",
    "/termination_cdrs",
    "/sessions",
    "/customer_admin_sessions",
)
@pytest.mark.parametrize(
    "resource",
    "available_did_numbers incoming_trunks termination_gateways termination_routes capacity_groups "
    "incoming_trunk_cdrs termination_cdrs sessions customer_admin_sessions".split(),
)
async def test_what_is_not_supported_is_not_found(caller: Caller, resource: str) -> None:
    for method in ("GET", "POST"):
        answer = await caller.http.request(method, f"{BASE}/{resource}")
        assert answer.status_code == 404
        shapes.Errors.model_validate(answer.json())


async def test_the_document_has_exactly_the_operations(caller: Caller) -> None:
    async with caller.world.client() as client:
        document = (await client.get(f"{BASE}/openapi.json")).json()
    assert {(method.upper(), path) for path, methods in document["paths"].items() for method in methods} == {
        ("GET", ACCOUNTS),
        ("GET", f"{ACCOUNTS}/{{id}}"),
        ("PATCH", f"{ACCOUNTS}/{{id}}"),
        ("GET", CUSTOMERS),
        ("POST", CUSTOMERS),
        ("GET", f"{CUSTOMERS}/{{id}}"),
        ("PATCH", f"{CUSTOMERS}/{{id}}"),
        ("DELETE", f"{CUSTOMERS}/{{id}}"),
    }
    listed = {each["name"] for each in document["paths"][ACCOUNTS]["get"]["parameters"]}
    assert listed >= {f"filter[{name}]" for name in SIP_ACCOUNTS.filters} | {"include", "sort", "page[size]"}
    attributes = document["components"]["schemas"]["AccountAttributes"]["properties"]
    assert tuple(attributes) == SIP_ACCOUNTS.attributes
    assert document["components"]["securitySchemes"] == {"OperatorBasic": {"type": "http", "scheme": "basic"}}


async def test_links_name_the_host_that_was_asked(caller: Caller) -> None:
    answer = await caller.http.get(ACCOUNTS, headers={"Host": "api.example:8443"})
    assert answer.json()["links"]["first"].startswith(f"http://api.example:8443{ACCOUNTS}?")


async def test_a_host_that_is_none_breaks_nothing(caller: Caller) -> None:
    for host in ("[", "a b", "\\", "x:y:z"):
        answer = await caller.http.get(ACCOUNTS, headers={"Host": host})
        assert answer.json()["links"]["first"].startswith(f"http://{host}{ACCOUNTS}?")
