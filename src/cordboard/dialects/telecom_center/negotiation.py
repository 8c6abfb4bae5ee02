"""What the headers of a request say of media types."""

import re
from collections.abc import Iterator

from cordboard.dialects.telecom_center.errors import MEDIA_TYPE, NOT_ACCEPTABLE, UNSUPPORTED, Faulty

#: Up to the next comma or semicolon that stands outside of quotes.
_PIECE = re.compile(r'(?:[^",;]|"(?:[^"\\]|\\.)*"?)*', re.DOTALL)


def check_content_type(method: str, value: str | None) -> None:
    """Parameters of our type are refused everywhere; another type, or none, only where there is a body.

    Raises Faulty (415). The JSON:API specification, "Server Responsibilities".
    """
    type, parameters = next(_media_types(value or ""), ("", []))
    wrong = type != MEDIA_TYPE if method in ("POST", "PATCH") else False
    if wrong or (type == MEDIA_TYPE and parameters):
        raise Faulty(UNSUPPORTED.fault(value or ""))


def check_accept(value: str | None) -> None:
    """Refuse only who names our type and never without parameters. Raises Faulty (406).

    A weight (`q`) belongs to Accept and not to the media type, and neither does what follows it (RFC 9110, 12.5.1).
    """
    ours = [parameters for type, parameters in _media_types(value or "") if type == MEDIA_TYPE]
    if ours and all(parameters for parameters in ours):
        raise Faulty(NOT_ACCEPTABLE.fault(value))


def _media_types(header: str) -> Iterator[tuple[str, list[str]]]:
    """Each media type in lower case with its parameters, without the weight and what follows it."""
    at = 0
    pieces: list[str] = []
    while at <= len(header):
        match = _PIECE.match(header, at)
        piece, at = ("", at) if match is None else (match[0], match.end())
        pieces.append(piece.strip())
        if at == len(header) or header[at] == ",":
            if pieces[0]:
                yield pieces[0].lower(), _before_weight(pieces[1:])
            pieces = []
        at += 1


def _before_weight(parameters: list[str]) -> list[str]:
    found = []
    for parameter in filter(None, parameters):
        if parameter.partition("=")[0].strip().lower() == "q":
            break
        found.append(parameter)
    return found
