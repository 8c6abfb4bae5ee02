"""Documents: their keys in order, their links as the vendor's example has them."""

import json
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.dialects.telecom_center.documents import Shown, Site, many, one
from cordboard.dialects.telecom_center.query import parse_list, parse_view
from cordboard.dialects.telecom_center.resources import SIP_ACCOUNTS

BASE = "https://api.telecom.center/api/rest/public/operator"
SITE = Site(base=BASE)
CUSTOMER = Shown(type="customers", id="12 3", attributes={"name": "Acme", "language": "EN"})
ACCOUNT = Shown(
    type="sip_device_routes", id="a-1", attributes={"username": "u", "is_online": False}, related={"customer": CUSTOMER}
)


def page(query: str, shown: list[Shown] | None = None, total: int | None = None) -> dict[str, object]:
    found = [ACCOUNT] if shown is None else shown
    asked = parse_list(parse_qsl(query, keep_blank_values=True), SIP_ACCOUNTS, 1000)
    return many(SITE, "sip_device_routes", found, len(found) if total is None else total, asked)


@pytest.mark.proves("document of a list")
def test_a_list_has_data_meta_and_links() -> None:
    assert json.dumps(page("")) == json.dumps(
        {
            "data": [
                {
                    "id": "a-1",
                    "type": "sip_device_routes",
                    "links": {"self": f"{BASE}/sip_device_routes/a-1"},
                    "attributes": {"username": "u", "is_online": False},
                }
            ],
            "meta": {"record_count": 1},
            "links": {
                "first": f"{BASE}/sip_device_routes?page%5Bnumber%5D=1&page%5Bsize%5D=50",
                "last": f"{BASE}/sip_device_routes?page%5Bnumber%5D=1&page%5Bsize%5D=50",
            },
        }
    )


@pytest.mark.proves("document of one object")
def test_one_object_has_no_meta_and_no_links_beside_its_own() -> None:
    made = one(SITE, ACCOUNT, parse_view([], SIP_ACCOUNTS))
    assert list(made) == ["data"]
    assert list(made["data"]) == ["id", "type", "links", "attributes"]


@pytest.mark.proves("parameter include", "document with included objects")
def test_an_included_object_comes_once_after_the_data() -> None:
    made = page("include=customer", [ACCOUNT, ACCOUNT])
    assert list(made) == ["data", "included", "meta", "links"]
    data = made["data"]
    assert isinstance(data, list)
    assert list(data[0]) == ["id", "type", "links", "attributes", "relationships"]
    assert data[0]["relationships"] == {"customer": {"data": {"type": "customers", "id": "12 3"}}}
    assert made["included"] == [
        {
            "id": "12 3",
            "type": "customers",
            "links": {"self": f"{BASE}/customers/12%203"},
            "attributes": {"name": "Acme", "language": "EN"},
        }
    ]


def test_a_list_of_nothing_includes_nothing() -> None:
    assert list(page("include=customer", [])) == ["data", "meta", "links"]


@pytest.mark.proves("parameter fields")
@pytest.mark.parametrize(
    ("query", "keys", "attributes", "included"),
    [
        # only those fields, in the order of the documentation
        ("fields[sip_device_routes]=is_online", ["id", "type", "links", "attributes"], ["is_online"], None),
        (
            "fields[sip_device_routes]=is_online,username",
            ["id", "type", "links", "attributes"],
            ["username", "is_online"],
            None,
        ),
        # id, type and links always stay
        ("fields[sip_device_routes]=", ["id", "type", "links"], None, None),
        # naming attributes alone hides relationships, and what was asked for is still included
        (
            "include=customer&fields[sip_device_routes]=username",
            ["id", "type", "links", "attributes"],
            ["username"],
            ["name", "language"],
        ),
        # a relationship counts as a field
        (
            "include=customer&fields[sip_device_routes]=customer",
            ["id", "type", "links", "relationships"],
            None,
            ["name", "language"],
        ),
        # a relationship is shown only if it is included
        ("fields[sip_device_routes]=customer", ["id", "type", "links"], None, None),
        # the fields of what is included
        (
            "include=customer&fields[customers]=language",
            ["id", "type", "links", "attributes", "relationships"],
            ["username", "is_online"],
            ["language"],
        ),
    ],
)
def test_sparse_fields(query: str, keys: list[str], attributes: list[str] | None, included: list[str] | None) -> None:
    for made in (page(query), one(SITE, ACCOUNT, parse_view(parse_qsl(query, keep_blank_values=True), SIP_ACCOUNTS))):
        data = made["data"]
        found = data[0] if isinstance(data, list) else data
        assert isinstance(found, dict)
        assert list(found) == keys
        assert (list(found["attributes"]) if attributes else found.get("attributes")) == attributes
        others = made.get("included")
        assert (list(others[0]["attributes"]) if isinstance(others, list) else None) == included


@pytest.mark.proves("links of a list")
@pytest.mark.parametrize(
    ("query", "total", "links"),
    [
        # the last page is page 1 when there is nothing
        ("", 0, {"first": (1, 50), "last": (1, 50)}),
        ("", 50, {"first": (1, 50), "last": (1, 50)}),
        # next unless on the last page
        ("", 51, {"first": (1, 50), "next": (2, 50), "last": (2, 50)}),
        # prev from page 2 on
        (
            "page[number]=2&page[size]=2",
            5,
            {"first": (1, 2), "prev": (1, 2), "next": (3, 2), "last": (3, 2)},
        ),
        ("page[number]=3&page[size]=2", 5, {"first": (1, 2), "prev": (2, 2), "last": (3, 2)}),
        # past the end
        ("page[number]=9&page[size]=2", 5, {"first": (1, 2), "prev": (8, 2), "last": (3, 2)}),
    ],
)
def test_links(query: str, total: int, links: dict[str, tuple[int, int]]) -> None:
    made = page(query, [], total)
    assert made["links"] == {
        name: f"{BASE}/sip_device_routes?page%5Bnumber%5D={number}&page%5Bsize%5D={size}"
        for name, (number, size) in links.items()
    }
    assert list(made["links"]) == list(links)
    assert made["meta"] == {"record_count": total}


@pytest.mark.proves("links of a list")
def test_links_repeat_what_was_asked_for() -> None:
    query = "sort=-username&filter[customer.id]=1,2&include=customer&fields[customers]=name&page[size]=1&unknown=x"
    made = page(query, total=2)
    assert isinstance(made["links"], dict)
    assert made["links"]["next"] == (
        f"{BASE}/sip_device_routes?fields%5Bcustomers%5D=name&filter%5Bcustomer.id%5D=1%2C2&include=customer"
        "&page%5Bnumber%5D=2&page%5Bsize%5D=1&sort=-username"
    )


@given(name=st.text(max_size=10), total=st.integers(0, 500), size=st.integers(1, 100))
def test_following_the_links_asks_the_same_of_each_page(name: str, total: int, size: int) -> None:
    name = name.replace(",", "").encode(errors="replace").decode()
    asked = parse_list([("filter[username]", name), ("page[size]", str(size))], SIP_ACCOUNTS, 1000)
    seen = []
    while True:
        links = many(SITE, "sip_device_routes", [], total, asked)["links"]
        seen.append(asked.page.number)
        if "next" not in links:
            break
        asked = parse_list(parse_qsl(urlsplit(links["next"]).query, keep_blank_values=True), SIP_ACCOUNTS, 1000)
        assert asked.filters == {"username": (name,)}
        assert asked.page.size == size
    assert seen == list(range(1, max(1, -(-total // size)) + 1))
    assert links["last"].startswith(f"{BASE}/sip_device_routes?")
