"""`cordboard livekit`."""

from typing import Any

import click

from cordboard.cli.common import fail, uses
from cordboard.cli.showing import show_json, show_table
from cordboard.client import Client


@click.group()
def livekit() -> None:
    """LiveKit: how its trunks and rules differ from what is stored, and bringing them there."""


@livekit.command()
@uses("plan_livekit")
def plan(client: Client, as_json: bool) -> None:
    """Show what `apply` would do; nothing is changed."""
    planned = client.get("/livekit/plan")
    if as_json:
        show_json(planned)
    else:
        _show(planned, "nothing: LiveKit holds what is stored")


@livekit.command()
@click.option("--yes", is_flag=True, help="Even if that deletes more than ten objects, or a fifth of all.")
@uses("apply_livekit")
def apply(client: Client, yes: bool, as_json: bool) -> None:
    """Make LiveKit what is stored; objects that are not ours stay as they are."""
    applied = client.post("/livekit/apply", {"mass_deletion": yes})
    if as_json:
        show_json(applied)
    else:
        _show(applied, "nothing to do")
    if applied["problems"]:
        fail(f"{len(applied['problems'])} objects are not as they are stored")


def _show(planned: dict[str, Any], nothing: str) -> None:
    rows = [{**each, "fields": " ".join(each["fields"]) or None} for each in planned["changes"]]
    if rows:
        show_table(rows, ("action", "key", "fields"))
    elif not planned["problems"]:
        click.echo(nothing)
    for problem in planned["problems"]:
        click.echo(f"cannot: {problem['key']}: {problem['reason']}", err=True)
