"""`cordboard search` and `cordboard whoami`."""

import click

from cordboard.cli.common import uses
from cordboard.cli.nouns import TENANT
from cordboard.cli.showing import show_json, show_object, show_table
from cordboard.client import Client


@click.command()
@click.argument("text")
@click.option("--tenant", type=TENANT, help="Of this tenant alone: name, reference or id.")
@uses("list_tenants", "search")
def search(client: Client, text: str, tenant: str | None, as_json: bool) -> None:
    """Find numbers, trunks, accounts, agents, tenants and calls by how they begin, or by an id."""
    found = client.get("/search", q=text, tenant_id=None if tenant is None else client.tenant_id(tenant))
    if as_json:
        show_json(found)
        return
    show_table(found["data"], ("kind", "name", "id", "detail", "tenant_id"), empty=f"nothing begins with {text}")
    if found["more"]:
        click.echo("there are more: a longer text finds them", err=True)
    if found["cut"]:
        click.echo(
            "1,000 that begin so were looked at, of all customers, and there are more: "
            "name yours with --tenant; a call by its whole Call-ID",
            err=True,
        )


@click.command()
@uses("get_me")
def whoami(client: Client, as_json: bool) -> None:
    """Show as whom the server knows you, and what you may do."""
    found = client.get("/me")
    if as_json:
        show_json(found)
    else:
        everything = found["permissions"] is None
        show_object({**found, "permissions": "unrestricted" if everything else found["permissions"]})
