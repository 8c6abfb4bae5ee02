"""docs/compat/nebrija.md: what Nebrija documents of SIP trunks and numbers, with the test that proves it here.

A test says what it proves by `@pytest.mark.proves("nebrija: line", ...)`.
"""

from collections.abc import Iterator

from cordboard.dialects.nebrija.advanced import Advanced
from scripts import ledger
from scripts.ledger import Line

_PAGE = """# Nebrija: what is the same, and what is not

The trunk API at `/api/v1`, line by line as the vendor documents it (<https://docs.nebrijaai.com>), each with the tests
that prove it. Of trunks one page is public, *Actualizar SIP Trunk*; where the vendor is silent, the line says what
we do.
[SIP trunks by Nebrija's API](../nebrija.md) has the options of `advanced`, and the same trunk in Diga's words.
Written by `python -m scripts.reference` from the code and from what the tests say that they prove.
{sections}"""

_ELSEWHERE = (
    "Not supported: Nebrija's assistants, calls, webhooks and experiments are the voice platform's own; calls are "
    "listed by the native API (`GET /cordboard/v1/calls`)"
)


def _operations() -> Iterator[Line]:
    yield Line(name="GET /sip-trunks", says="200 with an array: your trunks and the system's")
    yield Line(name="POST /sip-trunks", says="201 with the trunk")
    yield Line(name="GET /sip-trunks/:id", says="200 with the trunk")
    yield Line(name="PATCH /sip-trunks/:id", says="200 with the trunk; the page's curl runs as it stands")
    yield Line(name="DELETE /sip-trunks/:id", says="204")
    yield Line(name="GET /phone-numbers", says="200 with an array; not those that are finished for good")
    yield Line(name="GET /phone-numbers/:id", says="200 with the number")
    yield Line(
        name="PATCH /phone-numbers/:id", says="200 with the number; `label`, `sipTrunkId`, `inbound.assistantId`"
    )
    yield Line(name="/calls, /assistants, /webhooks, /ab-tests, /tools", says="404", reason=_ELSEWHERE)


_TRUNK = {
    "id": "uuid",
    "name": "1 to 255 printable characters",
    "gateways": "1 to 16; none only where Diga made the trunk inbound only",
    "authentication": "`username`, and `password` as eight asterisks where one is stored",
    "advanced": "What is not as by default; `{}` for a plain trunk",
    "isSystem": "Of the platform's, for everybody, and of a platform-owned number's own trunk",
    "createdAt, updatedAt": "ISO 8601, UTC, `Z`",
}
_NUMBER = {
    "id": "uuid",
    "number": "E.164, or a SIP address",
    "label": "Diga's `nickname`; up to 255 characters, or null",
    "type": "As its country's plan has it: `mobile`, `landline`, `landline-or-mobile`, `toll-free`, `premium-rate`, "
    "`shared-cost`, `voip`, `personal`, `pager`, `universal`, `voicemail`; `sip`, `unknown`",
    "sipTrunkId": "The trunk that carries its calls, in both directions; null after its trunk was deleted",
    "assistantId": "The agent that takes its calls",
    "isPlatformNumber": "Whether it is of the platform's inventory; such a number keeps its trunk (409)",
    "createdAt, updatedAt": "ISO 8601, UTC, `Z`",
}


def _fields() -> Iterator[Line]:
    for noun, fields in (("trunk", _TRUNK), ("number", _NUMBER)):
        for name, says in fields.items():
            yield Line(name=f"{noun} {name}", says=says)


def _behaviour() -> Iterator[Line]:
    yield Line(name="bearer token", says="A tenant's API key, on every request; each operation wants its permission")
    yield Line(name="only what is sent changes", says="What is absent stays as it is")
    yield Line(name="system trunks", says="Seen by everybody, used by everybody's numbers, changed by nobody: 403")
    yield Line(name="error 403", says="A system trunk, or a key without the permission")
    yield Line(name="error 404", says="An id that there is not, or another tenant's: both are told alike")
    yield Line(name="password mask", says="Exactly `********` keeps the stored password; no reply and no log shows it")
    yield Line(name="reading a system trunk", says="Its user name is shown, its password is masked")


def _silent() -> Iterator[Line]:
    for name, says in {
        "list body": "A bare array, as of calls; `limit` is 1 to 1000, 50 if not given",
        "list order": "The newest first",
        "lists include system trunks": "Yes",
        "create status": "201",
        "create required fields": "`name`, and `gateways` with at least one `ipOrDomain`",
        "client-sent id, isSystem, providerId, dates": "Ignored, as all else that is not known outside `advanced`",
        "delete reply": "204 without a body",
        "delete of a trunk that phone numbers use": "Taken; their `sipTrunkId` is null then, and calls are refused",
        "error body": '`{"statusCode", "message", "error"}`',
        "missing or bad token": "401, message `Unauthorized`",
        "validation failure": "400; `message` is a list of `place: what is wrong`, all at once",
        "malformed uuid": "404",
        "404 before 403": "Then 403, and the body is looked at last",
        "gateways on PATCH": "The list takes the place of the one before; an empty one is 400",
        "authentication on PATCH": "Key by key; an absent `password` keeps the stored one; null clears both",
        "password null or empty": "Clears it",
        "mask when nothing is stored": "Stores none, on create as well",
        "other asterisks": "Seven or nine are a password",
        "reply when no password is stored": "`password` is left out",
        "reply when there is no authentication": "`{}`",
        "advanced on PATCH": "Key by key; null takes a key away; null for the whole is 400",
        "port": "5060 if absent, by TLS too; null is what DNS says (SRV records), shown as 5060, by TLS as 5061, "
        "and kept when it comes back so",
        "ipOrDomain": "Host or IP without scheme or port, public unless the installation allows others",
        "gateway name and further keys": "`name`, `transport`, `priority`, `weight`: shown if they were sent",
        "name of a trunk": "1 to 255 characters; empty and null are 400",
        "unknown keys in advanced": "400, by name",
        "updatedAt on an empty PATCH": "200; unchanged, and so after every PATCH that changes nothing",
        "limits": "A body of 1 MiB, 16 gateways, lists of 1000 at once",
        "OpenAPI document": "`/api/v1/openapi.json`; what it says holds under generated requests",
    }.items():
        yield Line(name=name, says=says)


def _provider() -> Iterator[Line]:
    yield Line(name="providerId without a provider", says="null")
    yield Line(
        name="providerId with LiveKit",
        says="The id of the outbound trunk to the first gateway, in the reply to POST already; in mode `edge` of the "
        "one trunk that LiveKit holds",
    )
    yield Line(name="provider failure", says="502, and nothing is changed on either side")


def _diga() -> Iterator[Line]:
    for name, says in {
        "the same trunk in Diga's words": "An imported number's `sip_config`; what one changes the other sees at once",
        "two gateways in a sip_config": "Diga shows the first; a write of `termination_uri` moves that one alone",
        "one trunk of many numbers in Diga's words": "Each shows it, and a change by one is a change for all",
        "a number without a trunk in Diga's words": "`sip_config` is null; a PATCH of it makes a trunk anew",
    }.items():
        yield Line(name=name, says=says)


def _options() -> Iterator[Line]:
    for field in Advanced.model_fields.values():
        name = f"advanced.{field.alias}"
        yield Line(name=name, says=field.description or "", claims=(name, "every option of advanced"))


SECTIONS = {
    "Operations": _operations,
    "Fields": _fields,
    "Behaviour": _behaviour,
    "Where the documentation is silent": _silent,
    "Options of advanced": _options,
    "The same trunk in Diga's words": _diga,
    "LiveKit": _provider,
}


def page() -> str:
    """Raises EmptyLine."""
    return ledger.page(_PAGE, {title: list(make()) for title, make in SECTIONS.items()}, vendor="nebrija")
