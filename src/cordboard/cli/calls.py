"""`cordboard call`: what became of calls, and of INVITEs that were refused."""

from datetime import datetime
from typing import Any, BinaryIO

import click

from cordboard.cli.common import show_json, show_table, talks_to_server
from cordboard.client import Client

#: Rows asked for at once.
PAGE = 1000


@click.group()
def call() -> None:
    """Calls and refusals, newest first."""


@call.command("list")
@click.option("--tenant", help="Name, reference or id.")
@click.option("--number", help="The number of ours.")
@click.option("--call-id", help="As SIP has it.")
@click.option("--from", "since", help="Started at this instant or later: 2026-11-21T08:00:00Z.")
@click.option("--to", "until", help="Started before this instant.")
@click.option("--direction", type=click.Choice(["inbound", "outbound", "internal"]))
@click.option("--state", type=click.Choice(["started", "answered", "ended", "failed", "lost"]))
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Calls shown at most.")
@talks_to_server
def list_(client: Client, tenant: str | None, as_json: bool, limit: int, **filters: str | None) -> None:
    """List calls."""
    answer = _pages(client, "/calls", limit, _query(client, tenant, filters))
    if as_json:
        show_json(answer)
        return
    for row in answer["data"]:
        row["started"] = row["started_at"][:19].replace("T", " ")
        row["seconds"] = _seconds(row["answered_at"], row["ended_at"])
        row["recording"] = "yes" if row["recording"] else None
        row["end"] = " ".join(str(part) for part in (row["code"], row["reason"]) if part is not None) or None
    show_table(
        answer["data"], ("id", "started", "direction", "caller", "called", "state", "seconds", "recording", "end")
    )
    _tell_lost(answer)


@call.command()
@click.argument("id")
@talks_to_server
def show(client: Client, id: str, as_json: bool) -> None:
    """Show one call and its SIP messages."""
    found = client.get(f"/calls/{id}")
    if as_json:
        show_json(found)
        return
    names = (
        "direction",
        "number",
        "caller",
        "called",
        "state",
        "code",
        "reason",
        "detail",
        "source",
        "user_agent",
        "verstat",
    )
    for name in (
        *names,
        "call_id",
        "tenant_id",
        "trunk_id",
        "agent_id",
        "started_at",
        "answered_at",
        "ended_at",
        "recording",
    ):
        if found[name] not in (None, ""):
            click.echo(f"{name.replace('_', ' '):12} {found[name]}")
    click.echo("")
    for line in _ladder(found["started_at"], found["messages"]):
        click.echo(line)


@call.command()
@click.option("--tenant", help="Name, reference or id.")
@click.option("--called", help="The number as it was dialled.")
@click.option("--source", help="The address it came from.")
@click.option("--reason", help="The reason's word.")
@click.option("--from", "since", help="At this instant or later: 2026-11-21T08:00:00Z.")
@click.option("--to", "until", help="Before this instant.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Refusals shown at most.")
@talks_to_server
def refusals(client: Client, tenant: str | None, as_json: bool, limit: int, **filters: str | None) -> None:
    """List INVITEs that were refused before they were calls."""
    answer = _pages(client, "/refusals", limit, _query(client, tenant, filters))
    if as_json:
        show_json(answer)
        return
    for row in answer["data"]:
        row["at"] = row["at"][:19].replace("T", " ")
    show_table(answer["data"], ("at", "code", "reason", "source", "caller", "called", "detail"))
    _tell_lost(answer)


@call.command()
@click.argument("id")
@click.option("--output", required=True, type=click.File("wb", lazy=True), help="A file to write, or - for the output.")
@talks_to_server
def recording(client: Client, id: str, output: BinaryIO, as_json: bool) -> None:
    """Write the sound of one call to a WAV file: stereo, the caller on the left."""
    size = client.download(f"/calls/{id}/recording", output)
    if as_json and output.name != "-":
        show_json({"file": output.name, "bytes": size})


def _query(client: Client, tenant: str | None, filters: dict[str, str | None]) -> dict[str, str | None]:
    between = {"from": filters.pop("since"), "to": filters.pop("until")}
    return {**filters, **between, "tenant_id": None if tenant is None else client.tenant_id(tenant)}


def _pages(client: Client, path: str, limit: int, query: dict[str, str | None]) -> dict[str, Any]:
    """Rows up to the limit, whatever the server's pages are."""
    answer: dict[str, Any] = client.get(path, limit=min(limit, PAGE), **query)
    while answer["next"] is not None and len(answer["data"]) < limit:
        more = client.get(path, limit=min(limit - len(answer["data"]), PAGE), after=answer["next"], **query)
        answer = {**more, "data": answer["data"] + more["data"]}
    return answer


def _ladder(started: str, messages: list[dict[str, Any]]) -> list[str]:
    """A line for each message: milliseconds since the start, from whom to whom, and what it says."""
    begin = datetime.fromisoformat(started)
    lines = []
    for message in messages:
        since = (datetime.fromisoformat(message["at"]) - begin).total_seconds() * 1000
        says = message["method"] if message["status"] is None else f"{message['status']} {message['phrase'] or ''}"
        source, destination = message["source"] or "edge", message["destination"] or "edge"
        lines.append(f"{since:10.3f} ms  {source:>26} -> {destination:26} {says.strip()} ({message['cseq']})")
    return lines


def _seconds(answered: str | None, ended: str | None) -> str | None:
    if answered is None or ended is None:
        return None
    return f"{(datetime.fromisoformat(ended) - datetime.fromisoformat(answered)).total_seconds():.1f}"


def _tell_lost(answer: dict[str, Any]) -> None:
    lost = {kind: count for kind, count in answer["events_lost"].items() if count and kind != "banned"}
    if lost:
        click.echo("events lost: " + ", ".join(f"{count} of {kind}" for kind, count in lost.items()), err=True)
