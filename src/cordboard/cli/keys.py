"""`cordboard key`."""

import click

from cordboard.cli.common import show_json, show_table, talks_to_server
from cordboard.client import Client
from cordboard.domain.keys import PERMISSIONS


@click.group()
def key() -> None:
    """API keys: bearer tokens of one tenant."""


@key.command()
@click.option("--tenant", required=True, help="Name, reference or id.")
@click.option("--name", help="What the key is for.")
@click.option(
    "--permission", "permissions", multiple=True, help=f"{', '.join(PERMISSIONS)}; repeat. None: unrestricted."
)
@talks_to_server
def create(client: Client, tenant: str, name: str | None, permissions: tuple[str, ...], as_json: bool) -> None:
    """Create a key and print it alone; it is not shown again."""
    body = {"name": name, "permissions": list(permissions) or None}
    made = client.post(f"/tenants/{client.tenant_id(tenant)}/keys", body)
    if as_json:
        show_json(made)
    else:
        click.echo(made["key"])


@key.command("list")
@click.option("--tenant", required=True, help="Name, reference or id.")
@talks_to_server
def list_(client: Client, tenant: str, as_json: bool) -> None:
    """List a tenant's keys by their last four digits."""
    found = client.get(f"/tenants/{client.tenant_id(tenant)}/keys", limit=1000)
    if as_json:
        show_json(found)
    else:
        rows = [{**k, "permissions": ", ".join(k["permissions"] or ["unrestricted"])} for k in found["data"]]
        show_table(rows, ("id", "name", "last_four_digits", "permissions", "created_at"))


@key.command()
@click.argument("key_id")
@talks_to_server
def revoke(client: Client, key_id: str, as_json: bool) -> None:
    """Revoke a key by its id: the next request with it is refused."""
    client.delete(f"/keys/{key_id}")
    if as_json:
        show_json({"id": key_id, "revoked": True})
    else:
        click.echo(f"revoked {key_id}")
