"""The lists of docs/native.md that come from the code: operations, and what each permission opens."""

import re
import textwrap
from collections.abc import Iterator
from typing import Any, Final

from cordboard.dialects.diga.routes import operations as diga
from cordboard.dialects.native.callers import Callers
from cordboard.dialects.native.operation import PREFIX, NativeOperation
from cordboard.dialects.native.routes import Installation, operations
from cordboard.dialects.nebrija.described import operations as nebrija
from cordboard.domain.keys import PERMISSIONS
from cordboard.usecases.ports import Context

_MARK = "<!-- {name}: from the code, by scripts/reference.py -->"
#: Characters of a line.
WIDTH: Final = 120


def filled(page: str) -> str:
    """The page with its lists as the code has them."""
    for name, rows in (("permissions", _permissions()), ("operations", _operations())):
        start, end = _MARK.format(name=name), _MARK.format(name=f"end of {name}")
        before, _, rest = page.partition(start)
        after = rest.partition(end)[2]
        page = "\n".join([before + start, "", *rows, "", end + after])
    return page


def every_operation() -> Iterator[NativeOperation]:
    """The operations of a server, without one."""
    nothing: Any = None
    context = Context(store=nothing, sealer=nothing, hosts=nothing)
    callers = Callers(admin_token="", keyholders=nothing, logins=nothing)
    for each in operations(Installation(context=context, callers=callers)):
        assert isinstance(each, NativeOperation)
        yield each


def _operations() -> Iterator[str]:
    for each in every_operation():
        who = f"`{each.permission}`" if each.permission else "any key" if each.unrestricted else each.least
        versioned = "; `If-Match`" if each.versioned else ""
        yield _item(f"{_code(each)} {each.summary} ({who}{versioned})")


def _code(operation: Any) -> str:
    return f"`{operation.method} {operation.path.removeprefix(PREFIX)}`"


def _item(text: str) -> str:
    """Of a list, in lines that a terminal shows whole; what is code stays in one."""
    whole = re.sub(r"`[^`]*`", lambda code: code[0].replace(" ", "\0"), text)
    lines = textwrap.wrap(
        whole, WIDTH, initial_indent="- ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines).replace("\0", " ")


#: What a permission opens besides whole operations.
_WITHIN = {
    "phones.purchase": "nothing: no numbers are sold here. Diga's keys may carry it",
    "verifications.echo": "an echo call, with `verifications.create`",
}


def _permissions() -> Iterator[str]:
    nothing: Any = type("Views", (), {"__getattr__": lambda self, name: None})()
    opened: dict[str, list[str]] = {permission: [] for permission in PERMISSIONS}
    for each in (*every_operation(), *diga(nothing), *nebrija(nothing, nothing)):
        if each.permission:
            opened[each.permission].append(_code(each))
    for permission, operations_opened in opened.items():
        yield _item(f"`{permission}`: {', '.join(operations_opened) or _WITHIN[permission]}")
