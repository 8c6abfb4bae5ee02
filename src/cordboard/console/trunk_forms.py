"""The form of a trunk: what is asked, section by section, and how it becomes the body of an operation."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.datastructures import FormData

from cordboard.console.forms import Field, Form, wrong
from cordboard.console.lines import gateway_line, gateway_of, header_line, header_of

_MEDIA: Final = (("allow", "SRTP if the other side has it"), ("disable", "Plain RTP"), ("require", "SRTP alone"))
_TRANSPORTS: Final = (("", "As DNS says, or UDP"), ("udp", "UDP"), ("tcp", "TCP"), ("tls", "TLS"))
_FORMATS: Final = (
    ("e164", "+34911234567"),
    ("digits", "34911234567"),
    ("international", "0034911234567"),
    ("national", "911234567 at home, 0049… elsewhere"),
)
_CALLED: Final = (("ruri", "Request URI"), ("to", "To"), ("p-called-party-id", "P-Called-Party-ID"))


def _code(line: str) -> int | str:
    return int(line) if line.isdecimal() else line


_OUT: Final = (
    Field(
        name="gateways",
        label="Gateways",
        kind="lines",
        read=gateway_of,
        write=gateway_line,
        help="Where calls go, one a line in order of use: sip.carrier.example, 192.0.2.1:5080;transport=tls. "
        "Also ;priority=10;weight=5. None: inbound alone.",
    ),
    Field(name="username", label="Username", help="Answers the carrier's challenge."),
    Field(name="password", label="Password", kind="password", autocomplete="new-password"),
    Field(name="media_out", label="Media to the carrier", kind="select", options=_MEDIA),
)
_IN: Final = (
    Field(
        name="allowed_addresses",
        label="Addresses",
        kind="lines",
        help="Addresses and CIDR ranges that its calls come from, one a line. None lets everybody in.",
    ),
    Field(name="media_in", label="Media from the carrier", kind="select", options=_MEDIA),
    Field(
        name="inbound_username",
        label="Its username here",
        help="If the carrier is to call with digest credentials of ours.",
    ),
    Field(name="inbound_password", label="Its password here", kind="password", autocomplete="new-password"),
)
_REGISTER: Final = (
    Field(name="register", label="Register at the gateways", kind="checkbox"),
    Field(name="options/registration/expires", label="For how many seconds", kind="number", help="600 if empty."),
    Field(name="options/registration/domain", label="Domain", help="If it is not the gateway's host."),
)
_NUMBERS: Final = (
    Field(name="options/number_format", label="How it writes numbers", kind="select", options=_FORMATS),
    Field(name="options/country_code", label="Country code", help="In whose national form it writes: 34."),
    Field(name="options/called_number_from", label="The called number is in", kind="select", options=_CALLED),
)
_LIMITS: Final = (
    Field(name="options/max_calls", label="Calls at once", kind="number"),
    Field(name="options/max_calls_per_second", label="Calls a second", kind="number"),
    Field(name="options/max_minutes_per_day", label="Minutes a day, calls out", kind="number"),
    Field(
        name="options/destinations",
        label="May be called",
        kind="lines",
        help="Beginnings of numbers, such as +34, one a line. None: all but premium rate and satellites.",
    ),
    Field(
        name="options/callers",
        label="May call in",
        kind="lines",
        help="Numbers, or beginnings such as +34*, one a line. None: everybody.",
    ),
)
_SIP: Final = (
    Field(name="options/transport", label="Transport", kind="select", options=_TRANSPORTS),
    Field(name="tls_verify", label="Check the gateways' certificates", kind="checkbox"),
    Field(name="probe", label="Ask the gateways if they are there", kind="checkbox", help="From time to time."),
    Field(name="options/codecs", label="Codecs", kind="lines", help="In this order, one a line. None: all."),
    Field(
        name="options/headers",
        label="Headers",
        kind="lines",
        read=header_of,
        write=header_line,
        help="Of calls to a gateway, Name: value, one a line.",
    ),
    Field(
        name="options/failover_codes",
        label="Next gateway after",
        kind="lines",
        read=_code,
        help="Answers of 400 to 499 after which the next gateway is tried, one a line.",
    ),
)
#: Heading, fields, and whether they are shown at once.
SECTIONS: Final = (
    ("", (Field(name="name", label="Name", required=True),), True),
    ("Calls to the carrier", _OUT, True),
    ("Calls from the carrier", _IN, True),
    ("Registration", _REGISTER, False),
    ("Numbers", _NUMBERS, False),
    ("Limits", _LIMITS, False),
    ("SIP and media", _SIP, False),
)
FORM: Final = Form(fields=tuple(field for _, fields, _ in SECTIONS for field in fields))
#: What a new trunk has if nothing is said.
BLANK: Final = {"media_in": "allow", "media_out": "allow", "tls_verify": True, "probe": True, "options": {}}


def filled(shown: Mapping[str, Any]) -> Form:
    """The form with a trunk in it, as the API shows it."""
    return FORM.of({**shown, "register": shown["options"].get("registration") is not None})


def body_of(form: FormData, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A trunk as it was entered, in place of `before` if there was one. Raises Refused for what would be lost."""
    body = FORM.body(form)
    said = {name: value for name, value in body["options"]["registration"].items() if value is not None}
    registers = body.pop("register")
    body["options"]["registration"] = said if registers else None
    had = ((before or {}).get("options") or {}).get("registration") or {}
    lost = {
        f"options/registration/{name}": "tick that it registers, or leave this empty"
        for name, value in said.items()
        if not registers and value != had.get(name)
    }
    for prefix in ("", "inbound_"):
        if body[f"{prefix}username"] is None and body.get(f"{prefix}password") is not None:
            lost[f"{prefix}username"] = "say whose password it is"
    if lost:
        raise wrong(lost)
    if body["username"] is None:
        body["password"] = None
    return body
