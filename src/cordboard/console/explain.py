"""Why a call goes where it goes, or does not: of one that might come, and of one that was."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from cordboard.console.api import Refused
from cordboard.console.forms import Field, Form
from cordboard.console.pages import Visit, page
from cordboard.console.parts import entered, given, told

OFFERS: Final = (
    ("rtp", "RTP in clear"),
    ("srtp", "SRTP with keys in the SDP (SDES)"),
    ("none", "Nothing: an INVITE without SDP"),
    ("other", "Something else, such as DTLS-SRTP"),
)
#: What is asked of a call that might come. The first four are what most need.
QUESTION: Final = (
    Field(name="from", label="Who calls", help="A number, a name, or user@host. Empty: who shows no number."),
    Field(name="to", label="Who is called", help="As it is dialled: +34911234567, or user@host.", required=True),
    Field(
        name="source",
        label="From which address",
        help="Where the INVITE comes from: 192.0.2.7.",
        required=True,
        absent_if_empty=True,
    ),
    Field(name="offer", label="Offered media", kind="select", options=OFFERS, absent_if_empty=True),
)
BESIDES: Final = (
    Field(name="login", label="Username", help="Of the right credentials that come when the edge asks for them."),
    Field(name="trunk_proved", label="They are those of the carrier whose trunk asks", kind="checkbox"),
    Field(name="to_header", label="To", help="If it is not as what is called."),
    Field(name="p_called_party_id", label="P-Called-Party-ID", help="Where some carriers name the called number."),
)
PAST: Final = (
    Field(name="id", label="Id or SIP Call-ID", help="Of a call or a refusal; the far side knows its Call-ID."),
)
#: Marks of a step's outcome, what they are called, and how they look.
OUTCOMES: Final = {
    "passed": ("✓", "passed", "good"),
    "failed": ("✗", "stopped here", "bad"),
    "no-match": ("·", "none of that kind", "plain"),
    "unknown": ("?", "not known", "warn"),
}


async def show(visit: Visit) -> Response:
    if id := visit.query.get("id", "").strip():
        return await _past(visit, id)
    form = entered(visit, QUESTION + BESIDES)
    if "to" not in visit.query:
        # other pages say whom; who calls from where is the reader's to say
        called = {"to": visit.query.get("called", "")}
        return await _page(visit, form=Form(fields=form.fields, values={**form.values, **called}))
    body = {key: value for key, value in form.body(given(visit)).items() if value is not None}
    asked = {"from": "", **body, "tenant_id": visit.tenant}
    try:
        found = (await visit.api("explain", body=asked)).body
    except Refused as refused:
        return await _page(visit, refused.status, form=form.again(given(visit), refused))
    return await _page(visit, form=form, asked=asked, now=found, found=found, names=await _names(visit, found))


async def _past(visit: Visit, id: str) -> Response:
    form = entered(visit, PAST)
    try:
        found = (await visit.api("explain_call", call_id=await _own_id(visit, id))).body
    except Refused as refused:
        if refused.status != 404:
            raise
        wrong = Form(fields=PAST, values=form.values, errors={"id": [str(refused)]})
        return await _page(visit, 404, past=wrong)
    now = found["now"]
    return await _page(visit, past=form, was=found, now=now, found=found, names=await _names(visit, now))


async def _own_id(visit: Visit, id: str) -> str:
    """What stands for it in a path; a Call-ID may hold a slash. Raises Refused."""
    if "/" not in id:
        return id
    for operation in ("list_calls", "list_refusals"):
        found = (await visit.api(operation, query={"call_id": id, "limit": 1})).body["data"]
        if found:
            return str(found[0]["id"])
    return id


async def _names(visit: Visit, found: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    """What it is about, as far as the visitor may see it."""
    if found is None:
        return {}
    kinds = {"trunk": ("get_trunk", "name"), "agent": ("get_agent", "name"), "account": ("get_account", "username")}
    names = {}
    for kind, (operation, name) in kinds.items():
        if id := found[f"{kind}_id"]:
            shown = await told(visit, operation, **{f"{kind}_id": id})
            names[kind] = {"path": f"/{kind}s/{id}", "name": id if shown is None else shown[name]}
    return names


def instead(asked: Mapping[str, Any], call: Mapping[str, str]) -> dict[str, str]:
    """The page's address for what was asked, but with what a remedy would have the caller send."""
    query = {key: value for key, value in {**asked, **call}.items() if key not in ("tenant_id", "host") and value}
    if host := call.get("host"):
        query["to"] = f"{query['to']}@{host}"
    if query.get("trunk_proved"):
        query["trunk_proved"] = "true"
    return query


async def _page(visit: Visit, status: int = 200, **context: Any) -> Response:
    empty: dict[str, Any] = {"was": None, "now": None, "found": None, "asked": None, "names": {}}
    forms = {"form": Form(fields=QUESTION + BESIDES), "past": Form(fields=PAST), "most": len(QUESTION)}
    return await visit.show(
        "explain/show.html", status, **{**empty, **forms, "outcomes": OUTCOMES, "instead": instead, **context}
    )


PAGES: Final = (
    page(
        "GET /explain",
        "Explain",
        show,
        *("explain", "explain_call", "list_calls", "list_refusals", "get_trunk", "get_agent", "get_account"),
    ),
)
