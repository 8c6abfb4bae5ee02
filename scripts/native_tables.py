"""The tables of docs/native.md that come from the code: operations, and what each permission opens."""

from collections.abc import Iterator
from typing import Any

from cordboard.dialects.diga.routes import operations as diga
from cordboard.dialects.native.callers import Callers
from cordboard.dialects.native.operation import PREFIX, NativeOperation
from cordboard.dialects.native.routes import Installation, operations
from cordboard.dialects.nebrija.described import operations as nebrija
from cordboard.domain.keys import PERMISSIONS
from cordboard.usecases.ports import Context

_MARK = "<!-- {name}: from the code, by scripts/reference.py -->"


def filled(page: str) -> str:
    """The page with its tables as the code has them."""
    for name, rows in (("permissions", _permissions()), ("operations", _operations())):
        start, end = _MARK.format(name=name), _MARK.format(name=f"end of {name}")
        before, _, rest = page.partition(start)
        after = rest.partition(end)[2]
        page = "\n".join([before + start, *rows, end + after])
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
    yield "| operation | does | least caller | permission | If-Match |"
    yield "|---|---|---|---|---|"
    for each in every_operation():
        path = each.path.removeprefix(PREFIX)
        permission = f"`{each.permission}`" if each.permission else "none needed" if each.unrestricted else ""
        versioned = "yes" if each.versioned else ""
        yield f"| `{each.method} {path}` | {each.summary} | {each.least} | {permission} | {versioned} |"


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
            opened[each.permission].append(f"`{each.method} {each.path.removeprefix(PREFIX)}`")
    yield "| permission | opens |"
    yield "|---|---|"
    for permission, operations_opened in opened.items():
        yield f"| `{permission}` | {', '.join(operations_opened) or _WITHIN[permission]} |"
