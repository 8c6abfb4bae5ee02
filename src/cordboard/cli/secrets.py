"""`cordboard secret`: the key ring, and what is sealed by its keys. It works on the files, not through a server."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from cordboard import settings
from cordboard.cli.common import F, confirmed, data_option, fail
from cordboard.cli.showing import show_json, show_table

if TYPE_CHECKING:
    from cordboard.usecases.ports import Store
    from cordboard.usecases.rotation import Rotation, Survey

T = TypeVar("T")


def _options(command: F) -> F:
    return data_option(click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")(command))


@click.group()
def secret() -> None:
    """The key ring that seals the stored passwords: another key, and the end of the old one."""


@secret.command()
@click.option("--dry-run", is_flag=True, help="Only count the secrets by kind and key.")
@_options
def rotate(data: Path, dry_run: bool, as_json: bool) -> None:
    """Seal every stored secret by another key.

    The ring's next key seals from now on, a new one if none is prepared, and what is stored is sealed anew piece by
    piece. Killed and given again it goes on. The old key stays in the ring, for `drop-old`. Servers may run meanwhile:
    they read the ring when it has changed. Those with a copy of the ring need the key first: see `prepare`.
    """
    from cordboard.usecases import rotation  # with the store, which the other commands do not wait for

    if dry_run:
        found = _with_store(data, rotation.survey, as_json=as_json)
        _show_survey(found, as_json=as_json)
        return
    hidden = as_json or not sys.stderr.isatty()
    with click.progressbar(length=1, label="sealing anew", file=sys.stderr, hidden=hidden) as bar:

        def tell(done: int, expected: int) -> None:
            bar.length = expected
            bar.update(done - bar.pos)

        done = _with_store(data, partial(rotation.rotate, tell=tell), as_json=as_json)
    _show_rotation(done, as_json=as_json)


@secret.command()
@_options
def prepare(data: Path, as_json: bool) -> None:
    """Put the next key into the ring without sealing by it.

    Only where servers have copies of the ring: copy it to each of them before `rotate`, or they cannot read what
    the others seal.
    """
    from cordboard.storage.ring_file import RingUnusable
    from cordboard.usecases import rotation  # with the store, which the other commands do not wait for

    try:
        name, made = rotation.prepare(_ring(data, as_json=as_json))
    except RingUnusable as error:
        fail(str(error), as_json=as_json)
    if as_json:
        show_json({"key": name, "made": made})
    else:
        click.echo(f"{name} is {'' if made else 'already '}in the ring and seals nothing yet")


@secret.command("drop-old")
@click.option("--dry-run", is_flag=True, help="Only say which keys would go.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_options
def drop_old(data: Path, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Remove the old keys from the ring, once nothing is sealed by them.

    What is not in this database stays sealed by them: copies of it, which open with a copy of the ring alone, and
    sessions of the console, which end.
    """
    from cordboard.usecases import rotation  # with the store, which the other commands do not wait for

    if not dry_run:
        confirmed("remove the old keys from the ring", yes=yes, as_json=as_json)
    names = _with_store(data, partial(rotation.drop_old, now=datetime.now(UTC), dry_run=dry_run), as_json=as_json)
    if as_json:
        show_json({"old": names, "dropped": not dry_run})
    elif not names:
        click.echo("there is no old key in the ring")
    else:
        click.echo(f"{'it would remove' if dry_run else 'removed'} {', '.join(names)}")


def _ring(data: Path, *, as_json: bool) -> Path:
    from cordboard import bootstrap  # the whole server: the other commands do not wait for it

    try:
        return bootstrap.ring_path(settings.read(), data)
    except settings.InvalidSetting as error:
        fail(str(error), as_json=as_json)


def _with_store(data: Path, work: "Callable[[Store, Path], Awaitable[T]]", *, as_json: bool) -> T:
    """Do it with the store and the key ring of that directory."""
    from cordboard import bootstrap  # the whole server: the other commands do not wait for it
    from cordboard.domain.errors import CordboardError
    from cordboard.storage.ring_file import RingUnusable

    async def run() -> T:
        async with bootstrap.stored(settings.read(), data) as store:
            return await work(store, ring)

    ring = _ring(data, as_json=as_json)
    try:
        return asyncio.run(run())
    except (bootstrap.CannotServe, RingUnusable) as error:
        fail(str(error), as_json=as_json)
    except CordboardError as error:
        fail(f"{error}; run this again, and it goes on", as_json=as_json)


def _show_survey(found: "Survey", *, as_json: bool) -> None:
    ring = found.ring
    rows = [{"kind": kind, "key": key, "count": count} for (kind, key), count in sorted(found.counts.items())]
    target = found.target().active
    if as_json:
        answer = {"active": ring.active, "old": ring.old, "prepared": ring.prepared, "target": target}
        show_json({**answer, "secrets": rows})
        return
    show_table(rows, ("kind", "key", "count"), empty="nothing is sealed")
    said = f"go on with {target}" if target == ring.active else f"begin to seal by {target}"
    click.echo(f"{ring.active} seals now; it would {said}; nothing was changed")


def _show_rotation(done: "Rotation", *, as_json: bool) -> None:
    if as_json:
        unreadable = [{"kind": kind, "row": row} for kind, row in done.unreadable]
        answer = {"active": done.active, "begun": done.begun, "old": done.old, "sealed_anew": done.sealed_anew}
        show_json({**answer, "unreadable": unreadable})
    else:
        began = "seals from now on" if done.begun else "sealed already: the rotation went on"
        click.echo(f"{done.active} {began}; {done.sealed_anew} secrets were sealed anew")
        if done.old and not done.unreadable:
            click.echo(f"nothing is sealed by {', '.join(done.old)} any more: in a minute, `cordboard secret drop-old`")
        for kind, row in done.unreadable:
            click.echo(f"does not open: {kind}, {row}", err=True)
    if done.unreadable:
        fail(f"{len(done.unreadable)} secrets do not open, and stay as they are: set them anew, then run this again")
