"""`cordboard call`: what became of calls, and of INVITEs that were refused."""

import sys
from datetime import datetime
from typing import Any, BinaryIO, Final

import click

from cordboard.cli.common import pages, uses
from cordboard.cli.nouns import CALL, TENANT
from cordboard.cli.showing import second, show_json, show_object, show_table
from cordboard.cli.tailing import tail, tails
from cordboard.client import Client

_SHOWN: Final = (
    *("direction", "number", "caller", "called", "state", "code", "reason", "detail", "source", "user_agent"),
    *("verstat", "call_id", "tenant_id", "trunk_id", "agent_id", "started_at", "answered_at", "ended_at", "seconds"),
    "recording",
)


@click.group()
def call() -> None:
    """Calls and refusals, newest first."""


@call.command("list")
@click.option("--tenant", type=TENANT, help="Name, reference or id.")
@click.option("--number", help="The number of ours.")
@click.option("--call-id", help="As SIP has it.")
@click.option("--from", "since", help="Started at this instant or later: 2026-11-21T08:00:00Z.")
@click.option("--to", "until", help="Started before this instant.")
@click.option("--direction", type=click.Choice(["inbound", "outbound", "internal"]), help="Only calls that go so.")
@click.option(
    "--state", type=click.Choice(["started", "answered", "ended", "failed", "lost"]), help="Only calls that stand so."
)
@click.option("--live", is_flag=True, default=None, help="Only those under way.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Calls shown at most.")
@uses("list_tenants", "list_calls")
def list_(client: Client, tenant: str | None, as_json: bool, limit: int, **filters: Any) -> None:
    """List calls."""
    answer = pages(client, "/calls", limit, _query(client, tenant, filters))
    if as_json:
        show_json(answer)
        return
    for row in answer["data"]:
        row["started"] = second(row["started_at"])[5:]
        row["seconds"] = None if row["seconds"] is None else f"{row['seconds']:.1f}"
        row["recording"] = "yes" if row["recording"] else None
        row["end"] = " ".join(str(part) for part in (row["code"], row["reason"]) if part is not None) or None
    columns = ("started", "state", "caller", "called", "id", "seconds", "direction", "end", "recording")
    show_table(answer["data"], columns, empty="no such calls; cordboard calls tail waits for some")
    _tell_lost(answer)


@call.command("tail")
@click.option("--tenant", type=TENANT, help="Name, reference or id.")
@tails
@uses("list_tenants", "list_events")
def tail_(client: Client, tenant: str | None, **options: Any) -> None:
    """Print calls as they start, are answered, end, fail, and are refused, until Ctrl-C.

    With --json each is one line: an event as `cordboard event list` has it.
    """
    tail(client, _line, type="call.*", tenant_id=None if tenant is None else client.tenant_id(tenant), **options)


def _line(event: dict[str, Any]) -> str:
    """`12:00:09  ended     inbound   +34600123456 -> +34911234567  8.0 s: the caller hung up  ID`."""
    call, what = event["data"], event["type"].removeprefix("call.")
    way = f"{call['caller'] or 'somebody'} -> {call['called']}"
    line = f"{event['timestamp'][11:19]}  {what:8}  {call['direction']:8}  {way:30}  {_came_of(what, call)}"
    return f"{line}  {event['subject']}"


def _came_of(what: str, call: dict[str, Any]) -> str:
    if what == "ended":
        return f"{_since(call['answered_at'], call['ended_at']) / 1000:.1f} s: {call['detail']}"
    if what in ("failed", "refused"):
        return f"{call['code'] or ''} {call['reason']}: {call['detail']}".lstrip()
    return f"from {call['source']}" if what == "started" else ""


@call.command()
@click.argument("id", type=CALL)
@uses("get_call")
def show(client: Client, id: str, as_json: bool) -> None:
    """Show one call: where it was tried, how it sounded, and its SIP messages."""
    found = client.get(f"/calls/{id}")
    if as_json:
        show_json(found)
        return
    show_object({name: found[name] for name in _SHOWN if found[name] not in (None, "")})
    _show_tries(found)
    _show_legs(found)
    click.echo("")
    for line in _ladder(found["started_at"], found["messages"]):
        click.echo(line)


@call.command()
@click.argument("id", type=CALL)
@uses("end_call")
def end(client: Client, id: str, as_json: bool) -> None:
    """Hang up a call that stands, on both sides."""
    client.delete(f"/calls/{id}")
    if as_json:
        show_json({"id": id})
    else:
        click.echo(f"ended {id}", err=True)


@call.command()
@click.option("--tenant", type=TENANT, help="Name, reference or id.")
@click.option("--called", help="The number as it was dialled.")
@click.option("--source", help="The address it came from.")
@click.option("--call-id", help="As SIP has it.")
@click.option("--reason", help="The reason's word.")
@click.option("--from", "since", help="At this instant or later: 2026-11-21T08:00:00Z.")
@click.option("--to", "until", help="Before this instant.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Refusals shown at most.")
@uses("list_tenants", "list_refusals")
def refusals(client: Client, tenant: str | None, as_json: bool, limit: int, **filters: str | None) -> None:
    """List INVITEs that were refused before they were calls."""
    answer = pages(client, "/refusals", limit, _query(client, tenant, filters))
    if as_json:
        show_json(answer)
        return
    for row in answer["data"]:
        row["at"] = second(row["at"])[5:]
    columns = ("at", "code", "reason", "called", "id", "source", "caller", "detail")
    show_table(answer["data"], columns, empty="no such refusals")
    _tell_lost(answer)


@call.command()
@click.argument("id", type=CALL)
@click.option("--output", required=True, type=click.File("wb", lazy=True), help="A file to write, or - for the output.")
@uses("get_recording")
def recording(client: Client, id: str, output: BinaryIO, as_json: bool) -> None:
    """Write the sound of one call to a WAV file: stereo, the caller on the left."""
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=1, label="downloading", file=sys.stderr, hidden=hidden) as bar:

        def came(size: int, whole: int) -> None:
            bar.length = whole or None
            bar.update(size)

        size = client.download(f"/calls/{id}/recording", output, came)
    if as_json and output.name != "-":
        show_json({"file": output.name, "bytes": size})


def _query(client: Client, tenant: str | None, filters: dict[str, str | None]) -> dict[str, str | None]:
    between = {"from": filters.pop("since"), "to": filters.pop("until")}
    return {**filters, **between, "tenant_id": None if tenant is None else client.tenant_id(tenant)}


def _show_tries(found: dict[str, Any]) -> None:
    """Where the call was sent, one place after the other."""
    if not found["tries"]:
        return
    click.echo("")
    for each in found["tries"]:
        each["tried"] = each["host"] or "the account's phones"
        each["at"] = f"+{_since(found['started_at'], each['at']):.0f} ms"
        each["answer"] = each["code"] or each["reason"]
    show_table(found["tries"], ("tried", "at", "answer", "ms", "rang_ms", "uri"))


def _show_legs(found: dict[str, Any]) -> None:
    """Each leg's codec, encryption, what came from that side, and the codecs that its SDP names."""
    if all(leg["codec"] is None and leg["encryption"] is None for leg in found["legs"]):
        return
    click.echo("")
    rows = []
    for leg in found["legs"]:
        audio = leg["audio"] or dict.fromkeys(("packets", "bytes", "loss_percent", "jitter_ms", "mos"))
        encryption = "none" if leg["encryption"] == "none" else leg["suite"] or leg["encryption"]
        sdp = ", ".join(leg["codecs"]) or None
        rows.append({**audio, "leg": leg["side"], "codec": leg["codec"], "encryption": encryption, "sdp_codecs": sdp})
    columns = ("leg", "codec", "encryption", "packets", "bytes", "loss_percent", "jitter_ms", "mos", "sdp_codecs")
    show_table(rows, columns)
    if found["one_way"]:
        silent = next(leg["side"] for leg in found["legs"] if leg["audio"]["packets"] == 0)
        click.echo(f"one-way audio: nothing came from the {silent}")


def _since(started: str, at: str) -> float:
    """Milliseconds."""
    return (datetime.fromisoformat(at) - datetime.fromisoformat(started)).total_seconds() * 1000


def _ladder(started: str, messages: list[dict[str, Any]]) -> list[str]:
    """A line for each message: milliseconds since the start, from whom to whom, and what it says."""
    lines = []
    for message in messages:
        since = _since(started, message["at"])
        says = message["method"] if message["status"] is None else f"{message['status']} {message['phrase'] or ''}"
        source, destination = message["source"] or "edge", message["destination"] or "edge"
        lines.append(f"{since:10.3f} ms  {source:>26} -> {destination:26} {says.strip()} ({message['cseq']})")
    return lines


def _tell_lost(answer: dict[str, Any]) -> None:
    lost = {kind: count for kind, count in answer["events_lost"].items() if count and kind != "banned"}
    if lost:
        click.echo("events lost: " + ", ".join(f"{count} of {kind}" for kind, count in lost.items()), err=True)
