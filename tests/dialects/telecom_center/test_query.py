"""Query strings, one row for each sentence of https://doc.telecom.center/fetching-data.html and what it leaves open."""

from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.dialects.telecom_center import errors
from cordboard.dialects.telecom_center.errors import Fault, Faulty
from cordboard.dialects.telecom_center.query import LAST_PAGE, ListQuery, Page, Sort, View, parse_list, parse_view
from cordboard.dialects.telecom_center.resources import CUSTOMERS, SIP_ACCOUNTS, Resource

#: The largest page of these tests.
LARGEST = 1000


def pairs(text: str) -> list[tuple[str, str]]:
    """As Starlette reads a query string."""
    return parse_qsl(text, keep_blank_values=True)


def listed(text: str, resource: Resource = SIP_ACCOUNTS) -> ListQuery:
    return parse_list(pairs(text), resource, LARGEST)


def faults(text: str, resource: Resource = SIP_ACCOUNTS) -> list[Fault]:
    with pytest.raises(Faulty) as raised:
        listed(text, resource)
    return list(raised.value.faults)


@pytest.mark.proves("parameter include")
@pytest.mark.parametrize(
    ("text", "include"),
    [
        # nothing beyond the request is included
        ("", ()),
        ("include=customer", ("customer",)),
        # a comma list of paths
        ("include=customer,customer", ("customer",)),
        # an empty value is ignored
        ("include=", ()),
        ("include=,", ()),
        # of a repeated parameter the last counts
        ("include=nothing&include=customer", ("customer",)),
        # brackets name another parameter, which is ignored
        ("include[x]=customer", ()),
    ],
)
def test_include(text: str, include: tuple[str, ...]) -> None:
    assert listed(text).view.include == include
    assert parse_view(pairs(text), SIP_ACCOUNTS).include == include


@pytest.mark.proves("parameter fields", "fields of nothing")
@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("", {}),
        # a comma list of the fields of a type
        ("fields[sip_device_routes]=username,password", {"sip_device_routes": {"username", "password"}}),
        # brackets may be percent-encoded, as the documentation asks
        ("fields%5Bsip_device_routes%5D=username", {"sip_device_routes": {"username"}}),
        # of types that are included as well
        (
            "fields[sip_device_routes]=username&fields[customers]=name",
            {"sip_device_routes": {"username"}, "customers": {"name"}},
        ),
        # names of relationships count as fields
        ("fields[sip_device_routes]=customer", {"sip_device_routes": {"customer"}}),
        # the id stays whether it is named or not
        ("fields[sip_device_routes]=id", {"sip_device_routes": {"id"}}),
        # no field at all (JSON:API 1.0, "Sparse Fieldsets": an empty value)
        ("fields[sip_device_routes]=", {"sip_device_routes": set()}),
        # live state can be left out, and then costs nothing
        ("fields[sip_device_routes]=is_online", {"sip_device_routes": {"is_online"}}),
    ],
)
def test_fields(text: str, fields: dict[str, Any]) -> None:
    assert listed(text).view.fields == fields
    assert parse_view(pairs(text), SIP_ACCOUNTS).fields == fields


@pytest.mark.proves("parameter sort")
@pytest.mark.parametrize(
    ("text", "sort"),
    [
        # by id, ascending, if nothing is said: the store adds the id to every order
        ("", ()),
        ("sort=", ()),
        ("sort=id", (Sort(field="id"),)),
        # a minus descends
        ("sort=-username", (Sort(field="username", descending=True),)),
        # a comma list
        (
            "sort=allow_external_calls,-caller_id_name",
            (Sort(field="allow_external_calls"), Sort(field="caller_id_name", descending=True)),
        ),
        # a criterion that was there already decides nothing
        ("sort=username,-username", (Sort(field="username"),)),
        # any stored attribute
        *((f"sort={name}", (Sort(field=name),)) for name in SIP_ACCOUNTS.sorts),
    ],
)
def test_sort(text: str, sort: tuple[Sort, ...]) -> None:
    assert listed(text).sort == sort


@pytest.mark.proves("parameter page[number]", "parameter page[size]")
@pytest.mark.parametrize(
    ("text", "page"),
    [
        # page 1 of 50 if nothing is said
        ("", Page(number=1, size=50)),
        ("page[number]=3", Page(number=3, size=50)),
        ("page[size]=7", Page(number=1, size=7)),
        ("page%5Bnumber%5D=2&page%5Bsize%5D=10", Page(number=2, size=10)),
        # the largest size
        ("page[size]=1000", Page(number=1, size=1000)),
        # a bare page is the number
        ("page=2", Page(number=2, size=50)),
        ("page[size]=007", Page(number=1, size=7)),
        # past every end, whatever the store can count to
        ("page[number]=" + "9" * 5000, Page(number=LAST_PAGE, size=50)),
    ],
)
def test_page(text: str, page: Page) -> None:
    assert listed(text).page == page


def test_a_default_page_is_no_larger_than_the_largest() -> None:
    assert parse_list([], SIP_ACCOUNTS, 20).page == Page(number=1, size=20)


@pytest.mark.proves(
    "filter[id] of sip_device_routes",
    "filter[customer.id] of sip_device_routes",
    "filter[username] of sip_device_routes",
    "filter[caller_id_name] of sip_device_routes",
    "filter[allow_external_calls] of sip_device_routes",
    "filter[internal_caller_id] of sip_device_routes",
    "filter[external_caller_id] of sip_device_routes",
)
@pytest.mark.parametrize(
    ("text", "filters"),
    [
        ("", {}),
        # the seven of the vendor's table
        ("filter[id]=c1c798dc-ee42-462e-8fca-0fa96d6fe3c0", {"id": ("c1c798dc-ee42-462e-8fca-0fa96d6fe3c0",)}),
        ("filter[customer.id]=123", {"customer.id": ("123",)}),
        ("filter[username]=z4wnypvker", {"username": ("z4wnypvker",)}),
        ("filter[caller_id_name]=Helo+bye", {"caller_id_name": ("Helo bye",)}),
        ("filter[allow_external_calls]=true", {"allow_external_calls": ("true",)}),
        ("filter[internal_caller_id]=101", {"internal_caller_id": ("101",)}),
        ("filter[external_caller_id]=34911234567", {"external_caller_id": ("34911234567",)}),
        # a comma list is any of its values
        ("filter[customer.id]=1,2,1", {"customer.id": ("1", "2")}),
        ("filter[allow_external_calls]=true,false", {"allow_external_calls": ("true", "false")}),
        # several filters: all of them
        ("filter[username]=a&filter[customer.id]=1", {"username": ("a",), "customer.id": ("1",)}),
        # of a repeated filter the last counts
        ("filter[username]=a&filter[username]=b", {"username": ("b",)}),
        # exact and case-sensitive, so nothing is trimmed or folded
        ("filter[username]=%20A", {"username": (" A",)}),
        # an id that is no uuid fits nothing, and is no fault
        ("filter[id]=7", {"id": ("7",)}),
    ],
)
def test_filter(text: str, filters: dict[str, Any]) -> None:
    assert listed(text).filters == filters


@pytest.mark.proves("filter[id] of customers", "filter[name] of customers")
def test_customers_are_filtered_by_id_and_name() -> None:
    assert listed("filter[id]=1,2&filter[name]=Acme", CUSTOMERS).filters == {"id": ("1", "2"), "name": ("Acme",)}


@pytest.mark.proves("unknown query parameters")
def test_unknown_parameters_are_ignored() -> None:
    assert listed("foo=1&foo[bar]=2&_=3&[x]=4&sort[a]=1") == listed("")


@pytest.mark.proves(
    "error 101",
    "error 102",
    "error 104",
    "error 105 page",
    "error 107",
    "error 112",
    "error 114",
    "error 118",
    "error 119",
    "error 120",
)
@pytest.mark.parametrize(
    ("text", "code", "title", "detail"),
    [
        # an unknown type
        ("fields[gateways]=name", "101", "Invalid resource", "gateways is not a valid resource."),
        ("filter[password]=x", "102", "Filter not allowed", "password is not allowed."),
        ("filter[]=x", "102", "Filter not allowed", " is not allowed."),
        (
            "fields[sip_device_routes]=username,nothing",
            "104",
            "Invalid field",
            "nothing is not a valid field for sip_device_routes.",
        ),
        ("page[limit]=10", "105", "Page parameter not allowed", "limit is not an allowed page parameter."),
        (
            "filter[allow_external_calls]=yes",
            "107",
            "Invalid filter value",
            "yes is not a valid value for allow_external_calls.",
        ),
        (
            "filter[internal_caller_id]=reception",
            "107",
            "Invalid filter value",
            "reception is not a valid value for internal_caller_id.",
        ),
        ("include=trunk", "112", "Invalid field", "trunk is not a valid relationship of sip_device_routes"),
        # of a path, where it leads nowhere
        ("include=customer.trunk", "112", "Invalid field", "trunk is not a valid relationship of customers"),
        ("sort=nothing", "114", "Invalid sort criteria", "nothing is not a valid sort criteria for sip_device_routes"),
        # live state, which no index can serve
        (
            "sort=-is_online",
            "114",
            "Invalid sort criteria",
            "is_online is not a valid sort criteria for sip_device_routes",
        ),
        (
            "sort=user_agent",
            "114",
            "Invalid sort criteria",
            "user_agent is not a valid sort criteria for sip_device_routes",
        ),
        # what is sealed has no order
        (
            "sort=password",
            "114",
            "Invalid sort criteria",
            "password is not a valid sort criteria for sip_device_routes",
        ),
        ("sort=-", "114", "Invalid sort criteria", " is not a valid sort criteria for sip_device_routes"),
        ("page[number]=0", "118", "Invalid page value", "0 is not a valid value for number page parameter."),
        ("page[number]=-1", "118", "Invalid page value", "-1 is not a valid value for number page parameter."),
        ("page[size]=0", "118", "Invalid page value", "0 is not a valid value for size page parameter."),
        ("page[size]=ten", "118", "Invalid page value", "ten is not a valid value for size page parameter."),
        ("page[size]=1.5", "118", "Invalid page value", "1.5 is not a valid value for size page parameter."),
        ("page[size]=", "118", "Invalid page value", " is not a valid value for size page parameter."),
        ("page[size]=%D9%A7", "118", "Invalid page value", "\u0667 is not a valid value for size page parameter."),
        ("page=x", "118", "Invalid page value", "x is not a valid value for number page parameter."),
        # over the maximum
        ("page[size]=1001", "118", "Invalid page value", "size exceeds maximum page size of 1000."),
        ("fields=username", "119", "Invalid field format", "Fields must specify a type."),
        ("filter=username", "120", "Invalid filters syntax", "username is not a valid syntax for filtering."),
    ],
)
@pytest.mark.proves("sort by live state")
def test_what_is_refused(text: str, code: str, title: str, detail: str) -> None:
    assert faults(text) == [Fault(status=400, code=code, title=title, detail=detail)]


def test_a_relationship_can_be_included_only_where_it_is() -> None:
    (fault,) = faults("include=customer", CUSTOMERS)
    assert (fault.code, fault.detail) == ("112", "customer is not a valid relationship of customers")


@pytest.mark.proves("several faults")
def test_all_faults_are_told_at_once() -> None:
    told = faults("include=a&fields[x]=y&sort=b,c&page[size]=0&page[number]=z&filter[q]=1&filter=2")
    assert [fault.code for fault in told] == ["112", "101", "114", "114", "118", "118", "102", "120"]


@pytest.mark.proves("parameters of lists at one object")
@pytest.mark.parametrize("text", ["page[size]=0", "sort=nothing", "filter[nothing]=x", "filter=x", "page=0"])
def test_one_object_ignores_what_is_for_lists(text: str) -> None:
    assert parse_view(pairs(text), SIP_ACCOUNTS) == View()


@pytest.mark.parametrize(
    ("text", "code"),
    [("include=x", "112"), ("fields=x", "119"), ("fields[x]=y", "101"), ("fields[customers]=z", "104")],
)
def test_one_object_refuses_as_a_list_does(text: str, code: str) -> None:
    with pytest.raises(Faulty) as raised:
        parse_view(pairs(text), SIP_ACCOUNTS)
    assert [fault.code for fault in raised.value.faults] == [code]


names = st.sampled_from(
    "include fields fields[sip_device_routes] fields[customers] sort page page[number] page[size] page[] filter "
    "filter[username] filter[allow_external_calls] filter[internal_caller_id] filter[a][b] x".split()
)
values = st.text(max_size=8) | st.sampled_from("customer username,-id 1 0 50 1001 true false".split())
ANY_ROW = {row.code for row in vars(errors).values() if isinstance(row, errors.Row) and row.status == 400}


@given(query=st.lists(st.tuples(names | st.text(max_size=8), values), max_size=6))
def test_any_query_string_is_read_or_refused_by_a_line_of_the_table(query: list[tuple[str, str]]) -> None:
    text = urlencode(query, errors="replace")
    refused: tuple[Fault, ...] = ()
    try:
        asked = listed(text)
    except Faulty as error:
        refused = error.faults
    else:
        assert 1 <= asked.page.size <= LARGEST
        assert 0 <= asked.page.offset < 2**63
    assert {fault.code for fault in refused} <= ANY_ROW
