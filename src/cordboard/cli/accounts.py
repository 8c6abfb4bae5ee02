"""`cordboard account`."""

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

import click

from cordboard.cli.common import confirmed, show_json, show_object, show_table, talks_to_server
from cordboard.client import Client
from cordboard.domain.accounts import Recording

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--username", help="What the phone registers as; made if not given."),
    click.option("--password", help="Made if not given."),
    click.option("--caller-id-name", help="Display name of its calls; '' is none."),
    click.option("--internal-caller-id", type=int, help="Extension that the tenant's other accounts dial."),
    click.option("--no-internal-caller-id", is_flag=True, help="No extension."),
    click.option("--external-caller-id", help="The tenant's number that is shown outside, in digits."),
    click.option("--no-external-caller-id", is_flag=True, help="No number."),
    click.option("--allow-external-calls/--no-external-calls", default=None, help="Whether it may call outside."),
    click.option("--use-allowed-ips/--any-ip", default=None, help="Take it from its allowed addresses alone."),
    click.option("--allowed-ips", help="Addresses and CIDR ranges with commas between; '' is none."),
    click.option(
        "--record",
        "record",
        multiple=True,
        type=click.Choice([str(each) for each in Recording if each is not Recording.ON_DEMAND]),
        help="Record its calls of that direction and kind; repeat.",
    ),
    click.option("--on-demand", is_flag=True, help="Record calls for which its user asks."),
)


def _describes_account(command: F) -> F:
    """Give a command the options that describe an account."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.group()
def account() -> None:
    """SIP accounts: phones that register."""


@account.command()
@click.option("--tenant", required=True, help="Name, reference or id.")
@click.option("--operator", help="Name or id, if several tenants are called so.")
@_describes_account
@talks_to_server
def create(client: Client, tenant: str, operator: str | None, as_json: bool, **options: Any) -> None:
    """Create a SIP account; prints JSON with id, username and password."""
    show_json(client.post(f"/tenants/{client.tenant_id(tenant, operator)}/accounts", _said(options)))


@account.command()
@click.argument("account")
@_describes_account
@click.option("--no-record", is_flag=True, help="Record none of its calls.")
@talks_to_server
def update(client: Client, account: str, no_record: bool, as_json: bool, **options: Any) -> None:
    """Change an account, by its id or username; what is not named stays as it is.

    --record and --on-demand replace what was recorded. Phones that are no longer allowed lose their registration.
    """
    body = _said(options)
    if no_record:
        if "record" in body:
            raise click.UsageError("--no-record contradicts --record and --on-demand")
        body["record"] = []
    if not body:
        raise click.UsageError("name what is to change; --help lists what can be")
    _show(client.patch(f"/accounts/{account_id(client, account)}", body), as_json)


@account.command()
@click.argument("account")
@talks_to_server
def show(client: Client, account: str, as_json: bool) -> None:
    """Show an account and where it is registered, by its id or username."""
    _show(client.get(f"/accounts/{account_id(client, account)}"), as_json)


@account.command()
@click.argument("account")
@click.option("--yes", is_flag=True, help="Do not ask.")
@talks_to_server
def delete(client: Client, account: str, yes: bool, as_json: bool) -> None:
    """Delete an account, by its id or username; its registrations end."""
    id = account_id(client, account)
    confirmed(f"delete the account {account}", yes=yes, as_json=as_json)
    client.delete(f"/accounts/{id}")
    if as_json:
        show_json({"id": id, "deleted": True})
    else:
        click.echo(f"deleted {account}")


@account.command("list")
@click.option("--tenant", required=True, help="Name, reference or id.")
@click.option("--operator", help="Name or id, if several tenants are called so.")
@talks_to_server
def list_(client: Client, tenant: str, operator: str | None, as_json: bool) -> None:
    """List a tenant's accounts, oldest first, and whether they are registered."""
    found = client.all("/accounts", tenant_id=client.tenant_id(tenant, operator))
    if as_json:
        show_json({"data": found})
        return
    rows = [{**each, "state": _state(each), "user_agent": _user_agent(each)} for each in found]
    columns = ("id", "username", "caller_id_name", "internal_caller_id", "external_caller_id", "state", "user_agent")
    show_table(rows, columns)


def account_id(client: Client, ref: str) -> str:
    """The id behind an account's id or username. Raises ClientError."""
    try:
        return str(UUID(ref))
    except ValueError:
        return str(client.get("/accounts", username=ref)["data"][0]["id"])


def _said(options: dict[str, Any]) -> dict[str, Any]:
    """The body: what was spoken of."""
    body: dict[str, Any] = {}
    for name in ("username", "password", "internal_caller_id", "allow_external_calls", "use_allowed_ips"):
        if options[name] is not None:
            body[name] = options[name]
    for name in ("caller_id_name", "allowed_ips"):
        if options[name] is not None:
            body[name] = options[name] or None
    if options["external_caller_id"] is not None:
        digits = options["external_caller_id"].removeprefix("+")
        if not digits.isascii() or not digits.isdecimal():
            raise click.UsageError("--external-caller-id is an E.164 number such as 34911234567")
        body["external_caller_id"] = int(digits)
    for name in ("internal_caller_id", "external_caller_id"):
        if options[f"no_{name}"]:
            if name in body:
                option = name.replace("_", "-")
                raise click.UsageError(f"--{option} and --no-{option} contradict each other")
            body[name] = None
    if options["record"] or options["on_demand"]:
        body["record"] = [*options["record"], *([Recording.ON_DEMAND] if options["on_demand"] else [])]
    return body


def _state(shown: dict[str, Any]) -> str:
    if shown["registrations"] is None:
        return "unknown"
    return "registered" if shown["registrations"] else "offline"


def _user_agent(shown: dict[str, Any]) -> str | None:
    return shown["registrations"][0]["user_agent"] if shown["registrations"] else None


def _show(shown: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(shown)
        return
    lines = {**shown, "record": " ".join(shown["record"]) or None}
    registrations = lines.pop("registrations")
    lines["state"] = _state(shown)
    show_object(lines)
    for each in registrations or ():
        click.echo(f"  {each['contact']} from {each['received']}, {each['expires_in']} s left, {each['user_agent']}")
