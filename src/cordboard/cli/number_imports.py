"""`cordboard import`: what became of imports. `cordboard number import` makes them."""

import json
from typing import Any, TextIO

import click

from cordboard.cli.common import confirmed, limited, uses
from cordboard.cli.imports import counted
from cordboard.cli.nouns import TENANT
from cordboard.cli.showing import show_json, show_list, show_object
from cordboard.client import Client


@click.group("import")
def import_() -> None:
    """Imports of numbers: how far they are, and what became of each row. `cordboard number import` makes them."""


@import_.command("list")
@click.option("--tenant", type=TENANT, required=True, help="Name, reference or id.")
@limited
@uses("list_tenants", "list_imports")
def list_(client: Client, tenant: str, limit: int | None, as_json: bool) -> None:
    """List a tenant's imports, newest first."""
    show_list(
        client.each("/imports", most=limit, tenant_id=client.tenant_id(tenant)),
        ("created_at", "state", "rows", "outcomes", "id"),
        as_json=as_json,
        empty="no imports yet: cordboard number import FILE --tenant NAME",
        line=lambda each: {**each, "state": _state(each), "rows": each["position"], "outcomes": counted(each)},
    )


@import_.command()
@click.argument("id")
@uses("get_import")
def show(client: Client, id: str, as_json: bool) -> None:
    """Show one import."""
    found = client.get(f"/imports/{id}")
    if as_json:
        show_json(found)
        return
    names = ("id", "tenant_id", "format", "on_conflict", "trunk", "inbound_agent", "outbound_agent")
    outcomes = {"state": _state(found), "rows": found["position"], "outcomes": counted(found)}
    times = {name: found[name] for name in ("created_at", "finished_at")}
    show_object({**{name: found[name] for name in names}, **outcomes, **times})


@import_.command()
@click.argument("id")
@click.option("--failed", is_flag=True, default=None, help="Only rows that failed.")
@click.option("--output", type=click.File("w", lazy=True), default="-", help="A file to write.  [default: the output]")
@uses("import_report")
def report(client: Client, id: str, failed: bool | None, output: TextIO, as_json: bool) -> None:
    """Print what became of each row: a JSON object a line, with or without --json."""
    for row in client.each(f"/imports/{id}/rows", failed=failed):
        click.echo(json.dumps(row, ensure_ascii=False), file=output)


@import_.command()
@click.argument("id")
@click.option("--yes", is_flag=True, help="Do not ask.")
@uses("delete_import")
def delete(client: Client, id: str, yes: bool, as_json: bool) -> None:
    """Forget an import and its report; its numbers stay."""
    confirmed("forget the import", yes=yes, as_json=as_json)
    client.delete(f"/imports/{id}")
    if as_json:
        show_json({"id": id, "deleted": True})
    else:
        click.echo(f"deleted {id}")


def _state(found: dict[str, Any]) -> str:
    checked = "checked" if found["dry_run"] else "finished"
    return "open" if found["finished_at"] is None else checked
