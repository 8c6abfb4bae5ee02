"""`cordboard webhook`: where events are sent, and what became of them there."""

from typing import Any

import click

from cordboard.cli.common import confirmed, fail, limited, pages, uses
from cordboard.cli.nouns import TENANT
from cordboard.cli.showing import show_json, show_list, show_object, show_table
from cordboard.client import Client

_COLUMNS = ("url", "types", "enabled", "id", "failing_since", "disabled", "tenant_id")
#: Seconds that the outcome of a test is waited for, at most.
WAIT = 20


@click.group()
def webhook() -> None:
    """Where events are sent as they happen."""


_types = click.option("--type", "types", multiple=True, help="A type of events, or the beginning of some: call.*")


@webhook.command()
@click.option("--url", required=True, help="Where events are posted: https://…")
@click.option("--tenant", type=TENANT, help="Name, reference or id. Without it everybody's events are sent there.")
@_types
@click.option("--description", help="What it is for.")
@click.option("--disabled", is_flag=True, help="Send nothing yet.")
@uses("list_tenants", "create_webhook", once=True)
def create(
    client: Client,
    url: str,
    tenant: str | None,
    types: tuple[str, ...],
    description: str | None,
    disabled: bool,
    as_json: bool,
) -> None:
    """Create a webhook. Its secret is printed this once."""
    body: dict[str, Any] = {"url": url, "enabled": not disabled}
    if types:
        body["types"] = list(types)
    if description is not None:
        body["description"] = description
    if tenant is not None:
        body["tenant_id"] = client.tenant_id(tenant)
    _show(client.post("/webhooks", body), as_json=as_json)


@webhook.command("list")
@click.option("--tenant", type=TENANT, help="Name, reference or id.")
@limited
@uses("list_tenants", "list_webhooks")
def list_(client: Client, tenant: str | None, limit: int | None, as_json: bool) -> None:
    """List webhooks."""
    found = client.each("/webhooks", most=limit, tenant_id=None if tenant is None else client.tenant_id(tenant))
    show_list(found, _COLUMNS, as_json=as_json, empty="no webhooks yet: cordboard webhook create --url https://…")


@webhook.command()
@click.argument("id")
@uses("get_webhook")
def show(client: Client, id: str, as_json: bool) -> None:
    """Show one webhook."""
    _show(client.get(f"/webhooks/{id}"), as_json=as_json)


@webhook.command()
@click.argument("id")
@click.option("--url", help="Where events are posted.")
@_types
@click.option("--description", help="What it is for; empty removes it.")
@click.option("--enable/--disable", "enabled", default=None, help="Whether events are sent.")
@uses("update_webhook")
def update(client: Client, id: str, types: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Change a webhook. `--enable` forgets why it was disabled."""
    body = {name: value for name, value in given.items() if value is not None}
    if given["description"] == "":
        body["description"] = None
    if types:
        body["types"] = list(types)
    _show(client.patch(f"/webhooks/{id}", body), as_json=as_json)


@webhook.command()
@click.argument("id")
@click.option("--yes", is_flag=True, help="Do not ask.")
@uses("delete_webhook")
def delete(client: Client, id: str, yes: bool, as_json: bool) -> None:
    """Delete a webhook, with what is on its way to it."""
    confirmed("delete the webhook", yes=yes, as_json=as_json)
    client.delete(f"/webhooks/{id}")
    if as_json:
        show_json({"deleted": id})
    else:
        click.echo(f"deleted {id}", err=True)


@webhook.command()
@click.argument("id")
@uses("rotate_webhook_secret", once=True)
def rotate(client: Client, id: str, as_json: bool) -> None:
    """Make a new secret, printed this once. Messages have the signature of the one before for 24 hours, too."""
    _show(client.post(f"/webhooks/{id}/rotate", {}), as_json=as_json)


@webhook.command()
@click.argument("id")
@click.option(
    "--wait",
    type=click.IntRange(0, WAIT),
    default=WAIT,
    show_default=True,
    help="Seconds for which the answer may take.",
)
@uses("test_webhook")
def test(client: Client, id: str, wait: int, as_json: bool) -> None:
    """Send an event of type webhook.test, and say what came of it: exit 1 unless it was taken."""
    sent = client.post(f"/webhooks/{id}/test?wait={wait}", {})
    if as_json:
        show_json(sent)
    else:
        for attempt in sent["attempts"]:
            show_object(attempt)
    if sent["state"] != "delivered":
        said = [attempt["error"] for attempt in sent["attempts"]] or ["nothing was sent yet; is the webhook enabled?"]
        if as_json:
            raise SystemExit(1)
        fail(said[-1])


@webhook.command()
@click.argument("id")
@click.option("--state", type=click.Choice(["pending", "delivered", "failed"]), help="Only those that stand so.")
@click.option("--event", help="The id of one event.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Deliveries shown at most.")
@uses("list_webhook_deliveries")
def deliveries(client: Client, id: str, state: str | None, event: str | None, limit: int, as_json: bool) -> None:
    """List what was sent, with the last attempt of each."""
    answer = pages(client, f"/webhooks/{id}/deliveries", limit, {"state": state, "event_id": event})
    if as_json:
        show_json(answer)
        return
    rows = [_sent(each) for each in answer["data"]]
    columns = ("event_id", "type", "state", "at", "attempts", "status", "ms", "error", "next")
    show_table(rows, columns, empty="no such deliveries: cordboard webhook test ID sends one")


@webhook.command()
@click.argument("id")
@click.option("--event", help="The id of one event.")
@click.option("--failed", is_flag=True, help="All that were given up.")
@click.option("--from", "since", help="All that happened at this instant or later: 2026-11-21T08:00:00Z.")
@click.option("--to", "until", help="Before this instant.")
@uses("replay_webhook")
def replay(
    client: Client, id: str, event: str | None, failed: bool, since: str | None, until: str | None, as_json: bool
) -> None:
    """Send events again, under the ids that they had."""
    if sum((event is not None, failed, since is not None)) != 1:
        raise click.UsageError("Say one of --event, --failed and --from.")
    body: dict[str, Any] = {"event_id": event, "failed": failed or None, "from": since, "to": until}
    body = {name: value for name, value in body.items() if value is not None}
    queued, after = 0, None
    while True:
        answer = client.post(f"/webhooks/{id}/replay", body if after is None else {**body, "after": after})
        queued, after = queued + answer["queued"], answer["next"]
        if after is None:
            break
    if as_json:
        show_json({"queued": queued})
    else:
        click.echo(f"{queued} on their way")


def _show(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(found)
    else:
        show_object(found)


def _sent(delivery: dict[str, Any]) -> dict[str, Any]:
    """A delivery with its last attempt, as one line."""
    attempts: list[dict[str, Any]] = delivery["attempts"]
    last = attempts[-1] if attempts else dict.fromkeys(("at", "status", "ms", "error"))
    return {
        **delivery,
        **last,
        "at": last["at"],
        "attempts": len(attempts),
        "next": delivery["next_attempt_at"],
    }
