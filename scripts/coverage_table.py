"""docs/coverage.md: every operation of the native API, and which commands and pages of the console are for it.

An operation without one stops the writing, unless it stands here why; so does a reason that is none any more.
"""

from collections.abc import Iterator, Mapping

from cordboard.cli import main
from cordboard.cli.common import operations_of
from cordboard.console.routes import PAGES
from cordboard.dialects.native.operation import PREFIX
from scripts.commands import every_command
from scripts.native_tables import every_operation

_PAGE = """# Operations, commands, pages

Everything that an installation can be asked for is an operation of [the native API](native.md#operations). The
[commands](commands.md) and the pages of the [console](console.md) are clients of it. Where an operation has none, the
cell says why.

Commands and pages stand at the operation that they are for, not at those by which they look something up, such as a
tenant's id.

{table}

These commands ask no server: {serverless}.
"""

#: Why an operation has no command.
NO_COMMAND: Mapping[str, str] = {
    "begin_import": "part of `number import`",
    "import_rows": "part of `number import`",
    "explain": "`explain --from NUMBER --to NUMBER`",
    "get_trunk_registrations": "`trunk registrations` asks for it, unless a history is wanted",
    "get_verification_schedule": "`verify schedules ID`",
    "create_verification": "`verify SUBJECT` begins with it",
}
#: Why an operation has no page.
NO_PAGE: Mapping[str, str] = {
    "get_key": "`/keys` shows all that there is of each",
    "list_versions": "on `/agents/{agent_id}`",
    "get_version": "on `/agents/{agent_id}`, among the others",
    "import_rows": "part of `/imports/new`",
    "import_report": "on `/imports/{import_id}`",
    "explain_call": "`/explain` asks for it of a past call",
    "list_webhook_deliveries": "on `/webhooks/{webhook_id}`",
    "get_trunk_health": "on `/trunks/{trunk_id}`",
    "get_trunk_registrations": "on `/trunks/{trunk_id}`",
    "get_figures": "on `/`",
    "get_trunk_strip": "on `/` and `/trunks/{trunk_id}`",
    "get_verification_schedule": "`/verifications/schedules` shows all that there is of each",
}


class Gap(Exception):
    """A cell is empty, or says why it is empty and is not."""


def _commands() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each command with the operations that it uses; the one that it is for comes last."""
    for path, command in every_command(main, "cordboard"):
        yield path.removeprefix("cordboard "), operations_of(command)


def cell(operation: str, of: str, users: list[str], reasons: Mapping[str, str]) -> str:
    """Who uses an operation, or why nobody does. Raises Gap."""
    if bool(users) == (operation in reasons):
        wrong = f"has no {of}: make one, or say why not" if not users else f"has a {of} now: take its reason away"
        raise Gap(f"{operation} {wrong}, in {__name__.replace('.', '/')}.py")
    return ", ".join(f"`{user}`" for user in users) or reasons[operation]


def _pages() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each page by its path with the operations that it uses; the one that it is for comes last.

    What is no page to open, but where a button leads, has its method.
    """
    opened = {each.path for each in PAGES if each.method == "GET"}
    for each in PAGES:
        yield each.path if each.path in opened else each.method_path, (*each.uses[1:], *each.uses[:1])


def _used(operation: str, users: list[tuple[str, tuple[str, ...]]]) -> list[str]:
    """Who is for an operation."""
    return list(dict.fromkeys(name for name, used in users if used[-1:] == (operation,)))


def _rows() -> Iterator[str]:
    commands, pages = list(_commands()), list(_pages())
    yield "| operation | native API | commands | pages of the console |"
    yield "|---|---|---|---|"
    for each in every_operation():
        command = cell(each.name, "command", _used(each.name, commands), NO_COMMAND)
        shown = cell(each.name, "page", _used(each.name, pages), NO_PAGE)
        yield f"| `{each.name}` | `{each.method} {each.path.removeprefix(PREFIX)}` | {command} | {shown} |"


def page() -> str:
    """Raises Gap."""
    serverless = ", ".join(f"`{name}`" for name, used in _commands() if not used)
    return _PAGE.format(table="\n".join(_rows()), serverless=serverless)
