"""`cordboard operator`."""

from typing import Any

import click

from cordboard.cli.common import confirmed, show_json, show_table, talks_to_server
from cordboard.client import Client


@click.group()
def operator() -> None:
    """Operators: logins (HTTP Basic) that see their own customers."""


@operator.command()
@click.argument("name")
@talks_to_server
def create(client: Client, name: str, as_json: bool) -> None:
    """Create an operator and print NAME:PASSWORD alone; the password is not shown again."""
    _show(client.post("/operators", {"name": name}), as_json)


@operator.command()
@click.argument("name")
@talks_to_server
def password(client: Client, name: str, as_json: bool) -> None:
    """Give an operator a new password and print NAME:PASSWORD; the old one is refused from then on."""
    _show(client.post(f"/operators/{client.operator_id(name)}/password", {}), as_json)


@operator.command("list")
@talks_to_server
def list_(client: Client, as_json: bool) -> None:
    """List every operator."""
    found: list[dict[str, Any]] = []
    while page := client.get("/operators", limit=1000, after=found[-1]["name"] if found else None)["data"]:
        found += page
    if as_json:
        show_json({"data": found})
    else:
        show_table(found, ("id", "name", "created_at"))


@operator.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@talks_to_server
def delete(client: Client, name: str, yes: bool, as_json: bool) -> None:
    """Delete an operator that has no customers."""
    id = client.operator_id(name)
    confirmed(f"delete the operator {name}", yes=yes, as_json=as_json)
    client.delete(f"/operators/{id}")
    if as_json:
        show_json({"id": id, "deleted": True})
    else:
        click.echo(f"deleted {name}")


def _show(made: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(made)
    else:
        click.echo(f"{made['name']}:{made['password']}")
