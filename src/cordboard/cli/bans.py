"""`cordboard ban`."""

import click

from cordboard.cli.common import uses
from cordboard.cli.showing import show_json, show_table
from cordboard.client import Client


@click.group()
def ban() -> None:
    """Sources that the edge does not hear for a while: floods, scanners, guessed passwords."""


@ban.command("list")
@uses("list_bans")
def list_(client: Client, as_json: bool) -> None:
    """List those that stand now."""
    found = client.get("/bans")
    if as_json:
        show_json(found)
    else:
        show_table(found["data"], ("address", "reason", "since", "dropped"), empty="nobody is banned now")


@ban.command()
@click.argument("address")
@uses("ban")
def add(client: Client, address: str, as_json: bool) -> None:
    """Hear no more of an address, for CORDBOARD_BAN_SECONDS."""
    client.put(f"/bans/{address}", {})
    _said(as_json, address, "banned")


@ban.command()
@click.argument("address")
@uses("unban")
def remove(client: Client, address: str, as_json: bool) -> None:
    """Hear an address again at once."""
    client.delete(f"/bans/{address}")
    _said(as_json, address, "heard again")


def _said(as_json: bool, address: str, what: str) -> None:
    if as_json:
        show_json({"address": address})
    else:
        click.echo(f"{address} {what}")
