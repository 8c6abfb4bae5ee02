"""`cordboard number`: the platform's own inventory."""

from typing import Any

import click

from cordboard.cli.accounts import account_id
from cordboard.cli.common import show_json, show_table, talks_to_server
from cordboard.client import Client


@click.group()
def number() -> None:
    """Phone numbers. A tenant imports its own by the API; these are platform-owned."""


@number.command()
@click.argument("number")
@click.option("--tenant", help="Name, reference or id; none: into the inventory.")
@click.option("--status", type=click.Choice(["reserved", "assigned"]), help="Default: assigned with --tenant.")
@click.option("--allowed-address", "allowed", multiple=True, help="Address or CIDR it takes calls from; none: all.")
@talks_to_server
def add(
    client: Client, number: str, tenant: str | None, status: str | None, allowed: tuple[str, ...], as_json: bool
) -> None:
    """Add a platform-owned number, for a tenant or for nobody yet."""
    body = {
        "number": number,
        "tenant_id": None if tenant is None else client.tenant_id(tenant),
        "status": status or ("assigned" if tenant else "reserved"),
        "allowed_addresses": list(allowed) or None,
    }
    _show(client.post("/numbers", body), as_json)


@number.command()
@click.argument("number")
@click.option("--tenant", help="Name, reference or id: it gets a reserved number.")
@click.option("--account", help="Id or username: its phones get the calls of a number of its tenant's.")
@talks_to_server
def assign(client: Client, number: str, tenant: str | None, account: str | None, as_json: bool) -> None:
    """Give a reserved number to a tenant, or a tenant's number to one of its SIP accounts."""
    if (tenant is None) == (account is None):
        raise click.UsageError("say who gets it: --tenant or --account, one of them")
    who = {"account_id": account_id(client, account)} if account else {"tenant_id": client.tenant_id(tenant or "")}
    _show(client.post("/numbers/assign", {"number": number, **who}), as_json)


@number.command("list")
@click.option("--tenant", required=True, help="Name, reference or id.")
@talks_to_server
def list_(client: Client, tenant: str, as_json: bool) -> None:
    """List a tenant's numbers, newest first."""
    found = client.all("/numbers", tenant_id=client.tenant_id(tenant))
    if as_json:
        show_json({"data": found})
    else:
        show_table(found, ("id", "number", "provider", "status", "nickname", "inbound_agent_id"))


def _show(shown: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(shown)
    else:
        click.echo(f"{shown['number']} {shown['status']} {shown['id']}")
