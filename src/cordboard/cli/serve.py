"""`cordboard serve` and `cordboard down`."""

import dataclasses
import sys
from pathlib import Path

import click

from cordboard import settings
from cordboard.cli.common import data_option, fail


@click.command()
@data_option
@click.option("--listen", default="127.0.0.1:8080", show_default=True, help="HTTP address; port 0 takes a free one.")
@click.option(
    "--sip-listen", "sip_listen", multiple=True, help="SIP address HOST:PORT; repeat.  [CORDBOARD_SIP_LISTEN]"
)
@click.option("--no-edge", is_flag=True, help="Serve the API alone, without Kamailio and rtpengine.")
@click.option("--replace-edge", is_flag=True, help="Replace a running edge whose configuration differs; calls end.")
def serve(data: Path, listen: str, sip_listen: tuple[str, ...], no_edge: bool, replace_edge: bool) -> None:
    """Run the server and its SIP edge until it is told to stop (SIGINT, SIGTERM)."""
    from cordboard import bootstrap  # the whole server: the other commands do not wait for it

    try:
        chosen = settings.read()
        if sip_listen:
            chosen = dataclasses.replace(chosen, sip_listen=sip_listen)
        run = bootstrap.Run(data=data, listen=listen, with_edge=not no_edge, replace_edge=replace_edge)
        bootstrap.serve(chosen, run)
    except (settings.InvalidSetting, bootstrap.CannotServe) as error:
        fail(str(error))
    sys.exit(0)


@click.command()
@data_option
def down(data: Path) -> None:
    """End the Kamailio and rtpengine that a killed `serve` left running."""
    from cordboard import bootstrap  # the whole server: the other commands do not wait for it

    try:
        ended = bootstrap.down(data)
    except bootstrap.CannotServe as error:
        fail(str(error))
    click.echo(f"ended {', '.join(ended)}" if ended else "nothing was running")
