"""`cordboard migrate`."""

from pathlib import Path

import click

from cordboard import settings
from cordboard.cli.common import data_option, fail


@click.command()
@data_option
def migrate(data: Path) -> None:
    """Bring the database's schema to this version; `serve` does so too when it starts."""
    from cordboard import bootstrap  # the whole server: the other commands do not wait for it

    try:
        bootstrap.migrate(settings.read(), data)
    except settings.InvalidSetting as error:
        fail(str(error))
    click.echo("the schema is up to date")
