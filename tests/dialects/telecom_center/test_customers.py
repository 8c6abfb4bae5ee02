"""Customers through the real app on both stores.

https://doc.telecom.center/reference/customers.html
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.builders import World, create_tenant, dump, import_number
from tests.dialects.telecom_center.caller import ACCOUNTS, CUSTOMERS, Caller, calling, codes, ids, resource

pytestmark = pytest.mark.anyio

BARE = {"language": "EN", "trm_mode": "operator", "capacity_limit": None, "sip_account_limit": None}


@pytest.fixture
async def caller(shared_world: World) -> AsyncIterator[Caller]:
    async with calling(shared_world) as made:
        yield made


async def created(caller: Caller, id: str | None = None, **attributes: Any) -> dict[str, Any]:
    answer = await caller.send("POST", CUSTOMERS, json=resource("customers", id, **{"name": "Acme", **attributes}))
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json()["data"]
    assert answer.headers["location"] == data["links"]["self"] == f"http://cordboard{CUSTOMERS}/{data['id']}"
    return data


@pytest.mark.proves("POST /customers", "GET /customers/{id}", "every attribute of customers")
@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        # the name alone is required; what is left out is as the documentation says
        ({}, BARE),
        (
            {"language": "LT", "trm_mode": "system_customer", "capacity_limit": 10, "sip_account_limit": 5},
            {"language": "LT", "trm_mode": "system_customer", "capacity_limit": 10, "sip_account_limit": 5},
        ),
        # the termination mode by the name that the pages on gateways and routes give it
        ({"termination_mode": "customer"}, {**BARE, "trm_mode": "customer"}),
        ({"termination_mode": "system", "trm_mode": "system"}, {**BARE, "trm_mode": "system"}),
        # limits as text; null is none
        ({"capacity_limit": "7", "sip_account_limit": "0"}, {**BARE, "capacity_limit": 7, "sip_account_limit": 0}),
        ({"capacity_limit": None, "sip_account_limit": None}, BARE),
    ],
)
async def test_a_customer_is_made(caller: Caller, sent: dict[str, Any], shown: dict[str, Any]) -> None:
    made = await created(caller, "123", name=" Acme & Sons ", **sent)
    assert (made["id"], made["attributes"]) == ("123", {"name": "Acme & Sons", **shown})
    assert (await caller.found(f"{CUSTOMERS}/123"))["data"] == made


@pytest.mark.proves("POST /customers")
async def test_the_id_is_the_client_s_or_is_made(caller: Caller) -> None:
    answer = await caller.send(
        "POST", CUSTOMERS, json={"data": {"id": 7, "type": "customers", "attributes": {"name": "A"}}}
    )
    assert answer.json()["data"]["id"] == "7"
    await created(caller, "1")
    # numbers that the operator has not used itself
    assert [(await created(caller))["id"] for _ in range(2)] == ["2", "3"]
    assert (await created(caller, "crm-0_1.a~b"))["id"] == "crm-0_1.a~b"


@pytest.mark.proves("error 103")
@pytest.mark.parametrize("id", [True, 1.5, [], {"a": 1}, "", "a/b", "a,b", "a b", "..", "x" * 65, "\u0661"])
async def test_an_id_that_cannot_be_one_is_refused(caller: Caller, id: Any) -> None:
    body = {"data": {"id": id, "type": "customers", "attributes": {"name": "Acme"}}}
    (error,) = await caller.refused("POST", CUSTOMERS, 400, json=body)
    assert (error["code"], error["title"]) == ("103", "Invalid field value")
    assert error["detail"].endswith(" is not a valid value for id.")


@pytest.mark.proves("error 409")
async def test_an_id_is_taken_once_by_each_operator(caller: Caller) -> None:
    await created(caller, "123")
    (error,) = await caller.refused("POST", CUSTOMERS, 409, json=resource("customers", "123", name="Other"))
    assert (error["code"], error["status"]) == ("409", "409")
    async with calling(caller.world) as other:
        assert (await created(other, "123", name="Theirs"))["id"] == "123"
        assert (await other.found(CUSTOMERS))["meta"]["record_count"] == 1
    assert (await caller.found(f"{CUSTOMERS}/123"))["data"]["attributes"]["name"] == "Acme"


@pytest.mark.proves("error 100")
@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("name", None, "can't be blank"),
        ("name", "", "can't be blank"),
        ("name", "  ", "a name has 1 to 255 printable characters"),
        ("name", "x" * 256, "a name has 1 to 255 printable characters"),
        ("name", "a\u0000b", "a name has 1 to 255 printable characters"),
        ("name", 7, "must be a string"),
        ("language", "DE", "is not included in the list: EN, RU, LT, LV"),
        ("language", None, "is not included in the list: EN, RU, LT, LV"),
        ("language", ["EN"], "is not included in the list: EN, RU, LT, LV"),
        (
            "trm_mode",
            "auto",
            "is not included in the list: operator, operator_customer, system, system_customer, customer",
        ),
        ("capacity_limit", -1, "must be 0 to 2147483647"),
        ("capacity_limit", 2**31, "must be 0 to 2147483647"),
        ("sip_account_limit", "many", "is not a number"),
        ("sip_account_limit", 1.5, "is not a number"),
        ("sip_account_limit", True, "is not a number"),
        ("sip_account_limit", "\u0661", "is not a number"),
    ],
)
async def test_what_fails_validation_points_at_its_attribute(
    caller: Caller, attribute: str, value: Any, message: str
) -> None:
    await created(caller, "1")
    before = await dump(caller.world)
    body = resource("customers", "1", **{"name": "New", "capacity_limit": 5, attribute: value})
    for method, path in (("PATCH", f"{CUSTOMERS}/1"), ("POST", CUSTOMERS)):
        (error,) = await caller.refused(method, path, 422, json=body)
        assert error == {
            "title": message,
            "detail": f"{attribute} - {message}",
            "code": "100",
            "source": {"pointer": f"/data/attributes/{attribute}"},
            "status": "422",
        }
    assert await dump(caller.world) == before


async def test_a_customer_without_a_name_is_not_made(caller: Caller) -> None:
    for attributes in ({}, {"language": "EN"}):
        body = {"data": {"type": "customers", "attributes": attributes}}
        (error,) = await caller.refused("POST", CUSTOMERS, 422, json=body)
        assert error["detail"] == "name - can't be blank"
    (error,) = await caller.refused("POST", CUSTOMERS, 422, json={"data": {"type": "customers"}})
    assert error["detail"] == "name - can't be blank"


async def test_two_names_of_one_thing_say_the_same(caller: Caller) -> None:
    body = resource("customers", name="A", trm_mode="system", termination_mode="customer")
    (error,) = await caller.refused("POST", CUSTOMERS, 422, json=body)
    assert error["source"]["pointer"] == "/data/attributes/termination_mode"


@pytest.mark.proves("PATCH /customers/{id}")
async def test_a_customer_is_changed(caller: Caller) -> None:
    made = await created(caller, "1", capacity_limit=3, sip_account_limit=4)
    path = f"{CUSTOMERS}/1"
    for sent, shown in (
        ({"name": "New"}, {"name": "New"}),
        ({"language": "LV", "capacity_limit": None}, {"language": "LV", "capacity_limit": None}),
        ({"sip_account_limit": 0, "termination_mode": "system"}, {"sip_account_limit": 0, "trm_mode": "system"}),
        ({}, {}),
    ):
        answer = await caller.send("PATCH", path, json=resource("customers", "1", **sent))
        assert answer.status_code == 200, answer.text
        made["attributes"] |= shown
        assert answer.json()["data"] == made == (await caller.found(path))["data"]
    answer = await caller.send("PATCH", f"{path}?fields[customers]=name", json={"data": {"id": 1, "type": "customers"}})
    assert answer.json()["data"]["attributes"] == {"name": "New"}


async def test_an_id_is_not_changed(caller: Caller) -> None:
    await created(caller, "1")
    (error,) = await caller.refused("PATCH", f"{CUSTOMERS}/1", 400, json=resource("customers", "2", name="A"))
    assert (error["code"], error["detail"]) == ("110", "The URL does not support the key 2")


@pytest.mark.proves("sip_account_limit")
async def test_a_limit_below_the_count_is_taken_and_hurts_no_account(caller: Caller) -> None:
    customer = await caller.customer("1")
    made = [await caller.account(customer) for _ in range(2)]
    answer = await caller.send("PATCH", f"{CUSTOMERS}/1", json=resource("customers", "1", sip_account_limit=1))
    assert answer.status_code == 200
    assert sorted(ids(await caller.found(ACCOUNTS))) == sorted(account.id for account in made)


@pytest.mark.proves("DELETE /customers/{id}")
async def test_what_is_a_customer_s_goes_with_it(caller: Caller) -> None:
    customer, other = await caller.customer("1"), await caller.customer("2")
    gone, stays = await caller.account(customer), await caller.account(other)
    await import_number(caller.world, customer.id)
    answer = await caller.send("DELETE", f"{CUSTOMERS}/1")
    assert (answer.status_code, answer.content) == (204, b"")
    await caller.refused("GET", f"{CUSTOMERS}/1", 404)
    await caller.refused("GET", f"{ACCOUNTS}/{gone.id}", 404)
    await caller.refused("DELETE", f"{CUSTOMERS}/1", 404)
    assert ids(await caller.found(ACCOUNTS)) == [stays.id]
    assert ids(await caller.found(CUSTOMERS)) == ["2"]
    rows = await dump(caller.world)
    for table in ("number", "trunk", "account"):
        assert [row for row in rows[table] if row["tenant_id"] == customer.id] == []


@pytest.mark.proves(
    "GET /customers", "filter[id] of customers", "filter[name] of customers", "parameter sort", "parameter fields"
)
async def test_customers_are_listed(caller: Caller) -> None:
    for id, name, limit in (("10", "Beta", 1), ("2", "Alpha", None), ("a", "beta", 3)):
        await created(caller, id, name=name, capacity_limit=limit)
    for query, found in (
        # by id, as text
        ("", "10 2 a"),
        ("sort=-id", "a 2 10"),
        ("sort=-name", "a 10 2"),
        ("sort=capacity_limit", "2 10 a"),
        ("sort=-language,trm_mode,sip_account_limit,-id", "a 2 10"),
        # exact, any of a comma list, and all filters
        ("filter[id]=2,a,x", "2 a"),
        ("filter[name]=beta", "a"),
        ("filter[id]=10&filter[name]=beta", ""),
        ("filter[name]=%00", ""),
        ("page[size]=1&page[number]=2", "2"),
        ("page=9", ""),
    ):
        assert " ".join(ids(await caller.found(f"{CUSTOMERS}?{query}"))) == found, query
    document = await caller.found(f"{CUSTOMERS}?fields[customers]=language&page[size]=2")
    assert [each["attributes"] for each in document["data"]] == [{"language": "EN"}] * 2
    assert document["meta"] == {"record_count": 3}


@pytest.mark.proves("error 112", "error 102", "error 114")
async def test_what_customers_do_not_have_is_refused(caller: Caller) -> None:
    for query, code in (
        ("include=capacity_group", "112"),
        ("filter[language]=EN", "102"),
        ("sort=username", "114"),
    ):
        assert codes(await caller.refused("GET", f"{CUSTOMERS}?{query}", 400)) == [code]
    assert codes(await caller.refused("GET", f"{CUSTOMERS}/1?include=customer", 400)) == ["112"]


@pytest.mark.proves("error 404")
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_an_unknown_customer_is_not_found(caller: Caller, method: str) -> None:
    tenant = await create_tenant(caller.world, "of no operator", f"ref-{method}")
    for id in ("9", f"ref-{method}", tenant, "%00", "x" * 200):
        body = resource("customers", id, name="New")
        (error,) = await caller.refused(method, f"{CUSTOMERS}/{id}", 404, json=body)
        assert (error["code"], error["title"]) == ("404", "Record not found")


async def test_methods_that_there_are_not_name_those_that_there_are(caller: Caller) -> None:
    for path, allowed in ((CUSTOMERS, {"GET", "HEAD", "POST"}), (f"{CUSTOMERS}/1", {"GET", "HEAD", "PATCH", "DELETE"})):
        answer = await caller.send("PUT", path)
        assert (answer.status_code, set(answer.headers["allow"].split(", "))) == (405, allowed)
