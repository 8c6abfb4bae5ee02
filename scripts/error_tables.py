"""docs/errors.md: what each dialect answers to each error. The dialects are asked: each error is made and answered."""

import inspect
import json
from collections import defaultdict
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from structlog.testing import capture_logs

from cordboard.dialects.diga import errors as diga
from cordboard.dialects.http import BodyTooLarge
from cordboard.dialects.native.errors import OTHER_CODES, TABLE
from cordboard.dialects.native.errors import respond as native
from cordboard.dialects.nebrija.errors import respond as nebrija
from cordboard.dialects.telecom_center import errors as telecom_center
from cordboard.domain import errors

_PAGE = """# Error codes

Four APIs, four ways to say that something failed. Each says it as its vendor does; what a program should go by is the
code, or where there is none, the status. `cordboard` ends with 1, and prints the native API's sentence.

| API | shape | code |
|---|---|---|
| native | a [problem document](native.md#problems) | `code`: it never changes its meaning |
| Diga | `{{"status": "error", "error_code", "message"}}`; \
an invalid request `{{"detail": [{{"loc", "msg", "type"}}]}}` | `error_code` |
| Nebrija | `{{"statusCode", "message", "error"}}`; of an invalid request `message` is a list | none: the status |
| telecom.center | `{{"errors": [{{"title", "detail", "code", "source", "status"}}]}}` | `code`, a number as text |

Why a *call* was refused or ended is another matter: [every reason](calls.md#every-reason).

## One error in four APIs

What may work later is 502 or 503; a 503 of a passing state has a `Retry-After`. What an API has no operation for cannot
happen there: its cell says what it would answer.

{all}

Any other fault of HTTP itself has its own status, with the code `http-error` (native) or `HTTP_ERROR` (Diga).

## What stands behind the broad ones

{behind}

## Diga's codes

The vendor documents `BAD_PARAMETER`, `DUPLICATE_FIELD`, `INTERNAL_SERVER_ERROR`, `INVALID_API_KEY`,
`INVALID_PAGINATION_PARAMETERS`, `MISSING_PERMISSIONS` and `NOT_VALID_FIELD`. The others are ours, formed as its own.

{diga}

## telecom.center's codes

Those from 100 to 122 are those of JSON:API Resources, the library that the vendor most plausibly runs; the others
repeat the status. The vendor itself documents 100, 105, 404 and 409, of a sister API.
[Line by line](compat/telecom-center.md#errors), with the tests.

{telecom_center}
"""


def every_error(base: type[errors.CordboardError] = errors.CordboardError) -> Iterator[type[errors.CordboardError]]:
    """The classes of errors that have been imported, `base` left out."""
    for kind in base.__subclasses__():
        yield kind
        yield from every_error(kind)


def told_errors() -> list[type[errors.CordboardError]]:
    """Those that use cases speak of; what engines make of them for their own use is answered as its base is."""
    return [kind for kind in every_error() if kind.__module__ == errors.__name__]


def example(kind: type[errors.CordboardError]) -> errors.CordboardError:
    """An error of that class, with something of the right type for each argument."""
    if not any("__init__" in vars(base) for base in kind.__mro__ if base.__module__ == errors.__name__):
        return kind()
    values: dict[Any, Any] = {int: 7, str: "some-value"}
    arguments = [
        values.get(parameter.annotation, ("some-value",)) for parameter in inspect.signature(kind).parameters.values()
    ]
    return kind(*arguments)


def _said(error: Exception) -> tuple[tuple[int, str], str, str, str]:
    """Status and code of the native API, then what the others say, as a cell has it."""
    answers = [respond(error) for respond in (native, diga.respond, nebrija, telecom_center.respond)]
    problem, envelope, _, document = (json.loads(bytes(answer.body)) for answer in answers)
    status, of_diga, of_nebrija, of_telecom = (answer.status_code for answer in answers)
    code = f"`{envelope['error_code']}`" if "error_code" in envelope else "`detail`"
    return (
        (status, problem["code"]),
        f"{of_diga} {code}",
        str(of_nebrija),
        f"{of_telecom} `{document['errors'][0]['code']}`",
    )


def _all() -> Iterator[str]:
    cells: dict[tuple[int, str], list[dict[str, None]]] = defaultdict(lambda: [{}, {}, {}])
    happened: list[Exception] = [*map(example, told_errors()), BodyTooLarge()]
    with capture_logs():  # some of them are logged, by whoever answers
        for error in (*happened, HTTPException(404), HTTPException(405), KeyError()):
            line, *others = _said(error)
            for cell, said in zip(cells[line], others, strict=True):
                cell[said] = None
    means = {code: first_line(kind) for kind, (_, code) in TABLE.lines.items()}
    means |= {code: meaning for code, (_, meaning) in OTHER_CODES.items()}
    yield "| what went wrong | native | Diga | Nebrija | telecom.center |"
    yield "|---|---|---|---|---|"
    for (status, code), said_by_others in sorted(cells.items()):
        rest = " | ".join(", ".join(cell) for cell in said_by_others)
        yield f"| {means[code]} | {status} `{code}` | {rest} |"


def _behind() -> Iterator[str]:
    """What has no code of its own at the native API."""
    meanings: dict[str, list[str]] = defaultdict(list)
    for kind in told_errors():
        if kind not in TABLE.lines and (base := TABLE.find(example(kind))):
            meanings[base[1]].append(first_line(kind))
    yield "| native code | may mean |"
    yield "|---|---|"
    for code, said in sorted(meanings.items()):
        yield f"| `{code}` | {'<br>'.join(said)} |"


def _diga() -> Iterator[str]:
    yield "| code | status | when |"
    yield "|---|---|---|"
    lines = [(line.code, line.status, first_line(kind)) for kind, line in diga.TABLE.lines.items()]
    lines += [(code, status, HTTPStatus(status).phrase + ".") for status, code in diga.NO_OPERATION.items()]
    lines.append((diga.UNEXPECTED.code, diga.UNEXPECTED.status, OTHER_CODES["internal"][1]))
    said: dict[tuple[str, int], dict[str, None]] = defaultdict(dict)
    for code, status, when in lines:
        said[code, status][when] = None
    for (code, status), whens in sorted(said.items()):
        yield f"| `{code}` | {status} | {'<br>'.join(whens)} |"


def _telecom_center() -> Iterator[str]:
    yield "| code | status | title |"
    yield "|---|---|---|"
    yield "| `100` | 422 | An attribute that is not as it must be: the title is the message |"
    rows = [row for row in vars(telecom_center).values() if isinstance(row, telecom_center.Row)]
    yield from dict.fromkeys(f"| `{row.code}` | {row.status} | {row.title} |" for row in rows)


def first_line(kind: type[Exception]) -> str:
    return (kind.__doc__ or "").splitlines()[0].replace("|", "&#124;")


def page() -> str:
    tables = {"all": _all, "behind": _behind, "diga": _diga, "telecom_center": _telecom_center}
    return _PAGE.format(**{name: "\n".join(rows()) for name, rows in tables.items()})
