"""Write the pages of docs/ that come from the code, whole or their tables; a test fails when one is behind."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import click

from cordboard.cli import main
from cordboard.settings import Settings, variable
from scripts import call_tables, nebrija_ledger, telecom_center_ledger

DOCS = Path(__file__).parents[1] / "docs"

_SETTINGS = """# Settings

Every setting is an environment variable. `cordboard serve --help` shows what the command line takes besides.

| variable | default | meaning |
|---|---|---|
{rows}

The commands other than `serve`, `down` and `migrate` talk to a running server. They find it by `--data DIR` (the files
`server.url` and `admin.token` that `serve` writes there), or by `CORDBOARD_URL` and `CORDBOARD_ADMIN_TOKEN` together.
"""

_COMMANDS = """# Commands

Exit codes: 0 done, 1 refused with a reason, 2 wrong use. Options stand after the subcommand. Wherever a command takes a
tenant, its name, reference or id will do; where that fits several, the command ends with 1 and lists their ids.
{sections}"""


def settings_page() -> str:
    rows = []
    for setting in dataclasses.fields(Settings):
        meaning = setting.metadata["doc"].replace("|", "&#124;")
        rows.append(f"| `{variable(setting.name)}` | {_default(setting.default)} | {meaning} |")
    return _SETTINGS.format(rows="\n".join(rows))


def _default(value: object) -> str:
    if value is None or value == ():
        return ""
    text = ",".join(value) if isinstance(value, tuple) else str(value)
    return f"`{text.lower() if isinstance(value, bool) else text}`"


def commands_page() -> str:
    return _COMMANDS.format(sections="".join(_section(path, command) for path, command in _commands(main, "cordboard")))


def _commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def _section(path: str, command: click.Command) -> str:
    context = click.Context(command, info_name=path, max_content_width=110, terminal_width=110)
    return f"\n## `{path}`\n\n```\n{command.get_help(context)}\n```\n"


def calls_page() -> str:
    return call_tables.filled((DOCS / "calls.md").read_text())


PAGES = {
    "settings.md": settings_page,
    "commands.md": commands_page,
    "calls.md": calls_page,
    "compat/nebrija.md": nebrija_ledger.page,
    "compat/telecom-center.md": telecom_center_ledger.page,
}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page())
