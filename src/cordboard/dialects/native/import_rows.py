"""The rows of an import as they are sent: CSV (RFC 4180) with a header, or a JSON object a line.

What is wrong with a row is told of that row; what is wrong with the columns is wrong with all of them.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from pydantic_core import from_json

from cordboard.domain.addresses import MAX_NETWORKS, HostPolicy, HostPort, collapse, parse_host_port
from cordboard.domain.errors import InvalidRows, TooManyNetworks
from cordboard.domain.imports import (
    ALIASES,
    COLUMNS,
    OWN_TRUNK,
    Format,
    Outcome,
    OwnTrunk,
    Problem,
    Row,
    Told,
    delimiter,
    failed,
    records,
)
from cordboard.domain.numbers import NumberId, parse_number
from cordboard.domain.tenants import MAX_NAME, check_name
from cordboard.domain.trunks import MediaPolicy, TrunkId
from cordboard.usecases.ports import NewId

_REMEDIES: Final = {
    "number": "write + and the country code first, such as +34911234567 (in a spreadsheet: a column of text), or "
    "user@domain",
    "nickname": f"write at most {MAX_NAME} printable characters",
    "allowed_addresses": "write IP addresses and ranges such as 192.0.2.0/24, with spaces between",
    "media_in": "write disable, allow or require",
    "media_out": "write disable, allow or require",
    "termination_uri": "write a host name or address with an optional port, such as sip.carrier.example:5060",
    "username": f"write at most {MAX_NAME} printable characters",
    "password": f"write at most {MAX_NAME} printable characters",
}
_BOTH: Final = Problem(
    "trunk",
    "the row names a trunk and has SIP settings of its own",
    f"leave out the trunk, or {', '.join(OWN_TRUNK[:-1])} and {OWN_TRUNK[-1]}",
)
_NO_GATEWAY: Final = Problem(
    "termination_uri", "credentials are for a carrier, and none is named", "write the carrier's termination_uri too"
)
#: Fields that one problem names.
_NAMED: Final = 5
#: Characters of a list of networks that is remembered.
_SHORT: Final = 256
_EMPTY: Final = Told(number=None, outcome=Outcome.SKIPPED, problems=(Problem(None, "the row is empty", "nothing"),))


def rows_of(body: bytes, format: Format, hosts: HostPolicy, new_id: NewId) -> list[Row | Told]:
    """Each row well formed, or told why it is not. Raises InvalidRows."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidRows("the rows are not in UTF-8; save the file as CSV UTF-8") from error
    read = _of_csv if format is Format.CSV else _of_ndjson
    return [each if isinstance(each, Told) else _row(each, hosts, new_id) for each in read(text)]


def _of_csv(text: str) -> Iterator[Mapping[str, str] | Told]:
    try:
        found = records(io.StringIO(text, newline=""), delimiter(text.partition("\n")[0]))
        header = next(found, None)
        if header is None:
            return
        columns = _columns(header)
        for cells in found:
            yield _cells(columns, cells)
    except csv.Error as error:
        raise InvalidRows(f"the rows are no CSV: {error}") from error


def _columns(header: list[str]) -> list[str]:
    """Raises InvalidRows."""
    named = [re.sub(r"[\s-]+", "_", name.strip().lower()) for name in header]
    columns = [ALIASES.get(name, name) for name in named]
    unknown = [repr(given.strip()[:40]) for given, column in zip(header, columns, strict=True) if column not in COLUMNS]
    if unknown:
        raise InvalidRows(
            f"unknown column {', '.join(unknown)}: take it out or rename it; columns are {', '.join(COLUMNS)}"
        )
    if len(set(columns)) < len(columns):
        raise InvalidRows("a column stands twice in the header: take one of the two out")
    if "number" not in columns:
        raise InvalidRows("there is no column number; the first line must be a header with the names of the columns")
    return columns


def _cells(columns: list[str], cells: list[str]) -> Mapping[str, str] | Told:
    if not any(map(str.strip, cells)):
        return _EMPTY
    if any(map(str.strip, cells[len(columns) :])):
        detail = f"the row has {len(cells)} cells, the header {len(columns)}"
        return failed(None, Problem(None, detail, "put a value that holds the delimiter in double quotes"))
    return dict(zip(columns, cells, strict=False))


def _of_ndjson(text: str) -> Iterator[Mapping[str, Any] | Told]:
    lines = text.split("\n")
    for line in lines[:-1] if not lines[-1].strip() else lines:
        yield _object(line)


def _object(line: str) -> Mapping[str, Any] | Told:
    if not line.strip():
        return _EMPTY
    try:
        found = from_json(line)
    except ValueError as error:
        return failed(None, Problem(None, f"the line is no JSON: {error}", "write one JSON object a line"))
    if not isinstance(found, dict):
        return failed(None, Problem(None, "the line is no JSON object", 'write {"number": "+34911234567"}'))
    values = {ALIASES.get(str(name), str(name)): value for name, value in found.items()}
    if unknown := [name for name in values if name not in COLUMNS]:
        return failed(None, _unknown_fields(unknown))
    return values


def _unknown_fields(names: list[str]) -> Problem:
    """One problem however many there are: it is kept."""
    known = f"there are {', '.join(COLUMNS)}"
    if len(names) == 1:
        return Problem(names[0][:40], "nothing is known of this field", f"take it out; {known}")
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    named = ", ".join(name[:40] for name in names[:_NAMED])
    return Problem(None, f"nothing is known of the fields {named}{more}", f"take them out; {known}")


def _row(values: Mapping[str, Any], hosts: HostPolicy, new_id: NewId) -> Row | Told:
    problems: list[Problem] = []
    read: dict[str, Any] = {}
    for column, value in values.items():
        text = _text(column, value, problems)
        if text is None:
            continue
        try:
            read[column] = _READ[column](text, hosts)
        except ValueError as error:
            problems.append(Problem(column, str(error), _remedy(column, text)))
    number = read.get("number")
    if number is None and not problems:
        problems.append(Problem("number", "there is no number", _REMEDIES["number"]))
    own = {column: read[column] for column in OWN_TRUNK if column in read}
    if own and "trunk" in read:
        problems.append(_BOTH)
    if "termination_uri" not in own and ("username" in own or "password" in own):
        problems.append(_NO_GATEWAY)
    if problems or number is None:
        return failed(number, *problems)
    return Row(
        id=NumberId(new_id()),
        trunk_id=TrunkId(new_id()),
        number=number,
        nickname=read.get("nickname"),
        trunk=read.get("trunk"),
        own=_own_trunk(own) if own else None,
        inbound_agent=read.get("inbound_agent"),
        outbound_agent=read.get("outbound_agent"),
    )


def _remedy(column: str, text: str) -> str:
    if "\n" in text or "\r" in text:
        return "close the quote before it: the value goes over the end of a line"
    return _REMEDIES.get(column, "write an id or a name")


def _text(column: str, value: Any, problems: list[Problem]) -> str | None:
    """A cell's text; None if it is empty, or if it is none, which is then complained of."""
    if isinstance(value, list) and column == "allowed_addresses" and all(isinstance(each, str) for each in value):
        value = " ".join(value)
    if value is None:
        return None
    if not isinstance(value, str):
        problems.append(Problem(column, "the value is no text", "write it in double quotes"))
        return None
    return value.strip() or None


def _own_trunk(own: Mapping[str, Any]) -> OwnTrunk:
    return OwnTrunk(
        allowed=own.get("allowed_addresses"),
        media_in=own.get("media_in"),
        media_out=own.get("media_out"),
        gateway=own.get("termination_uri"),
        username=own.get("username"),
        password=own.get("password"),
    )


def _number(text: str, hosts: HostPolicy) -> str:
    return parse_number(text)


def _name(text: str, hosts: HostPolicy) -> str:
    return check_name(text)


def _credential(text: str, hosts: HostPolicy) -> str:
    if len(text) > MAX_NAME or not text.isprintable():
        # the value may be a password: it is not repeated
        raise ValueError("the value is too long, or holds control characters")
    return text


def _networks(text: str, hosts: HostPolicy) -> tuple[str, ...]:
    return _remembered_networks(text) if len(text) <= _SHORT else _read_networks(text)


def _read_networks(text: str) -> tuple[str, ...]:
    networks = tuple(filter(None, re.split(r"[\s,;]+", text)))
    if len(networks) > MAX_NETWORKS:  # before they are parsed, which takes its time
        raise TooManyNetworks(len(networks), MAX_NETWORKS)
    collapse(networks)
    return networks


_remembered_networks = lru_cache(maxsize=1024)(_read_networks)  # most rows of a file say the same


@lru_cache(maxsize=1024)
def _termination(text: str, hosts: HostPolicy) -> HostPort:
    where = parse_host_port(text)
    hosts.check(where.host)
    return where


def _media(text: str, hosts: HostPolicy) -> MediaPolicy:
    try:
        return MediaPolicy(text.lower())
    except ValueError as error:
        raise ValueError(f"{text[:40]!r} is no media policy") from error


_READ: Final[Mapping[str, Callable[[str, HostPolicy], Any]]] = {
    **dict.fromkeys(("nickname", "trunk", "inbound_agent", "outbound_agent"), _name),
    **dict.fromkeys(("username", "password"), _credential),
    **dict.fromkeys(("media_in", "media_out"), _media),
    "number": _number,
    "allowed_addresses": _networks,
    "termination_uri": _termination,
}
