"""`cordboard tenant`."""

from typing import Any

import click

from cordboard.cli.common import show_json, show_table, talks_to_server
from cordboard.client import Client


@click.group()
def tenant() -> None:
    """Tenants: the owners of numbers, trunks, agents and keys."""


@tenant.command()
@click.argument("name")
@click.option("--reference", help="The id that your own system uses for this customer.")
@talks_to_server
def create(client: Client, name: str, reference: str | None, as_json: bool) -> None:
    """Create a tenant and print its id."""
    made = client.post("/tenants", {"name": name, "reference": reference})
    if as_json:
        show_json(made)
    else:
        click.echo(made["id"])


@tenant.command("list")
@talks_to_server
def list_(client: Client, as_json: bool) -> None:
    """List every tenant."""
    found: list[dict[str, Any]] = []
    while page := client.get("/tenants", limit=1000, after=found[-1]["id"] if found else None)["data"]:
        found += page
    if as_json:
        show_json({"data": found})
    else:
        show_table(found, ("id", "name", "reference", "created_at"))
