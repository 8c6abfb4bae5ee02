"""What every command that talks to a server shares: where the server is, and how answers and refusals are shown.

Exit codes: 0 done, 1 refused with a reason, 2 wrong use.
"""

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from cordboard import settings
from cordboard.cli.nouns import TENANT
from cordboard.cli.progress import waiting
from cordboard.cli.showing import show_json
from cordboard.client import Client, ClientError
from cordboard.domain.idempotency import KEY

F = TypeVar("F", bound=Callable[..., Any])

#: Rows asked for at once.
PAGE = 1000


class Nouns(click.Group):
    """A noun stands for its group in the plural, too: `cordboard calls tail`. Help has the singular alone."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = super().get_command(ctx, cmd_name)
        if found is None and cmd_name.endswith("s"):
            singular = super().get_command(ctx, cmd_name[:-1])
            return singular if isinstance(singular, click.Group) else None
        return found


data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("data"),
    show_default=True,
    help="Data directory of the server.",
)

#: Of a list that is one tenant's; `whose` reads it.
of_tenant = click.option("--tenant", type=TENANT, help="Name, reference or id; a tenant's own key says it by itself.")


def _idempotency_key(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value is not None and not KEY.fullmatch(value):
        raise click.BadParameter("1 to 255 visible ASCII characters, without spaces")
    return value


_once = click.option(
    "--idempotency-key",
    metavar="KEY",
    callback=_idempotency_key,
    help="Of your making: given again with the same within 24 hours, it is done once and prints the same.",
)


def uses(*operations: str, once: bool = False) -> Callable[[F], F]:
    """Say which of the native API's operations a command calls, all that it may, by name.

    It gets `--data` and `--json`, and is called with a client in their place and `as_json`. One that makes something
    by a single POST may be sent again: `once` gives it `--idempotency-key`, which the client has.
    """

    def declared(command: F) -> F:
        @data_option
        @click.option("--json", "as_json", is_flag=True, help="Print the server's answer as JSON.")
        @functools.wraps(command)
        def run(*args: Any, data: Path, idempotency_key: str | None = None, **options: Any) -> Any:
            with _client(data, idempotency_key, as_json=options["as_json"]) as client:
                try:
                    return command(client, *args, **options)
                except ClientError as error:
                    fail(str(error), as_json=options["as_json"], problem=error.problem)

        run.operations = operations  # type: ignore[attr-defined]  # `operations_of` reads it
        return _once(run) if once else run  # type: ignore[return-value]  # click replaces the signature

    return declared


def operations_of(command: click.Command) -> tuple[str, ...]:
    """The operations that a command says it calls; none if it does not talk to a server."""
    return getattr(command.callback, "operations", ())


def _client(data: Path, idempotency_key: str | None, *, as_json: bool) -> Client:
    try:
        where = settings.server_address(data)
    except settings.InvalidSetting as error:
        raise click.UsageError(str(error)) from error
    if where is None:
        fail(
            f"{data} has no server.url: start `cordboard serve --data {data}`, name another directory with --data, "
            "or set CORDBOARD_URL and CORDBOARD_ADMIN_TOKEN",
            as_json=as_json,
        )
    return Client(where.url, where.token, during=waiting, idempotency_key=idempotency_key)


def fail(message: str, *, as_json: bool = False, problem: dict[str, Any] | None = None) -> NoReturn:
    """Say why and leave with 1. As JSON the problem goes to standard output, as every answer does."""
    if as_json:
        show_json(problem or {"detail": message})
    else:
        click.echo(f"cordboard: {message}", err=True)
        for id in (problem or {}).get("ids", ()):
            click.echo(f"  {id}", err=True)
    sys.exit(1)


def confirmed(what: str, *, yes: bool, as_json: bool) -> None:
    """Go on if the user wants it; where nobody can be asked, `--yes` must say so."""
    if yes:
        return
    if as_json or not sys.stdin.isatty():
        fail(f"nobody can be asked here: say --yes to {what}", as_json=as_json)
    if not click.confirm(f"{what[0].upper()}{what[1:]}?"):
        fail("nothing was changed")


def limited(command: F) -> F:
    """Give a command of a list that may be long the option to show its beginning."""
    return click.option("--limit", type=click.IntRange(1), help="Shown at most; all of them if not given.")(command)


def removes(command: F) -> F:
    """Give a command the options of `remove`."""
    command = click.option("--dry-run", is_flag=True, help="Only say what it would touch.")(command)
    return click.option("--yes", is_flag=True, help="Do not ask.")(command)


def remove(
    client: Client, path: str, what: str, done: dict[str, Any], *, yes: bool, dry_run: bool, as_json: bool, **query: Any
) -> None:
    """DELETE what the user wants gone once it is known what goes with it, and print `done`, or "deleted" and `what`.

    Where nobody can be asked, `--yes` must say so.
    """
    if dry_run:
        show_preview(client.delete(path, dry_run=True, **query), as_json=as_json)
        return
    if not yes and not as_json and sys.stdin.isatty():
        click.echo(f"it touches {touched(client.delete(path, dry_run=True, **query))}")
    confirmed(f"delete {what}", yes=yes, as_json=as_json)
    client.delete(path, **query)
    if as_json:
        show_json(done)
    else:
        click.echo(f"deleted {what}")


def show_preview(preview: dict[str, Any], *, as_json: bool) -> None:
    """What a dry run found."""
    if as_json:
        show_json(preview)
    else:
        click.echo(f"it would touch {touched(preview)}; nothing was changed")


def touched(preview: dict[str, Any]) -> str:
    """What a preview counts, in words: `2 numbers (+34…, +34…), 1 trunk`."""
    said = []
    for kind in ("numbers", "trunks", "agents", "accounts", "keys", "live_calls"):
        if count := preview[kind]:
            noun = kind.replace("_", " ")
            said.append(f"{count:,} {noun if count != 1 else noun.removesuffix('s')}")
            if kind == "numbers":
                names = preview["first_numbers"]
                said[-1] += f" ({', '.join(names)}{', …' if count > len(names) else ''})"
    return ", ".join(said) or "nothing else"


def whose(client: Client, tenant: str | None, operator: str | None = None) -> str:
    """The id of the tenant that is named; if none is, of the one whose key is used. Raises ClientError."""
    id = client.get("/me")["tenant_id"] if tenant is None else client.tenant_id(tenant, operator)
    if id is None:
        raise click.UsageError("say whose: --tenant")
    return str(id)


def pages(client: Client, path: str, limit: int, query: dict[str, str | None]) -> dict[str, Any]:
    """Rows up to the limit, whatever the server's pages are."""
    answer: dict[str, Any] = client.get(path, limit=min(limit, PAGE), **query)
    while answer["next"] is not None and len(answer["data"]) < limit:
        more = client.get(path, limit=min(limit - len(answer["data"]), PAGE), after=answer["next"], **query)
        answer = {**more, "data": answer["data"] + more["data"]}
    return answer
