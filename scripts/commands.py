"""docs/commands.md: what each command says of itself."""

from collections.abc import Iterator
from typing import Any

import click

from cordboard.cli import main

_PAGE = """# Commands

Exit codes: 0 done, 1 refused with a reason, 2 wrong use. Options stand after the subcommand. Wherever a command takes a
tenant, its name, reference or id will do; where that fits several, the command ends with 1 and lists their ids. A noun
is taken in the plural, too: `cordboard calls tail`.

Tables fit the terminal: what is too long for it is cut, and columns without room are left out. In a pipe all of it is
there; `--json` is the server's answer as it is. Times are UTC. [`cordboard completion`](#cordboard-completion) makes a
shell complete commands, options and names.

Commands with `--idempotency-key KEY`, of your making, may be given again with the same KEY by a script that got no
answer: nothing is made twice, and it reads what it would have read, a new key or password included.
{sections}"""


def page() -> str:
    return _PAGE.format(sections="".join(_section(path, command) for path, command in every_command(main, "cordboard")))


def every_command(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    """Each command with all of its words."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from every_command(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def _section(path: str, command: click.Command) -> str:
    wide: Any = {"max_content_width": 110, "terminal_width": 110, **main.context_settings}
    context = click.Context(command, info_name=path, **wide)
    return f"\n## `{path}`\n\n```\n{command.get_help(context)}\n```\n"
