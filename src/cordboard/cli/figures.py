"""`cordboard figures` and `cordboard trunk strip`: what pictures are drawn of, drawn with letters."""

from datetime import datetime
from typing import Any, Final

import click

from cordboard.cli.common import uses
from cordboard.cli.nouns import TENANT, TRUNK
from cordboard.cli.showing import second, show_json
from cordboard.client import Client

#: Heights of a bar, from nothing on.
_BARS: Final = " ▁▂▃▄▅▆▇█"
#: A gateway's states in a strip.
_STATES: Final = {"up": "█", "down": "▁", "unknown": "·"}
#: Letters of a picture, at most.
_WIDTH: Final = 60


@click.command()
@click.option("--tenant", type=TENANT, help="Of this tenant alone: name, reference or id.")
@click.option("--minutes", type=click.IntRange(1), default=60, show_default=True, help="How far back.")
@uses("list_tenants", "get_figures")
def figures(client: Client, tenant: str | None, minutes: int, as_json: bool) -> None:
    """Count calls, refusals and registered accounts over the last minutes."""
    tenant_id = None if tenant is None else client.tenant_id(tenant)
    found = client.get("/figures", tenant_id=tenant_id, minutes=minutes)
    if as_json:
        show_json(found)
        return
    for name in ("calls", "answered", "failed", "refused"):
        counts = [minute[name] for minute in found["minutes"]]
        _line(name, sum(counts), bars(counts))
    registered = found["registered"]
    _line("registered", registered["now"], bars([minute["count"] for minute in registered["minutes"]]))
    if registered["accounts"] is not None:
        _line("accounts", registered["accounts"])
    _line("live calls", found["live_calls"])
    click.echo(f"since {second(found['from'])} UTC")
    for each in found["refusals"]:
        click.echo(f"  {each['count']:,} refused: {each['reason']}")


def _line(name: str, count: int, picture: str = "") -> None:
    click.echo(f"{name:10}  {count:7,}  {picture}".rstrip())


@click.command()
@click.argument("trunk", type=TRUNK)
@click.option("--hours", type=click.IntRange(1, 168), default=24, show_default=True, help="How far back.")
@uses("search", "list_trunks", "get_trunk", "get_trunk_strip")
def strip(client: Client, trunk: str, hours: int, as_json: bool) -> None:
    """Show when a trunk's gateways answered and when not, by its id, its name, or a number of it."""
    found = client.get(f"/trunks/{client.trunk(trunk)['id']}/strip", hours=hours)
    if as_json:
        show_json(found)
        return
    for gateway in found["gateways"]:
        click.echo(f"{gateway['host']}  {gateway['uri'] or 'not resolved'}  {gateway['state']}")
        click.echo(f"  {drawn(gateway['spans'])}")
        for span in gateway["spans"]:
            if span["state"] == "down":
                click.echo(f"  down from {second(span['from'])} to {second(span['to'])} UTC")
    if found["gateways"]:
        click.echo(f"{_STATES['up']} answers  {_STATES['down']} does not  {_STATES['unknown']} not known")
    else:
        click.echo("no gateways: cordboard trunk update TRUNK --gateway HOST", err=True)


def bars(counts: list[int]) -> str:
    """A letter each, or for some together; the highest is as high as can be, and what is there at all is seen."""
    step = -(-len(counts) // _WIDTH)
    sums = [sum(counts[i : i + step]) for i in range(0, len(counts), step)]
    most = max(sums, default=0) or 1
    return "".join(_BARS[-(-count * (len(_BARS) - 1) // most)] for count in sums)


def drawn(spans: list[dict[str, Any]]) -> str:
    """A strip from its beginning to its end; in the time of one letter the worst state counts."""
    edges = [(_at(span["from"]), _at(span["to"]), span["state"]) for span in spans]
    begin, end = (edges[0][0], edges[-1][1]) if edges else (0.0, 1.0)
    letter = (end - begin) / _WIDTH
    text = ""
    for place in range(_WIDTH):
        since, until = begin + place * letter, begin + (place + 1) * letter
        states = {state for start, stop, state in edges if start < until and stop > since}
        text += _STATES[next((state for state in ("down", "unknown", "up") if state in states), "unknown")]
    return text


def _at(instant: str) -> float:
    return datetime.fromisoformat(instant).timestamp()
