"""`cordboard key`."""

from typing import Any

import click

from cordboard.cli.common import limited, of_tenant, show_preview, uses, whose
from cordboard.cli.nouns import TENANT
from cordboard.cli.showing import show_json, show_list, show_object
from cordboard.client import Client
from cordboard.domain.keys import PERMISSIONS


@click.group()
def key() -> None:
    """API keys: bearer tokens of one tenant."""


@key.command()
@click.option("--tenant", type=TENANT, required=True, help="Name, reference or id.")
@click.option("--name", help="What the key is for.")
@click.option(
    "--permission", "permissions", multiple=True, help=f"{', '.join(PERMISSIONS)}; repeat. None: unrestricted."
)
@uses("list_tenants", "create_key", once=True)
def create(client: Client, tenant: str, name: str | None, permissions: tuple[str, ...], as_json: bool) -> None:
    """Create a key and print it alone; it is not shown again."""
    body = {"name": name, "permissions": list(permissions) or None}
    made = client.post(f"/tenants/{client.tenant_id(tenant)}/keys", body)
    if as_json:
        show_json(made)
    else:
        click.echo(made["key"])


@key.command("list")
@of_tenant
@limited
@uses("get_me", "list_tenants", "list_keys")
def list_(client: Client, tenant: str | None, limit: int | None, as_json: bool) -> None:
    """List a tenant's keys by their last four digits."""
    show_list(
        client.each(f"/tenants/{whose(client, tenant)}/keys", most=limit),
        ("name", "digits", "id", "permissions", "created_at"),
        as_json=as_json,
        empty="no keys yet: cordboard key create --tenant NAME",
        line=lambda key: {**key, "digits": key["last_four_digits"], "permissions": _permissions(key)},
    )


@key.command()
@click.argument("key_id")
@uses("get_key")
def show(client: Client, key_id: str, as_json: bool) -> None:
    """Show one key by its id: all but the key itself, which nobody knows."""
    found = client.get(f"/keys/{key_id}")
    if as_json:
        show_json(found)
    else:
        shown = ("id", "tenant_id", "name", "last_four_digits", "permissions", "created_at")
        show_object({name: _permissions(found) if name == "permissions" else found[name] for name in shown})


@key.command()
@click.argument("key_id")
@click.option("--dry-run", is_flag=True, help="Only say whether it would be revoked.")
@uses("revoke_key")
def revoke(client: Client, key_id: str, dry_run: bool, as_json: bool) -> None:
    """Revoke a key by its id: the next request with it is refused."""
    if dry_run:
        show_preview(client.delete(f"/keys/{key_id}", dry_run=True), as_json=as_json)
        return
    client.delete(f"/keys/{key_id}")
    if as_json:
        show_json({"id": key_id, "revoked": True})
    else:
        click.echo(f"revoked {key_id}")


def _permissions(key: dict[str, Any]) -> str:
    return ", ".join(key["permissions"] or ["unrestricted"])
