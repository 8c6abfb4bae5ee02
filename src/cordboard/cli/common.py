"""What every command that talks to a server shares: where the server is, and how answers and refusals are shown.

Exit codes: 0 done, 1 refused with a reason, 2 wrong use.
"""

import functools
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from cordboard import settings
from cordboard.client import Client, ClientError

F = TypeVar("F", bound=Callable[..., Any])

data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("data"),
    show_default=True,
    help="Data directory of the server.",
)


def talks_to_server(command: F) -> F:
    """Give a command `--data` and `--json`, and call it with a client in their place and `as_json`."""

    @data_option
    @click.option("--json", "as_json", is_flag=True, help="Print the server's answer as JSON.")
    @functools.wraps(command)
    def run(*args: Any, data: Path, **options: Any) -> Any:
        as_json = options["as_json"]
        where = settings.server_address(data)
        if where is None:
            fail(
                f"{data} has no server.url: start `cordboard serve --data {data}`, name another directory with "
                "--data, or set CORDBOARD_URL and CORDBOARD_ADMIN_TOKEN",
                as_json=as_json,
            )
        try:
            return command(Client(where.url, where.token), *args, **options)
        except ClientError as error:
            fail(str(error), as_json=as_json, problem=error.problem)

    return run  # type: ignore[return-value]  # click replaces the signature


def fail(message: str, *, as_json: bool = False, problem: dict[str, Any] | None = None) -> NoReturn:
    """Say why and leave with 1. As JSON the problem goes to standard output, as every answer does."""
    if as_json:
        show_json(problem or {"detail": message})
    else:
        click.echo(f"cordboard: {message}", err=True)
        for id in (problem or {}).get("ids", ()):
            click.echo(f"  {id}", err=True)
    sys.exit(1)


def confirmed(what: str, *, yes: bool, as_json: bool) -> None:
    """Go on if the user wants it; where nobody can be asked, `--yes` must say so."""
    if yes:
        return
    if as_json or not sys.stdin.isatty():
        fail(f"nobody can be asked here: say --yes to {what}", as_json=as_json)
    if not click.confirm(f"{what[0].upper()}{what[1:]}?"):
        fail("nothing was changed")


def show_json(answer: Any) -> None:
    click.echo(json.dumps(answer, indent=2))


def show_object(lines: dict[str, Any]) -> None:
    """One object for people: a line a field; null is a dash."""
    width = max(map(len, lines))
    for name, value in lines.items():
        said = "-" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        click.echo(f"{name.replace('_', ' ').ljust(width)}  {said}")


def show_table(rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> None:
    """A table for people: a heading, then a line a row; null is a dash."""
    lines = [[name.replace("_", " ").upper() for name in columns]]
    lines += [["-" if row[name] is None else str(row[name]) for name in columns] for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
