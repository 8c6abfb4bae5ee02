"""`cordboard operator`."""

from typing import Any

import click

from cordboard.cli.common import remove, removes, uses
from cordboard.cli.nouns import OPERATOR
from cordboard.cli.showing import show_json, show_list
from cordboard.client import Client


@click.group()
def operator() -> None:
    """Operators: logins (HTTP Basic) that see their own customers."""


@operator.command()
@click.argument("name")
@uses("create_operator", once=True)
def create(client: Client, name: str, as_json: bool) -> None:
    """Create an operator and print NAME:PASSWORD alone; the password is not shown again."""
    _show(client.post("/operators", {"name": name}), as_json)


@operator.command()
@click.argument("name", type=OPERATOR)
@uses("list_operators", "renew_operator_password", once=True)
def password(client: Client, name: str, as_json: bool) -> None:
    """Give an operator a new password and print NAME:PASSWORD; the old one is refused from then on."""
    _show(client.post(f"/operators/{client.operator_id(name)}/password", {}), as_json)


@operator.command("list")
@uses("list_operators")
def list_(client: Client, as_json: bool) -> None:
    """List every operator."""
    found: list[dict[str, Any]] = []
    while page := client.get("/operators", limit=1000, after=found[-1]["name"] if found else None)["data"]:
        found += page
    empty = "no operators yet: cordboard operator create NAME"
    show_list(found, ("name", "id", "created_at"), as_json=as_json, empty=empty)


@operator.command()
@click.argument("name", type=OPERATOR)
@removes
@uses("list_operators", "delete_operator")
def delete(client: Client, name: str, as_json: bool, **how: Any) -> None:
    """Delete an operator that has no customers."""
    id = client.operator_id(name)
    remove(client, f"/operators/{id}", name, {"id": id, "deleted": True}, as_json=as_json, **how)


def _show(made: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(made)
    else:
        click.echo(f"{made['name']}:{made['password']}")
