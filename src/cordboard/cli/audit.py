"""`cordboard audit`."""

import json
from typing import Any

import click

from cordboard.cli.common import uses
from cordboard.cli.nouns import TENANT
from cordboard.cli.showing import show_list
from cordboard.client import Client


@click.command()
@click.option("--tenant", type=TENANT, help="Name, reference or id.")
@click.option("--object", "object_id", help="Id of what was changed.")
@click.option("--kind", help="tenant, operator, key, agent, version, trunk, number, account or webhook.")
@click.option("--actor", help="admin, clockwork, operator:ID or key:ID.")
@click.option("--from", "since", metavar="TIME", help="From then on: 2026-11-21, or 2026-11-21T12:00:00Z.")
@click.option("--to", metavar="TIME", help="Until then.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Changes shown at most.")
@uses("list_tenants", "list_audit")
def audit(client: Client, tenant: str | None, since: str | None, limit: int, as_json: bool, **where: Any) -> None:
    """Show who changed what, newest first. A secret is only said to have been set."""
    query = {**where, "from": since, "tenant_id": None if tenant is None else client.tenant_id(tenant)}
    show_list(
        client.each("/audit", most=limit, **query),
        ("at", "actor", "action", "kind", "fields", "object_id"),
        as_json=as_json,
        empty="no such changes",
        line=lambda entry: {**entry, "fields": _said(entry["fields"])},
    )


def _said(fields: dict[str, Any]) -> str | None:
    """`name: old > new`; a secret `password: set`."""
    said = [f"{name}: {' > '.join(map(_text, values))}" for name, values in fields.items()]
    return ", ".join(said) or None


def _text(value: Any) -> str:
    return "-" if value is None else value if isinstance(value, str) else json.dumps(value)
