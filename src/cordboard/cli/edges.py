"""`cordboard edge`."""

import click

from cordboard.cli.common import uses
from cordboard.cli.showing import show_json, show_table
from cordboard.client import Client


@click.group()
def edge() -> None:
    """The edges, which carry the calls."""


@edge.command("list")
@uses("list_edges")
def list_(client: Client, as_json: bool) -> None:
    """List the edges: where carriers reach them, and which changes their calls are decided by."""
    found = client.get("/edges")
    if as_json:
        show_json(found)
        return
    for row in found["data"]:
        row["signalling"], row["media"] = " ".join(row["signalling"]), " ".join(row["media"])
        row["applied"] = f"{row['applied_revision']} of {found['revision']}"
    show_table(
        found["data"],
        ("name", "state", "applied", "signalling", "media", "version"),
        empty="no edge has said anything yet; cordboard serve runs one",
    )
