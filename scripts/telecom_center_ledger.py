"""docs/compat/telecom-center.md: what telecom.center documents, line by line, with the test that proves it here.

A test says what it proves by `@pytest.mark.proves("line", ...)`.
"""

from collections.abc import Iterator

from cordboard.dialects.telecom_center import errors
from cordboard.dialects.telecom_center.resources import CUSTOMERS, SIP_ACCOUNTS, Resource
from scripts import ledger
from scripts.ledger import Line

_PAGE = """# telecom.center: what is the same, and what is not

The operator API at `/api/rest/public/operator`, line by line as the vendor documents it
(<https://doc.telecom.center>), each with the tests that prove it. Where the vendor is silent, the line says what we do.
Written by `python -m scripts.reference` from the code and from what the tests say that they prove.
{sections}"""

_OTHERS = "Not supported: numbers, trunks, gateways and routes are made by the native API and the commands"
_CDRS = "Not supported: calls are listed by the native API (`GET /cordboard/v1/calls`), in this installation's own form"
_SESSIONS = "Not supported: there is no console of ours that such a session would open"


def _operations() -> Iterator[Line]:
    accounts, customers = SIP_ACCOUNTS.type, CUSTOMERS.type
    yield Line(name=f"GET /{accounts}", says="A page of SIP accounts")
    yield Line(name=f"GET /{accounts}/{{id}}", says="One account; a malformed id is 404 as an unknown one")
    yield Line(name=f"PATCH /{accounts}/{{id}}", says="200 with the account; all attributes or none")
    yield Line(name=f"POST /{accounts}", says="405 with `Allow`: documented as not there")
    yield Line(name=f"DELETE /{accounts}/{{id}}", says="405 with `Allow`: documented as not there")
    yield Line(name=f"GET /{customers}", says="A page of customers")
    yield Line(name=f"GET /{customers}/{{id}}", says="One customer")
    yield Line(
        name=f"POST /{customers}", says="201 with the customer and `Location`; the id is the client's, or is made"
    )
    yield Line(name=f"PATCH /{customers}/{{id}}", says="200 with the customer")
    yield Line(
        name=f"DELETE /{customers}/{{id}}",
        says="204; accounts, numbers and trunks go with it, and registrations end",
    )
    for path, reason in (
        ("available_did_numbers", _OTHERS),
        ("incoming_trunks", _OTHERS),
        ("termination_gateways", _OTHERS),
        ("termination_routes", _OTHERS),
        ("capacity_groups", "Not supported: each customer has its own `capacity_limit`, and none is shared"),
        ("incoming_trunk_cdrs", _CDRS),
        ("termination_cdrs", _CDRS),
        ("sessions", _SESSIONS),
        ("customer_admin_sessions", _SESSIONS),
    ):
        yield Line(name=f"/{path}", says="404", reason=reason)


def _headers() -> Iterator[Line]:
    yield Line(name="header Authorization", says="HTTP Basic on every request")
    yield Line(
        name="header Content-Type",
        says="`application/vnd.api+json` without parameters; GET and DELETE may leave it out or say another type",
    )
    yield Line(name="header Accept", says="Refused only if it names that type and never without parameters")


def _parameters() -> Iterator[Line]:
    yield Line(name="parameter include", says="A comma list of relationships; nothing else is included")
    yield Line(name="parameter fields", says="`fields[type]`, also for PATCH, POST and what is included")
    yield Line(name="parameter sort", says="A comma list of stored attributes, `-` descends; ties are broken by id")
    yield Line(name="parameter page[number]", says="From 1; past the end is an empty page")
    yield Line(name="parameter page[size]", says="50 if not given, at most 1000 (`CORDBOARD_OPERATOR_MAX_PAGE`)")
    yield Line(name="parameters of lists at one object", says="`sort`, `page` and `filter` are ignored there")
    for resource in (SIP_ACCOUNTS, CUSTOMERS):
        for name, kind in resource.filters.items():
            yield Line(
                name=f"filter[{name}] of {resource.type}", says=f"{kind.value}, exact; a comma list is any of it"
            )


_SAYS = {
    "username": "Digest username, unique in the installation",
    "caller_id_name": "Display name of its calls",
    "internal_caller_id": "Extension, unique in the customer",
    "external_caller_id": "Digits of the customer's number that is shown outside",
    "allow_external_calls": "Whether it may call outside",
    "name": "1 to 255 printable characters",
    "password": "In clear, as the vendor has it",
    "incoming_internal": "Recording switch",
    "incoming_external": "Recording switch",
    "outgoing_internal": "Recording switch",
    "outgoing_external": "Recording switch",
    "on_demand": "Recording switch",
    "is_online": "Asked of the edge's registrar with the page, in one batch",
    "user_agent": "Of the newest registration; null when offline",
    "use_allowed_ips": "Can be changed: `true`, `false`, also as text, and `1`, `0`",
    "allowed_ips": "Can be changed: a comma list in, CIDR ranges out; bare addresses get /32 or /128",
    "trm_mode": "Also taken as `termination_mode`, as the pages on gateways and routes spell it",
    "capacity_limit": "Null is unlimited",
    "sip_account_limit": "Null is unlimited; lowered below the count it hurts no account that there is",
    "language": "`EN`, `RU`, `LT`, `LV`",
}


def _attributes(resource: Resource) -> Iterator[Line]:
    for name in resource.attributes:
        claims = (name, f"every attribute of {resource.type}")
        yield Line(name=f"{resource.type}.{name}", says=_SAYS[name], claims=claims)
    for name, type in resource.relationships.items():
        yield Line(name=f"{resource.type}.{name}", says=f"To one of `{type}`", claims=(f"relationship {name}",))


def _silent() -> Iterator[Line]:
    yield Line(name="true without addresses", says="Taken; nobody can register then")
    yield Line(name="null or empty allowed_ips", says="Taken, and shown as it was sent")
    yield Line(name="an address that is none", says="422, and nothing is changed")
    yield Line(name="PATCH without attributes", says="200, nothing is changed")
    yield Line(name="several faults", says="All of a kind are told in one answer")
    yield Line(name="filter[id] that is no uuid", says="An empty page")
    yield Line(name="fields of nothing", says="`fields[type]=` shows no attribute (JSON:API 1.0)")
    yield Line(name="sort by live state", says="400, code 114: no index can serve it")
    yield Line(name="unknown query parameters", says="Ignored")
    yield Line(
        name="an id of another operator", says="404, as one that there is not; two operators may both have `123`"
    )
    yield Line(name="an edge that does not answer", says="Nobody is online")
    yield Line(
        name="PUT",
        says="405 with `Allow`",
        reason="Not supported: the vendor documents PATCH, and PUT would mean the whole object",
    )


def _documents() -> Iterator[Line]:
    yield Line(name="document of a list", says="`data`, `meta.record_count` over all pages, `links`, in this order")
    yield Line(name="document of one object", says="`data` alone")
    yield Line(name="document with included objects", says="`included` after `data`, each object once")
    yield Line(name="links of a list", says="`first`, `prev`, `next`, `last`, percent-encoded, with what was asked for")
    yield Line(name="OpenAPI document", says="`openapi.json`; what it says holds under generated requests")
    yield Line(name="an independent client", says="`jsonapi-client` from PyPI, pinned")


#: Rows that share a code with another one, or of whose code the domain makes use.
_CLAIMS = {
    "NO_SUCH_PATH": "error 404 path",
    "PARAM_NOT_ALLOWED": "error 105 body",
    "PAGE_NOT_ALLOWED": "error 105 page",
}


def _errors() -> Iterator[Line]:
    yield Line(
        name="100 (422)",
        says="*the message*: `attribute - message`, with `source.pointer`",
        claims=("error 100",),
    )
    for name, row in vars(errors).items():
        if isinstance(row, errors.Row):
            claim = _CLAIMS.get(name, f"error {row.code}")
            detail = row.detail.replace("{}", "…") if row.detail != "{}" else "what is wrong"
            yield Line(name=f"{row.code} ({row.status})", says=f"{row.title}: `{detail}`", claims=(claim,))


SECTIONS = {
    "Operations": lambda: list(_operations()),
    "Headers": lambda: list(_headers()),
    "Parameters": lambda: list(_parameters()),
    "Attributes of SIP accounts": lambda: list(_attributes(SIP_ACCOUNTS)),
    "Attributes of customers": lambda: list(_attributes(CUSTOMERS)),
    "Documents": lambda: list(_documents()),
    "Errors": lambda: list(_errors()),
    "Where the documentation is silent": lambda: list(_silent()),
}


def page() -> str:
    """Raises EmptyLine."""
    return ledger.page(_PAGE, {title: make() for title, make in SECTIONS.items()})
