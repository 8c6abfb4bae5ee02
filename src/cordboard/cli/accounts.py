"""`cordboard account`."""

import re
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

import click

from cordboard.cli import registrations
from cordboard.cli.common import limited, of_tenant, remove, removes, uses, whose
from cordboard.cli.nouns import ACCOUNT, OPERATOR, TENANT
from cordboard.cli.showing import show_json, show_list, show_object
from cordboard.client import Client
from cordboard.domain.accounts import Recording

F = TypeVar("F", bound=Callable[..., Any])
_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

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
@click.option("--tenant", type=TENANT, required=True, help="Name, reference or id.")
@click.option("--operator", type=OPERATOR, help="Name or id, if several tenants are called so.")
@_describes_account
@uses("list_tenants", "list_operators", "create_account", once=True)
def create(client: Client, tenant: str, operator: str | None, as_json: bool, **options: Any) -> None:
    """Create a SIP account; prints JSON with id, username and password."""
    show_json(client.post(f"/tenants/{client.tenant_id(tenant, operator)}/accounts", _said(options)))


@account.command()
@click.argument("account", type=ACCOUNT)
@_describes_account
@click.option("--no-record", is_flag=True, help="Record none of its calls.")
@uses("list_accounts", "update_account")
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
@click.argument("account", type=ACCOUNT)
@uses("list_accounts", "get_account")
def show(client: Client, account: str, as_json: bool) -> None:
    """Show an account and where it is registered, by its id or username."""
    _show(client.get(f"/accounts/{account_id(client, account)}"), as_json)


@account.command("registrations")
@click.argument("account", required=False, type=ACCOUNT)
@click.option("--tenant", type=TENANT, help="Of this tenant's accounts: name, reference or id.")
@click.option(
    "--what",
    type=click.Choice(["registered", "moved", "unregistered", "expired", "refused"]),
    help="Only what became of them so.",
)
@click.option("--from", "since", help="At this instant or later: 2026-11-21T08:00:00Z.")
@click.option("--to", "until", help="Before this instant.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Shown at most.")
@uses("list_tenants", "list_registrations")
def history(
    client: Client, account: str | None, tenant: str | None, limit: int, as_json: bool, **filters: str | None
) -> None:
    """Show when an account came, moved, went, or was refused and why; newest first.

    ACCOUNT is its id, or a username, which may be nobody's. Without one it is of all accounts, and of trunks.
    """
    query = {"what": filters["what"], "from": filters["since"], "to": filters["until"]}
    if account is not None:
        query["account_id" if _ID.fullmatch(account) else "username"] = account
    if tenant is not None:
        query["tenant_id"] = client.tenant_id(tenant)
    registrations.show(client, limit, as_json, registrations.OF_ACCOUNTS, **query)


@account.command()
@click.argument("account", type=ACCOUNT)
@removes
@uses("list_accounts", "delete_account")
def delete(client: Client, account: str, as_json: bool, **how: Any) -> None:
    """Delete an account, by its id or username; its registrations end."""
    id = account_id(client, account)
    remove(client, f"/accounts/{id}", account, {"id": id, "deleted": True}, as_json=as_json, **how)


@account.command("list")
@of_tenant
@click.option("--operator", type=OPERATOR, help="Name or id, if several tenants are called so.")
@limited
@uses("get_me", "list_tenants", "list_operators", "list_accounts")
def list_(client: Client, tenant: str | None, operator: str | None, limit: int | None, as_json: bool) -> None:
    """List a tenant's accounts, oldest first, and whether they are registered."""
    found = client.each("/accounts", most=limit, tenant_id=whose(client, tenant, operator))
    columns = ("username", "state", "extension", "shows", "name", "id", "phone")
    empty = "no accounts yet: cordboard account create --tenant NAME"
    show_list(found, columns, as_json=as_json, empty=empty, line=_line)


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


def _line(shown: dict[str, Any]) -> dict[str, Any]:
    return {
        **shown,
        "state": _state(shown),
        "extension": shown["internal_caller_id"],
        "shows": shown["external_caller_id"],
        "name": shown["caller_id_name"],
        "phone": _user_agent(shown),
    }


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
