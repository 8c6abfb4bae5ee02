"""`cordboard number import`."""

import json
import sys
import time
from pathlib import Path
from typing import Any, Final

import click

from cordboard.cli.common import fail, uses
from cordboard.cli.nouns import TENANT
from cordboard.cli.showing import show_json, show_table
from cordboard.cli.words import advised
from cordboard.client import Client, ClientError
from cordboard.domain.imports import Format, OnConflict, Outcome
from cordboard.usecases.import_files import MEDIA_TYPES, Piece, UnreadableFile, digest, format_of, pieces

#: Failed rows that are printed; the report has all of them.
SHOWN: Final = 20
#: Seconds between two tries at a server that is too busy, and how many there are.
PAUSE: Final = 0.5
TRIES: Final = 20


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--tenant", type=TENANT, help="Whose: name, reference or id; none: that of the API key that is used.")
@click.option("--trunk", help="Id or name of the trunk of rows that name none.")
@click.option("--agent", help="Id or name of the agent that takes the calls of rows that name none.")
@click.option("--outbound-agent", help="Id or name of the agent that may call out by rows that name none.")
@click.option(
    "--on-conflict",
    type=click.Choice([str(each) for each in OnConflict]),
    default=str(OnConflict.FAIL),
    show_default=True,
    help="A number that the tenant has already: report it, leave it out, or change what the row says.",
)
@click.option("--format", type=click.Choice([str(each) for each in Format]), help="Default: by the file's name.")
@click.option("--dry-run", is_flag=True, help="Check everything, import nothing.")
@click.option(
    "--report", type=click.Path(dir_okay=False, path_type=Path), help="Write what became of each row: NDJSON."
)
@uses("list_tenants", "begin_import", "import_rows", "get_import", "import_report", "delete_import")
def import_(client: Client, file: Path, report: Path | None, as_json: bool, **options: Any) -> None:
    """Import a tenant's own numbers from FILE, a CSV with a header or a JSON object a line.

    Columns: number, nickname (or label), trunk, inbound_agent, outbound_agent; or instead of the trunk SIP settings
    of the number's own: allowed_addresses, media_in, media_out, termination_uri, username, password. Only number is
    needed.

    A row that fails changes nothing, and holds up no other. An import that was interrupted goes on where it was if
    the same command is given again. Exit code 1: some rows failed.
    """
    format = Format(options["format"] or format_of(file))
    begun = client.post("/imports", _choices(client, file, format, options))
    try:
        done = _feed(client, file, format, begun, quiet=as_json)
    except UnreadableFile as error:
        fail(str(error), as_json=as_json)
    except ClientError as error:
        raise ClientError(
            f"{error}\nwhat is stored stays; give the same command again to go on", error.problem
        ) from error
    if report is not None:
        _write(client, done, report)
    failed = client.get(f"/imports/{done['id']}/rows", failed=True, limit=SHOWN)["data"] if done["failed"] else []
    if as_json:
        show_json({**done, "rows": failed})
    else:
        _show(done, failed, report)
    _finish(client, done, MEDIA_TYPES[format])
    sys.exit(1 if done["failed"] else 0)


def _choices(client: Client, file: Path, format: Format, options: dict[str, Any]) -> dict[str, Any]:
    return {
        "tenant_id": None if options["tenant"] is None else client.tenant_id(options["tenant"]),
        "format": format,
        "on_conflict": options["on_conflict"],
        "dry_run": options["dry_run"],
        "trunk": options["trunk"],
        "inbound_agent": options["agent"],
        "outbound_agent": options["outbound_agent"],
        "source": digest(file),
    }


def _feed(client: Client, file: Path, format: Format, begun: dict[str, Any], *, quiet: bool) -> dict[str, Any]:
    """The import once all rows are sent that it had not taken yet."""
    found, start = begun, begun["position"]
    if start and not quiet:
        click.echo(f"going on at row {start + format.first_row}", err=True)
    hidden = quiet or not sys.stderr.isatty()
    with click.progressbar(length=file.stat().st_size, label="importing", file=sys.stderr, hidden=hidden) as bar:
        for piece in pieces(file, format, start=start, rows=begun["max_rows"], own_trunks=begun["max_own_trunks"]):
            found = _send(client, begun["id"], piece, MEDIA_TYPES[format])
            bar.update(piece.size)
    return found


def _finish(client: Client, done: dict[str, Any], media_type: str) -> None:
    """Only now that it is told what became of the rows: whoever did not get to read it gives the command again."""
    if done["dry_run"]:
        client.delete(f"/imports/{done['id']}")
    else:
        _send(client, done["id"], Piece(position=done["position"], rows=0, body=b"", size=0), media_type, last=True)


def _send(client: Client, id: str, piece: Piece, media_type: str, *, last: bool = False) -> dict[str, Any]:
    """The import after the piece; a server that is too busy is asked again."""
    for attempt in range(1, TRIES + 1):
        try:
            found: dict[str, Any] = client.send(
                f"/imports/{id}/rows", piece.body, media_type, **{"from": piece.position, "last": last}
            )
        except ClientError as error:
            if attempt > 1 and error.problem.get("code") in ("out-of-place", "import-finished"):
                return dict(client.get(f"/imports/{id}"))  # it was taken, and only the answer was another one
            if error.problem.get("status") != 503 or attempt == TRIES:
                raise
            time.sleep(PAUSE)
        else:
            return found
    raise AssertionError("the last attempt returns or raises")


def _write(client: Client, done: dict[str, Any], report: Path) -> None:
    with report.open("w", encoding="utf-8") as file:
        for row in client.each(f"/imports/{done['id']}/rows"):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def counted(found: dict[str, Any]) -> str:
    """How many rows had each outcome."""
    return ", ".join(f"{found[outcome]:,} {outcome}" for outcome in Outcome if found[outcome]) or "none"


def _show(done: dict[str, Any], failed: list[dict[str, Any]], report: Path | None) -> None:
    said = "checked, nothing was changed; of" if done["dry_run"] else "done: of"
    click.echo(f"{said} {done['position']:,} rows {counted(done)}")
    if not failed:
        return
    rows = [
        {**{name: row[name] for name in ("row", "number")}, **problem, "remedy": advised(problem["remedy"])}
        for row in failed
        for problem in row["problems"]
    ]
    show_table(rows, ("row", "number", "column", "detail", "remedy"))
    if done["failed"] > len(failed):
        where = "--report FILE writes all of them" if report is None else f"{report} has all of them"
        click.echo(f"… and {done['failed'] - len(failed):,} more rows failed; {where}")
