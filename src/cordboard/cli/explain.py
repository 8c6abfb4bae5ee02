"""`cordboard explain`: why a call goes where it goes, or does not."""

import json
from typing import Any, Final
from urllib.parse import quote

import click

from cordboard.cli.common import uses
from cordboard.cli.nouns import TENANT
from cordboard.cli.showing import show_json
from cordboard.client import Client, ClientError
from cordboard.domain.media import OFFERED

_MARKS: Final = {"passed": "ok", "failed": "NO", "no-match": "-", "unknown": "?"}


@click.command()
@click.argument("id", required=False)
@click.option("--from", "caller", default="", help="Who calls: a number, a name, or user@host.")
@click.option("--to", "called", help="Who is called: a number as it is dialled, or user@host.")
@click.option("--source", help="The address that the INVITE comes from.")
@click.option("--offer", type=click.Choice(OFFERED), default="rtp", show_default=True, help="What its SDP offers.")
@click.option("--login", default="", help="Username of the right credentials that come when asked for.")
@click.option("--trunk-proved", is_flag=True, help="The carrier's own credentials come when asked for.")
@click.option("--to-header", default="", help="To, if it is not as the request URI.")
@click.option("--p-called-party-id", default="", help="P-Called-Party-ID.")
@click.option("--tenant", type=TENANT, help="As this tenant sees it: name, reference or id.")
@uses("list_tenants", "list_calls", "list_refusals", "explain", "explain_call")
def explain(client: Client, id: str | None, tenant: str | None, as_json: bool, **asked: Any) -> None:
    """Explain a call: the decision step by step, the nearest miss, and what would change it.

    With ID what became of a call or a refused INVITE, by its own id or by the SIP Call-ID; else a call that might
    come, which --to and --source describe.
    """
    if id is not None:
        _explain_past(client, id, as_json)
        return
    if asked["called"] is None or asked["source"] is None:
        raise click.UsageError("say what is to be explained: an id, or --to and --source")
    body = {"from": asked.pop("caller"), "to": asked.pop("called"), **asked}
    if tenant is not None:
        body["tenant_id"] = client.tenant_id(tenant)
    told = client.post("/explain", body)
    if as_json:
        show_json(told)
        return
    who = body["from"] or "somebody"
    click.echo(f"{who} from {body['source']} calls {body['to']}: {_verdict(told)}\n")
    show_explanation(told)


def _explain_past(client: Client, id: str, as_json: bool) -> None:
    told = client.get(f"/calls/{quote(_id(client, id), safe='')}/explanation")
    if as_json:
        show_json(told)
        return
    at = told["at"][:19].replace("T", " ")
    click.echo(f"{told['kind']} {told['id']}, {at} UTC")
    click.echo(f"{told['caller'] or 'somebody'} from {told['source']} called {told['called']}.")
    for sentence in told["happened"]:
        click.echo(sentence)
    now = told["now"]
    if now is not None:
        if told["changed"]:
            click.echo(f"Now it would be {_verdict(now)}.")
        click.echo("")
        show_steps(now)
        click.echo("")
    show_advice(told)
    for note in () if now is None else now["notes"]:
        click.echo(f"Note: {note}")
    if told["others"]:
        click.echo(f"Of the same Call-ID: {', '.join(told['others'])}")


def _id(client: Client, ref: str) -> str:
    """What stands for it in a path; a Call-ID may hold a slash."""
    if "/" not in ref:
        return ref
    for noun in ("calls", "refusals"):
        found = client.get(f"/{noun}", call_id=ref, limit=1)["data"]
        if found:
            return str(found[0]["id"])
    raise ClientError(f"nothing is known of a call {ref}")


def _verdict(told: dict[str, Any]) -> str:
    if told["accepted"]:
        return f"taken, {told['direction']}"
    if told["code"] is None:
        return f"not heard ({told['reason']})"
    return f"refused with {told['code']} ({told['reason']})"


def show_explanation(told: dict[str, Any]) -> None:
    """Steps, why, what is near, and what to do."""
    show_steps(told)
    if not told["accepted"]:
        click.echo(f"\nWhy: {told['detail']}.")
    show_advice(told)
    for note in told["notes"]:
        click.echo(f"Note: {note}")


def show_steps(told: dict[str, Any]) -> None:
    """A line each; what is not reached in one."""
    width = max((len(step["rule"]) for step in told["steps"]), default=0)
    for step in told["steps"]:
        if step["outcome"] != "not-reached":
            line = f"  {_MARKS[step['outcome']]:3} {step['rule'].replace('-', ' ').ljust(width)}  {step['looked_at']}"
            click.echo(f"{line}: {step['found']}")
    rest = [step["rule"].replace("-", " ") for step in told["steps"] if step["outcome"] == "not-reached"]
    if rest:
        click.echo(f"      not reached: {', '.join(rest)}")


def show_advice(told: dict[str, Any]) -> None:
    for near in told["nearest"]:
        click.echo(f"Nearest: {near}")
    for place, remedy in enumerate(told["remedies"]):
        click.echo(f"{'What to do: ' if place == 0 else '            '}{remedy['says']}")
        for command in remedy["commands"]:
            click.echo(f"  {command}")
        for request in () if remedy["commands"] else remedy["requests"]:
            click.echo(f"  {request['method']} {request['path']} {json.dumps(request['body'])}")
