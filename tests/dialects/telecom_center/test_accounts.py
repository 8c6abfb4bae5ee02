"""Fetching SIP accounts through the real app on both stores.

https://doc.telecom.center/reference/sip-accounts.html
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from cordboard.dialects.server import server
from cordboard.dialects.telecom_center.routes import PREFIX, Installation, app
from cordboard.domain.accounts import Recording
from cordboard.domain.edge import Binding
from cordboard.domain.errors import EdgeUnavailable
from cordboard.usecases.attempts import Attempts
from cordboard.usecases.operators import Logins
from tests.builders import World, create_account, create_tenant, import_number, unknown_id
from tests.dialects.telecom_center.caller import ACCOUNTS, Caller, calling, codes, ids
from tests.dialects.telecom_center.shapes import ATTRIBUTES

pytestmark = pytest.mark.anyio


@pytest.fixture
async def caller(shared_world: World) -> AsyncIterator[Caller]:
    async with calling(shared_world) as made:
        yield made


@pytest.fixture
async def many(caller: Caller) -> Caller:
    """Six accounts of two customers, called a to f."""
    one, two = await caller.customer("1"), await caller.customer("2")
    await import_number(caller.world, one.id, f"+3490{caller.operator.name.partition('-')[2]:0>7}")
    outside = int(f"3490{caller.operator.name.partition('-')[2]:0>7}")
    u = caller.operator.name
    await caller.account(one, f"{u}.a", caller_name="Reception", extension=101)
    await caller.account(one, f"{u}.b", caller_name="reception", extension=102)
    await caller.account(one, f"{u}.c", external_number=outside, may_call_outside=True)
    await caller.account(one, f"{u}.d", external_number=outside, recording=frozenset(Recording))
    await caller.account(two, f"{u}.e", caller_name="Reception", extension=101)
    await caller.account(two, f"{u}.f", restricted=True, allowed="10.0.0.0/8")
    return caller


async def letters(caller: Caller, query: str) -> str:
    """The last letters of the usernames of a page."""
    return "".join(name[-1] for name in await caller.usernames(query))


@pytest.mark.proves("GET /sip_device_routes", "GET /sip_device_routes/{id}", "every attribute of sip_device_routes")
async def test_each_attribute_shows_what_the_account_has(caller: Caller) -> None:
    customer = await caller.customer()
    await import_number(caller.world, customer.id, "+34911234567")
    made = await caller.account(
        customer,
        "user.with.all",
        password="its-password",
        caller_name="Front desk",
        extension=101,
        external_number=34911234567,
        may_call_outside=True,
        restricted=True,
        allowed="10.1.2.3/8, 2001:DB8::1",
        recording=frozenset({Recording.INCOMING_EXTERNAL, Recording.OUTGOING_INTERNAL}),
    )
    (listed,) = (await caller.found(ACCOUNTS))["data"]
    assert listed["attributes"] == {
        "username": "user.with.all",
        "password": "its-password",
        "incoming_internal": False,
        "incoming_external": True,
        "outgoing_internal": True,
        "outgoing_external": False,
        "on_demand": False,
        "caller_id_name": "Front desk",
        "internal_caller_id": 101,
        "external_caller_id": 34911234567,
        "allow_external_calls": True,
        "is_online": False,
        "user_agent": None,
        "use_allowed_ips": True,
        "allowed_ips": "10.0.0.0/8,2001:db8::1/128",
    }
    assert (await caller.found(f"{ACCOUNTS}/{made.id}"))["data"] == listed
    assert (await caller.found(f"{ACCOUNTS}/{str(made.id).upper()}"))["data"] == listed


@pytest.mark.parametrize(
    ("switch", "attribute"),
    [
        (Recording.INCOMING_INTERNAL, "incoming_internal"),
        (Recording.INCOMING_EXTERNAL, "incoming_external"),
        (Recording.OUTGOING_INTERNAL, "outgoing_internal"),
        (Recording.OUTGOING_EXTERNAL, "outgoing_external"),
        (Recording.ON_DEMAND, "on_demand"),
    ],
)
@pytest.mark.proves("incoming_internal", "incoming_external", "outgoing_internal", "outgoing_external", "on_demand")
async def test_each_recording_switch_is_its_own_attribute(caller: Caller, switch: Recording, attribute: str) -> None:
    made = await caller.account(await caller.customer(), recording=frozenset({switch}))
    shown = (await caller.found(f"{ACCOUNTS}/{made.id}"))["data"]["attributes"]
    assert [name for name in ATTRIBUTES[2:7] if shown[name]] == [attribute]


@pytest.mark.proves(
    "filter[id] of sip_device_routes",
    "filter[customer.id] of sip_device_routes",
    "filter[username] of sip_device_routes",
    "filter[caller_id_name] of sip_device_routes",
    "filter[allow_external_calls] of sip_device_routes",
    "filter[internal_caller_id] of sip_device_routes",
    "filter[external_caller_id] of sip_device_routes",
)
@pytest.mark.proves("filter[id] that is no uuid")
async def test_filters_find_what_fits_exactly(many: Caller) -> None:
    by_letter = {each["attributes"]["username"][-1]: each["id"] for each in (await many.found(ACCOUNTS))["data"]}
    outside = (await many.found(f"{ACCOUNTS}/{by_letter['c']}"))["data"]["attributes"]["external_caller_id"]
    u = many.operator.name
    for query, found in (
        # the seven of the vendor's table
        (f"filter[id]={by_letter['b']}", "b"),
        ("filter[customer.id]=2", "ef"),
        (f"filter[username]={u}.d", "d"),
        ("filter[caller_id_name]=Reception", "ae"),
        ("filter[allow_external_calls]=true", "c"),
        ("filter[allow_external_calls]=false", "abdef"),
        ("filter[internal_caller_id]=101", "ae"),
        (f"filter[external_caller_id]={outside}", "cd"),
        # a comma list is any of its values
        (f"filter[id]={by_letter['b']},{by_letter['f']},{unknown_id()}", "bf"),
        ("filter[customer.id]=1,2", "abcdef"),
        ("filter[allow_external_calls]=true,false", "abcdef"),
        ("filter[internal_caller_id]=101,102,103", "abe"),
        # several filters: all of them
        ("filter[customer.id]=1&filter[caller_id_name]=Reception", "a"),
        ("filter[customer.id]=2&filter[allow_external_calls]=true", ""),
        # exact, case-sensitive
        ("filter[caller_id_name]=reception", "b"),
        ("filter[caller_id_name]=Recep", ""),
        (f"filter[username]={u.upper()}.A", ""),
        # what nothing can have
        ("filter[id]=no-uuid", ""),
        ("filter[id]=", ""),
        ("filter[customer.id]=3", ""),
        ("filter[username]=%00", ""),
        ("filter[customer.id]=%00", ""),
        ("filter[internal_caller_id]=" + "9" * 30, ""),
    ):
        assert await letters(many, f"sort=username&{query}") == found, query
        document = await many.found(f"{ACCOUNTS}?{query}&page[size]=1")
        assert document["meta"] == {"record_count": len(found)}, query


@pytest.mark.proves("parameter sort")
async def test_lists_are_sorted_as_asked_and_then_by_id(many: Caller) -> None:
    everything = await many.found(ACCOUNTS)
    assert ids(everything) == sorted(ids(everything))
    assert ids(await many.found(f"{ACCOUNTS}?sort=-id")) == sorted(ids(everything), reverse=True)
    for query, order in (
        ("sort=username", "abcdef"),
        ("sort=-username", "fedcba"),
        ("sort=internal_caller_id,-username", "fdceab"),
        ("sort=-internal_caller_id,username", "baecdf"),
        ("sort=-allow_external_calls,username", "cabdef"),
        ("sort=-use_allowed_ips,username", "fabcde"),
        ("sort=-on_demand,-username", "dfecba"),
        ("sort=external_caller_id,username", "abefcd"),
        ("sort=allowed_ips,username", "abcdef"),
    ):
        assert await letters(many, query) == order, query
    for name in ATTRIBUTES:
        if name not in ("password", "is_online", "user_agent"):
            assert len(await letters(many, f"sort=-{name}")) == 6, name


@pytest.mark.proves("parameter page[number]", "parameter page[size]", "links of a list")
async def test_the_links_lead_through_all_pages(many: Caller) -> None:
    seen, url = [], f"{ACCOUNTS}?sort=-username&page[size]=4&fields[sip_device_routes]=username"
    while url:
        document = await many.found(url)
        assert document["meta"] == {"record_count": 6}
        seen += [each["attributes"]["username"][-1] for each in document["data"]]
        url = document["links"].get("next")
    assert "".join(seen) == "fedcba"
    assert "prev" in document["links"]
    past = await many.found(f"{ACCOUNTS}?page[number]=1000000000000000000000")
    assert (past["data"], past["meta"]) == ([], {"record_count": 6})


@pytest.mark.proves("parameter page[size]")
async def test_an_installation_may_give_smaller_pages(world: World) -> None:
    async with calling(world) as caller:
        customer = await caller.customer()
        for _ in range(3):
            await caller.account(customer)
        small = Installation(context=world.context, logins=Logins(world.store, Attempts(world.clock)), largest_page=2)
        transport = httpx2.ASGITransport(
            app=server({PREFIX: ("small", app(small, "0"))}, CollectorRegistry(), lambda: None)
        )
        async with httpx2.AsyncClient(transport=transport, base_url="http://cordboard", auth=caller.http.auth) as http:
            document = (await http.get(ACCOUNTS)).json()
            assert (len(document["data"]), document["meta"]) == (2, {"record_count": 3})
            (error,) = (await http.get(f"{ACCOUNTS}?page[size]=3")).json()["errors"]
            assert error["detail"] == "size exceeds maximum page size of 2."


@pytest.mark.proves("parameter include", "parameter fields", "relationship customer")
async def test_customers_are_included_once_each(many: Caller) -> None:
    document = await many.found(f"{ACCOUNTS}?include=customer&fields[customers]=name&sort=username")
    assert [each["relationships"]["customer"]["data"]["id"] for each in document["data"]] == list("111122")
    assert [(each["id"], each["attributes"]) for each in document["included"]] == [
        ("1", {"name": "Acme"}),
        ("2", {"name": "Acme"}),
    ]
    one = await many.found(
        f"{ACCOUNTS}/{document['data'][0]['id']}?include=customer&fields[sip_device_routes]=customer"
    )
    assert (list(one), list(one["data"])) == (["data", "included"], ["id", "type", "links", "relationships"])
    assert one["included"][0]["attributes"]["language"] == "EN"
    bare = await many.found(f"{ACCOUNTS}?fields[sip_device_routes]=username")
    assert {tuple(each["attributes"]) for each in bare["data"]} == {("username",)}
    assert "relationships" not in bare["data"][0]


@dataclass
class Registrar:
    """Who is registered, as the test says; None is an edge that does not answer."""

    online: dict[str, tuple[Binding, ...]] | None
    asked: list[list[str]] = field(default_factory=list)

    async def registrations(self, usernames: Sequence[str]) -> Mapping[str, tuple[Binding, ...]]:
        self.asked.append(list(usernames))
        if self.online is None:
            raise EdgeUnavailable
        return {name: self.online[name] for name in usernames if name in self.online}


def binding(user_agent: str | None) -> Binding:
    return Binding(contact="sip:x@127.0.3.1", received="sip:127.0.3.1:5060", user_agent=user_agent, expires=60)


@pytest.mark.proves("is_online", "user_agent")
@pytest.mark.parametrize(
    ("bindings", "shown"),
    [
        # at least one unexpired binding
        ((binding("Baresip 1.0"),), (True, "Baresip 1.0")),
        # of several, that which registered last, which comes first
        ((binding("new"), binding("old")), (True, "new")),
        # not sent
        ((binding(None), binding("old")), (True, None)),
        # none
        ((), (False, None)),
    ],
)
async def test_live_state_is_the_registrar_s(
    world: World, bindings: tuple[Binding, ...], shown: tuple[bool, str | None]
) -> None:
    registrar = Registrar({"alice": bindings, "stranger": (binding("x"),)})
    world.registrar = registrar
    async with calling(world) as caller:
        customer = await caller.customer()
        alice = await caller.account(customer, "alice")
        await caller.account(customer, "bob")
        for path in (f"{ACCOUNTS}/{alice.id}", f"{ACCOUNTS}?filter[username]=alice"):
            data = (await caller.found(path))["data"]
            attributes = (data[0] if isinstance(data, list) else data)["attributes"]
            assert (attributes["is_online"], attributes["user_agent"]) == shown
        # a page is one batch
        registrar.asked.clear()
        await caller.found(ACCOUNTS)
        assert [sorted(batch) for batch in registrar.asked] == [["alice", "bob"]]


@pytest.mark.proves("is_online")
@pytest.mark.proves("an edge that does not answer")
async def test_nobody_is_online_on_an_edge_that_does_not_answer(world: World) -> None:
    world.registrar = Registrar(None)
    async with calling(world) as caller:
        await caller.account(await caller.customer(), "alice")
        (shown,) = (await caller.found(ACCOUNTS))["data"]
        assert (shown["attributes"]["is_online"], shown["attributes"]["user_agent"]) == (False, None)


async def test_live_state_that_is_not_shown_is_not_asked_for(world: World) -> None:
    world.registrar = registrar = Registrar({})
    async with calling(world) as caller:
        await caller.found(ACCOUNTS)
        await caller.account(await caller.customer(), "alice")
        await caller.found(f"{ACCOUNTS}?fields[sip_device_routes]=username,password")
        assert registrar.asked == []


@pytest.mark.proves("error 404")
@pytest.mark.parametrize("id", ["00000000-0000-4000-8000-000000000000", "7", "c1c798dcee42462e8fca0fa96d6fe3c0", "%00"])
@pytest.mark.parametrize("method", ["GET", "PATCH"])
async def test_an_unknown_account_is_not_found(caller: Caller, id: str, method: str) -> None:
    body = {"data": {"id": id, "type": "sip_device_routes", "attributes": {"use_allowed_ips": True}}}
    (error,) = await caller.refused(method, f"{ACCOUNTS}/{id}", 404, json=body)
    assert (error["code"], error["title"]) == ("404", "Record not found")
    if id != "%00":
        assert error["detail"] == f"The record identified by {id} could not be found."


async def test_accounts_of_no_operator_are_nobody_s(caller: Caller) -> None:
    made = await caller.account(await caller.customer())
    tenant = await create_tenant(caller.world, "without an operator")
    other = await create_account(caller.world, tenant)
    assert ids(await caller.found(ACCOUNTS)) == [made.id]
    await caller.refused("GET", f"{ACCOUNTS}/{other.id}", 404)


@pytest.mark.proves("POST /sip_device_routes", "DELETE /sip_device_routes/{id}", "error 405")
@pytest.mark.proves("PUT")
async def test_accounts_are_neither_made_nor_deleted_here(caller: Caller) -> None:
    made = await caller.account(await caller.customer())
    for method, path, allowed in (
        ("POST", ACCOUNTS, {"GET", "HEAD"}),
        ("DELETE", ACCOUNTS, {"GET", "HEAD"}),
        ("POST", f"{ACCOUNTS}/{made.id}", {"GET", "HEAD", "PATCH"}),
        ("DELETE", f"{ACCOUNTS}/{made.id}", {"GET", "HEAD", "PATCH"}),
        ("PUT", f"{ACCOUNTS}/{made.id}", {"GET", "HEAD", "PATCH"}),
        ("BREW", f"{ACCOUNTS}/{made.id}/", {"GET", "HEAD", "PATCH"}),
    ):
        answer = await caller.send(method, path)
        assert answer.status_code == 405, path
        assert set(answer.headers["allow"].split(", ")) == allowed
        assert codes(answer.json()["errors"]) == ["405"]
    assert ids(await caller.found(ACCOUNTS)) == [made.id]


async def test_a_trailing_slash_is_the_same_place(caller: Caller) -> None:
    made = await caller.account(await caller.customer())
    assert await caller.found(f"{ACCOUNTS}/") == await caller.found(ACCOUNTS)
    assert await caller.found(f"{ACCOUNTS}/{made.id}/") == await caller.found(f"{ACCOUNTS}/{made.id}")
