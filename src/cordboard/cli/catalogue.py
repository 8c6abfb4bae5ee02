"""`cordboard catalogue`, and the options by which a trunk or an agent is made from one of its entries."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from cordboard.cli.common import uses
from cordboard.cli.nouns import ENTRY
from cordboard.cli.showing import show_json, show_table
from cordboard.client import Client
from cordboard.domain.catalogue import Kind, Parameter, WrongParameter, filled

F = TypeVar("F", bound=Callable[..., Any])


def from_catalogue(command: F) -> F:
    """Give a command `--from` and `--set`, as `entry` and `values`."""
    command = click.option(
        "--set",
        "values",
        multiple=True,
        metavar="NAME=VALUE",
        help="What the entry has to be told; `cordboard catalogue show` lists it. Repeat.",
    )(command)
    return click.option(
        "--from",
        "entry",
        type=ENTRY,
        metavar="ENTRY",
        help="Begin with an entry of the catalogue; other options come before it.",
    )(command)


def set_by(client: Client, entry: str | None, values: Iterable[str], kind: Kind) -> dict[str, Any]:
    """What the entry sets, with what was told; {} without one. Raises ClientError, UsageError."""
    if entry is None:
        if values:
            raise click.UsageError("--set goes with --from")
        return {}
    told = dict(_named(text) for text in values)
    found = client.get(f"/catalogue/{entry}")
    if found["kind"] != kind:
        raise click.UsageError(f"--from {entry}: {found['name']} is no {kind}")
    try:
        return filled(found["sets"], [Parameter(**each) for each in found["parameters"]], told)
    except WrongParameter as error:
        raise click.UsageError(f"--from {entry}: {error} (`cordboard catalogue show {entry}`)") from error


def _named(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(f"--set {text!r}: write NAME=VALUE")
    return name.strip(), value.strip()


@click.group()
def catalogue() -> None:
    """What known carriers and AI platforms ask of SIP, with the day on which it was checked."""


@catalogue.command("list")
@uses("list_catalogue")
def list_(client: Client, as_json: bool) -> None:
    """List the entries."""
    found = client.get("/catalogue")
    if as_json:
        show_json(found)
    else:
        show_table(found["data"], ("id", "kind", "name", "checked"))


@catalogue.command()
@click.argument("entry", type=ENTRY)
@uses("get_catalogue_entry")
def show(client: Client, entry: str, as_json: bool) -> None:
    """Show one entry: what it has to be told, what is set here and there, and what goes wrong."""
    found = client.get(f"/catalogue/{entry}")
    if as_json:
        show_json(found)
        return
    click.echo(f"{found['name']}, a {found['kind']}; checked on {found['checked']}")
    _part("Tell it", [_parameter(each) for each in found["parameters"]])
    _part("It sets", [f"{name}: {_value(value)}" for name, value in found["sets"].items()])
    _part("Authentication", found["authentication"])
    _part("Numbers", found["numbers"])
    _part("Set at the other side", found["there"])
    _part("Its addresses", [f"{n['use']}, {n['where']}: {' '.join(n['ranges'])}" for n in found["networks"]])
    _part("Hosts that are no more", [f"{r['host']} since {r['since']}: {r['instead']}" for r in found["retired"]])
    _part("What goes wrong", found["caveats"])
    _part("Sources", found["sources"])


def _part(heading: str, lines: list[str]) -> None:
    if lines:
        click.echo(f"\n{heading}")
        for line in lines:
            click.echo(f"  {line}")


def _parameter(shown: dict[str, Any]) -> str:
    rest = f", such as {shown['example']}" if shown["default"] is None else f"; {shown['default']} if not told"
    return f"--set {shown['name']}=…: {shown['means']}{rest}"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(_value, value))
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value(each)}" for name, each in value.items())
    return str(value)
