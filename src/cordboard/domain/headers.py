"""Header fields (RFC 3261 section 7.3) that an INVITE of ours may be given."""

import re
from collections.abc import Sequence
from typing import Final

from cordboard.domain.errors import InvalidHeader

MAX_HEADERS: Final = 16
#: All header fields of one agent or trunk, in bytes: an INVITE has to fit into a datagram.
MAX_HEADER_BYTES: Final = 2048

_HEADER_NAME = re.compile(r"[A-Za-z0-9_.-]{2,64}")
#: Header fields that the edge, its transactions and its dialogs live by, or that say who calls. Names of one letter
#: are short forms (RFC 3261 section 7.3.3), none of which may be set.
_OURS = frozenset(
    """
    accept accept-encoding accept-language accept-contact alert-info allow allow-events authentication-info
    authorization call-id contact cseq date diversion encryption event expires from history-info identity identity-info
    in-reply-to join max-forwards mime-version min-expires min-se path privacy rack reason record-route
    refer-sub refer-to referred-by reject-contact remote-party-id replaces request-disposition require retry-after
    route rseq server service-route session-expires sip-etag sip-if-match subscription-state supported target-dialog
    timestamp to unsupported user-agent via warning www-authenticate
    """.split()
)
_OUR_FAMILIES = ("content-", "proxy-", "p-", "security-", "x-cordboard-")


def check_headers(headers: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Header fields (RFC 3261 section 7.3) for an agent or a carrier, values trimmed. Raises InvalidHeader."""
    checked = tuple((_header_name(name), _header_value(name, value.strip())) for name, value in headers)
    size = sum(len(f"{name}: {value}\r\n".encode()) for name, value in checked)
    if len(checked) > MAX_HEADERS or size > MAX_HEADER_BYTES:
        raise InvalidHeader(f"at most {MAX_HEADERS} header fields of {MAX_HEADER_BYTES} bytes altogether are possible")
    return checked


def _header_name(name: str) -> str:
    if not _HEADER_NAME.fullmatch(name):
        raise InvalidHeader(f"{name[:80]!r} is not a header name of 2 to 64 letters, digits, or _ . -")
    if name.lower() in _OURS or name.lower().startswith(_OUR_FAMILIES):
        raise InvalidHeader(f"the header field {name} is the edge's own to set")
    return name


def _header_value(name: str, value: str) -> str:
    if not value or not value.isprintable():
        raise InvalidHeader(f"the value of {name} must have printable characters, and no others: no line breaks")
    return value
