"""Bodies that are not as they must be, one row for each line of the table of errors, through the real app."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cordboard.domain.accounts import Account
from tests.builders import World, dump
from tests.dialects.telecom_center.caller import ACCOUNTS, CUSTOMERS, TYPE, Caller, calling

pytestmark = pytest.mark.anyio

ROUTE: dict[str, Any] = {"id": "<id>", "type": "sip_device_routes"}


@pytest.fixture
async def caller(shared_world: World) -> AsyncIterator[Caller]:
    async with calling(shared_world) as made:
        yield made


@pytest.fixture
async def account(caller: Caller) -> Account:
    return await caller.account(await caller.customer("1"))


def route(**changes: Any) -> dict[str, Any]:
    return {"data": {**ROUTE, **changes}}


def linked(linkage: Any) -> dict[str, Any]:
    return route(relationships={"customer": linkage})


TABLE: list[tuple[str, Any, str, str, str]] = [
    ("another type", route(type="customers"), "101", "Invalid resource", "customers is not a valid resource."),
    ("a type that is no text", route(type=7), "101", "Invalid resource", "7 is not a valid resource."),
    (
        "a read-only attribute",
        route(attributes={"username": "x"}),
        "105",
        "Param not allowed",
        "username is not allowed.",
    ),
    ("an unknown attribute", route(attributes={"color": "x"}), "105", "Param not allowed", "color is not allowed."),
    (
        "a read-only relationship",
        linked({"data": {"type": "customers", "id": "1"}}),
        "105",
        "Param not allowed",
        "customer is not allowed.",
    ),
    ("a relationship that is cleared", linked({"data": None}), "105", "Param not allowed", "customer is not allowed."),
    (
        "an unknown relationship",
        route(relationships={"trunk": {"data": None}}),
        "105",
        "Param not allowed",
        "trunk is not allowed.",
    ),
    ("an unknown member", route(foo=1), "105", "Param not allowed", "foo is not allowed."),
    ("no data", {}, "106", "Missing Parameter", "The required parameter, data, is missing."),
    ("null data", {"data": None}, "106", "Missing Parameter", "The required parameter, data, is missing."),
    ("empty data", {"data": {}}, "106", "Missing Parameter", "The required parameter, data, is missing."),
    ("another document", [], "106", "Missing Parameter", "The required parameter, data, is missing."),
    ("a text", "data", "106", "Missing Parameter", "The required parameter, data, is missing."),
    ("no type", {"data": {"id": "<id>"}}, "106", "Missing Parameter", "The required parameter, type, is missing."),
    (
        "no id",
        {"data": {"type": "sip_device_routes"}},
        "109",
        "A key is required",
        "The resource object does not contain a key.",
    ),
    ("null id", route(id=None), "109", "A key is required", "The resource object does not contain a key."),
    ("another id", route(id="7"), "110", "Key is not included in URL", "The URL does not support the key 7"),
    ("an id as a number", route(id=7), "110", "Key is not included in URL", "The URL does not support the key 7"),
    (
        "an id that is a list",
        route(id=[1]),
        "110",
        "Key is not included in URL",
        "The URL does not support the key [1]",
    ),
    ("linkage in text", linked({"data": "1"}), "115", "Invalid Links Object", "Data is not a valid Links Object."),
    ("linkage to many", linked({"data": []}), "115", "Invalid Links Object", "Data is not a valid Links Object."),
    (
        "linkage without an id",
        linked({"data": {"type": "customers"}}),
        "115",
        "Invalid Links Object",
        "Data is not a valid Links Object.",
    ),
    ("linkage without data", linked({}), "115", "Invalid Links Object", "Data is not a valid Links Object."),
    (
        "linkage of another type",
        linked({"data": {"type": "trunks", "id": "1"}}),
        "116",
        "Type Mismatch",
        "trunks is not a valid type for this operation.",
    ),
    (
        "an id of the wrong kind in linkage",
        linked({"data": {"type": "customers", "id": {"a": 1}}}),
        "103",
        "Invalid field value",
        "{'a': 1} is not a valid value for id.",
    ),
    ("data in a list", {"data": [ROUTE]}, "122", "Invalid data format", "Data must be a hash."),
    ("data in text", {"data": "x"}, "122", "Invalid data format", "Data must be a hash."),
    ("attributes in a list", route(attributes=["x"]), "122", "Invalid data format", "Data must be a hash."),
    ("relationships in text", route(relationships="x"), "122", "Invalid data format", "Data must be a hash."),
]


@pytest.mark.proves(
    "error 101",
    "error 103",
    "error 105 body",
    "error 106",
    "error 109",
    "error 110",
    "error 115",
    "error 116",
    "error 122",
)
@pytest.mark.parametrize(("body", "code", "title", "detail"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
async def test_each_form_that_is_refused(
    caller: Caller, account: Account, body: Any, code: str, title: str, detail: str
) -> None:
    before = await dump(caller.world)
    text = json.dumps(body).replace("<id>", account.id)
    errors = await caller.refused("PATCH", f"{ACCOUNTS}/{account.id}", 400, content=text)
    assert errors == [{"title": title, "detail": detail, "code": code, "status": "400"}]
    assert await dump(caller.world) == before


@pytest.mark.proves("error 400")
@pytest.mark.parametrize(
    "text",
    [
        "{",
        "nonsense",
        '{"data": {"id": "\\ud800"}}',
        '{"data": NaN}',
        '{"data": 1,}',
        "[" * 5000,
        '{"data":' + "9" * 5000 + "}",
        b"\xff\xfe",
        b"\x00",
    ],
)
async def test_broken_json_is_told_in_the_parser_s_words(caller: Caller, account: Account, text: str | bytes) -> None:
    for method, path in (("PATCH", f"{ACCOUNTS}/{account.id}"), ("POST", CUSTOMERS)):
        (error,) = await caller.refused(method, path, 400, content=text)
        assert (error["code"], error["title"]) == ("400", "Bad Request")
        assert error["detail"]


@pytest.mark.parametrize("text", ["", "  \n"])
async def test_an_empty_body_lacks_its_data(caller: Caller, account: Account, text: str) -> None:
    (error,) = await caller.refused("PATCH", f"{ACCOUNTS}/{account.id}", 400, content=text)
    assert error["code"] == "106"


async def test_all_that_is_not_allowed_is_told_at_once(caller: Caller, account: Account) -> None:
    body = route(attributes={"username": "x", "password": "y", "allowed_ips": "nowhere"}, foo=1)
    text = json.dumps(body).replace("<id>", account.id)
    errors = await caller.refused("PATCH", f"{ACCOUNTS}/{account.id}", 400, content=text)
    assert [error["detail"] for error in errors] == [
        f"{name} is not allowed." for name in ("foo", "username", "password")
    ]


async def test_links_and_meta_of_an_object_that_was_fetched_may_be_sent_back(caller: Caller, account: Account) -> None:
    document = await caller.found(f"{ACCOUNTS}/{account.id}")
    document["data"]["attributes"] = {"use_allowed_ips": True}
    document["data"]["meta"] = {}
    answer = await caller.send("PATCH", f"{ACCOUNTS}/{account.id}", json={**document, "jsonapi": {"version": "1.0"}})
    assert answer.status_code == 200


@pytest.mark.proves("error 415", "header Content-Type")
@pytest.mark.parametrize("sent", [f"{TYPE}; charset=utf-8", "application/json", "text/plain", ""])
async def test_a_body_of_another_type_is_not_looked_at(caller: Caller, account: Account, sent: str) -> None:
    before = await dump(caller.world)
    body = json.dumps(route(attributes={"use_allowed_ips": True})).replace("<id>", account.id)
    for method, path in (("PATCH", f"{ACCOUNTS}/{account.id}"), ("POST", CUSTOMERS)):
        (error,) = await caller.refused(method, path, 415, content=body, headers={"Content-Type": sent})
        assert (error["code"], error["title"]) == ("415", "Unsupported media type")
        assert f"'{sent}'" in error["detail"]
    assert await dump(caller.world) == before


@pytest.mark.proves("error 415", "error 406", "header Accept", "header Content-Type")
async def test_headers_are_looked_at_on_every_method(caller: Caller, account: Account) -> None:
    for method, path in (("GET", ACCOUNTS), ("GET", f"{ACCOUNTS}/{account.id}"), ("DELETE", f"{CUSTOMERS}/1")):
        await caller.refused(method, path, 415, headers={"Content-Type": f"{TYPE};a=b"})
        (error,) = await caller.refused(method, path, 406, headers={"Accept": f"{TYPE};a=b"})
        assert (error["code"], error["title"]) == ("406", "Not acceptable")
    for accept in ("application/json", "*/*", f"{TYPE};q=0.1", f"{TYPE};a=b, {TYPE}"):
        assert (await caller.send("GET", ACCOUNTS, headers={"Accept": accept})).status_code == 200
    # a client that sends several fields means one list
    answer = await caller.http.get(ACCOUNTS, headers=[("Accept", f"{TYPE};a=b"), ("Accept", TYPE)])
    assert answer.status_code == 200
    assert (await caller.http.get(ACCOUNTS)).status_code == 200


@pytest.mark.proves("error 413")
async def test_a_body_without_end_is_not_read(caller: Caller, account: Account) -> None:
    (error,) = await caller.refused("PATCH", f"{ACCOUNTS}/{account.id}", 413, content=b" " * (1024 * 1024 + 1))
    assert error["code"] == "413"
