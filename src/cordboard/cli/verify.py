"""`cordboard verify`: whether calls will go through, step by step."""

import sys
from typing import Any, Final
from uuid import UUID

import click

from cordboard.cli.common import limited, uses
from cordboard.cli.nouns import SUBJECT, TENANT
from cordboard.cli.showing import second, show_json, show_list, show_object, show_table
from cordboard.cli.words import advised
from cordboard.client import Client, ClientError

KINDS: Final = ("trunk", "number", "agent", "account")
#: Seconds that one look at a running verification waits.
_LOOK: Final = 1
_COLOURS: Final = {"passed": "green", "warning": "yellow", "failed": "red", "skipped": "bright_black"}


class _Group(click.Group):
    """`cordboard verify SUBJECT` is `cordboard verify run SUBJECT`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands:
            args = ["run", *args]
        return super().resolve_command(ctx, args)


# options before the subject are those of `run`
@click.group(cls=_Group, context_settings={"ignore_unknown_options": True})
def verify() -> None:
    """Verify a trunk, a number, an agent or an account: `cordboard verify SUBJECT --wait`."""


@verify.command()
@click.argument("subject", type=SUBJECT)
@click.option("--kind", type=click.Choice(KINDS), help="What the subject is, if its name or id alone does not tell.")
@click.option("--step", "steps", multiple=True, help="Only this step; repeat.")
@click.option("--echo", is_flag=True, help="Call the number or the agent as its carrier would: it rings there.")
@click.option("--echo-to", metavar="NUMBER", help="Call this number by the trunk: it rings there, and may cost money.")
@click.option("--wait", is_flag=True, help="Wait for the end, and leave with 1 if a step failed.")
@uses("search", "create_verification", "get_verification")
def run(
    client: Client,
    subject: str,
    kind: str | None,
    steps: tuple[str, ...],
    echo: bool,
    echo_to: str | None,
    wait: bool,
    as_json: bool,
) -> None:
    """Verify SUBJECT: a number, an account's username, the name of a trunk or an agent, or an id of one of these.

    With --wait each step is shown when it is over, and the exit code is 1 if one failed, for CI.
    """
    body: dict[str, Any] = {"steps": list(steps)} if steps else {}
    if echo or echo_to is not None:
        body["echo"] = {"to": echo_to}
    begun = _begin(client, subject, kind, body)
    if not wait:
        _begun(begun, as_json)
        return
    done = _follow(client, begun, quiet=as_json)
    if as_json:
        show_json(done)
    else:
        _end(done)
    if done["status"] == "failed" or done["state"] != "finished":
        sys.exit(1)


@verify.command()
@click.argument("subject", type=SUBJECT)
@click.option("--kind", type=click.Choice(KINDS), help="What the subject is, if its name or id alone does not tell.")
@click.option("--every", required=True, metavar="TIME", help="30m, 6h, 1d; a tenth earlier or later each time.")
@click.option("--step", "steps", multiple=True, help="Only this step; repeat.")
@uses("search", "create_verification_schedule")
def schedule(client: Client, subject: str, kind: str | None, every: str, steps: tuple[str, ...], as_json: bool) -> None:
    """Verify SUBJECT again and again, in place of the schedule that it had. No echo calls are placed."""
    body = {"every_minutes": _minutes(every), **({"steps": list(steps)} if steps else {})}
    made = _begin(client, subject, kind, body, "/verification-schedules")
    if as_json:
        show_json(made)
    else:
        click.echo(f"{made['id']}: every {made['every_minutes']} minutes, next at {made['next_at'][:16]}Z")


@verify.command()
@click.argument("id", required=False)
@click.option("--tenant", type=TENANT, help="Name, reference or id.")
@limited
@uses("list_tenants", "get_verification_schedule", "list_verification_schedules")
def schedules(client: Client, id: str | None, tenant: str | None, limit: int | None, as_json: bool) -> None:
    """List schedules, newest first; with ID show that one."""
    if id is not None:
        _show_schedule(client.get(f"/verification-schedules/{id}"), as_json)
        return
    tenant_id = None if tenant is None else client.tenant_id(tenant)
    show_list(
        client.each("/verification-schedules", most=limit, tenant_id=tenant_id),
        ("kind", "subject", "minutes", "next_at", "id", "by"),
        as_json=as_json,
        empty="no schedules yet: cordboard verify schedule SUBJECT --every 6h",
        line=_schedule,
    )


def _schedule(found: dict[str, Any]) -> dict[str, Any]:
    subject = found["subject"]
    return {**found, "kind": subject["kind"], "subject": subject["name"], "minutes": found["every_minutes"]}


def _show_schedule(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(found)
    else:
        names = ("id", "kind", "subject", "steps", "minutes", "next_at", "by", "created_at")
        line = {**_schedule(found), "steps": found["steps"] or "all"}
        show_object({name: line[name] for name in names})


@verify.command()
@click.argument("id")
@uses("delete_verification_schedule")
def unschedule(client: Client, id: str, as_json: bool) -> None:
    """Delete a schedule, by its id."""
    client.delete(f"/verification-schedules/{id}")
    if as_json:
        show_json({"id": id, "deleted": True})
    else:
        click.echo(f"deleted {id}")


@verify.command()
@click.argument("id")
@uses("get_verification")
def show(client: Client, id: str, as_json: bool) -> None:
    """Show one verification, and what is not as it was the time before."""
    found = client.get(f"/verifications/{id}")
    if as_json:
        show_json(found)
        return
    for step in found["steps"]:
        _step(step)
    _end(found)


@verify.command("list")
@click.option("--tenant", type=TENANT, help="Name, reference or id.")
@click.option("--kind", type=click.Choice(KINDS), help="Only verifications of such subjects.")
@click.option("--subject", "subject_id", help="Only those of the subject of that kind with this id.")
@click.option("--status", type=click.Choice(["passed", "warning", "failed", "skipped"]), help="Only with this outcome.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="Shown at most.")
@uses("list_tenants", "list_verifications")
def list_(client: Client, tenant: str | None, limit: int, as_json: bool, **where: str | None) -> None:
    """List verifications, newest first."""
    tenant_id = None if tenant is None else client.tenant_id(tenant)
    found = client.get("/verifications", tenant_id=tenant_id, limit=limit, **where)
    if as_json:
        show_json(found)
        return
    rows = [
        {
            **each,
            "started": second(each["started_at"])[5:],
            "kind": each["subject"]["kind"],
            "subject": each["subject"]["name"],
            "failed": each["counts"]["failed"],
            "warnings": each["counts"]["warning"],
        }
        for each in found["data"]
    ]
    columns = ("started", "kind", "subject", "status", "id", "failed", "warnings", "state", "by")
    show_table(rows, columns, empty="no such verifications: cordboard verify SUBJECT --wait")


def _minutes(every: str) -> int:
    """Of `30m`, `6h` or `1d`."""
    units = {"m": 1, "h": 60, "d": 1440}
    if every[:-1].isdecimal() and every[-1:] in units:
        return int(every[:-1]) * units[every[-1]]
    raise click.UsageError("write --every as 30m, 6h or 1d")


def _begin(client: Client, subject: str, kind: str | None, body: dict[str, Any], path: str = "/verifications") -> Any:
    """As the first kind that knows it: by id, number or username, then by name. Raises ClientError."""
    if kind in ("trunk", "agent"):
        subject = client.called(kind, subject)
    for each in _kinds(subject) if kind is None else (kind,):
        try:
            return client.post(path, {"kind": each, "subject_id": subject, **body})
        except ClientError as error:
            unknown = error
            if not str(error.problem.get("code", "")).startswith("unknown-"):
                raise
    if kind is not None or _is_id(subject):
        raise unknown
    kind, subject = client.named(subject, *KINDS)
    return client.post(path, {"kind": kind, "subject_id": subject, **body})


def _kinds(subject: str) -> tuple[str, ...]:
    return KINDS if _is_id(subject) else ("number", "account")


def _is_id(subject: str) -> bool:
    try:
        UUID(subject)
    except ValueError:
        return False
    return True


def _begun(begun: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(begun)
    else:
        click.echo(f"{begun['id']} is running: cordboard verify show {begun['id']}")


def _follow(client: Client, begun: dict[str, Any], *, quiet: bool) -> dict[str, Any]:
    """Look until it is over; each step is shown as soon as it is there."""
    shown, now = 0, begun
    while True:
        if not quiet:
            for step in now["steps"][shown:]:
                _step(step)
        shown = len(now["steps"])
        if now["state"] != "running":
            return now
        now = client.get(f"/verifications/{begun['id']}", wait=_LOOK)


def _step(step: dict[str, Any]) -> None:
    status = click.style(step["status"].ljust(8), fg=_COLOURS[step["status"]])
    target = f"{step['target']}: " if step["target"] else ""
    click.echo(f"{status} {step['name']:12} {target}{step['summary']} ({step['ms']} ms)")
    if step["remedy"] is not None:
        click.echo(f"{'':22}> {advised(step['remedy'])}")
    for seen in step["evidence"].get("seen_but_not_allowed", [])[:1]:
        click.echo(f"{'':22}  {seen['command']}")


def _end(done: dict[str, Any]) -> None:
    for change in done["changes"]:
        before, after = (change[side] or "not there" for side in ("before", "after"))
        click.echo(f"changed since the time before: {change['name']} {change['target']} was {before}, is {after}")
    counts = ", ".join(f"{count} {status}" for status, count in done["counts"].items() if count)
    click.echo(f"{done['subject']['kind']} {done['subject']['name']}: {done['status'] or done['state']} ({counts})")
