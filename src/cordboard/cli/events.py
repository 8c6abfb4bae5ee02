"""`cordboard event`: what happened."""

import json
from typing import Any

import click

from cordboard.cli.common import pages, uses
from cordboard.cli.nouns import TENANT
from cordboard.cli.showing import second, show_json, show_object, show_table
from cordboard.cli.tailing import tail, tails
from cordboard.client import Client


@click.group()
def event() -> None:
    """What happened, newest first."""


@event.command("list")
@click.option("--tenant", type=TENANT, help="Name, reference or id.")
@click.option("--type", help="A type, or the beginning of some: call.ended, call.*")
@click.option("--subject", help="The id of what it happened to.")
@click.option("--from", "since", help="At this instant or later: 2026-11-21T08:00:00Z.")
@click.option("--to", "until", help="Before this instant.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Events shown at most.")
@uses("list_tenants", "list_events")
def list_(client: Client, tenant: str | None, as_json: bool, limit: int, **filters: str | None) -> None:
    """List events."""
    between = {"from": filters.pop("since"), "to": filters.pop("until")}
    tenant_id = None if tenant is None else client.tenant_id(tenant)
    answer = pages(client, "/events", limit, {**filters, **between, "tenant_id": tenant_id})
    if as_json:
        show_json(answer)
        return
    columns = ("timestamp", "type", "id", "subject", "tenant_id")
    show_table(answer["data"], columns, empty="no such events; cordboard events tail waits for some")


@event.command("tail")
@click.option("--tenant", type=TENANT, help="Name, reference or id.")
@click.option("--type", help="A type, or the beginning of some: call.ended, call.*")
@click.option("--subject", help="The id of what it happens to.")
@tails
@uses("list_tenants", "list_events")
def tail_(client: Client, tenant: str | None, **options: Any) -> None:
    """Print events as they happen, until Ctrl-C. With --json each is one line."""
    tail(client, _line, tenant_id=None if tenant is None else client.tenant_id(tenant), **options)


def _line(event: dict[str, Any]) -> str:
    return f"{second(event['timestamp'])}  {event['type']:28}  {event['subject']}"


@event.command()
@click.argument("id")
@uses("get_event")
def show(client: Client, id: str, as_json: bool) -> None:
    """Show one event."""
    found = client.get(f"/events/{id}")
    if as_json:
        show_json(found)
        return
    data = found.pop("data")
    show_object(found)
    click.echo("")
    click.echo(json.dumps(data, indent=2))
