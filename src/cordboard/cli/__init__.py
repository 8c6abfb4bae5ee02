"""The `cordboard` command: one file per noun."""

import click

from cordboard.cli import (
    accounts,
    agents,
    bans,
    calls,
    keys,
    livekit,
    migrate,
    numbers,
    operators,
    serve,
    tenants,
    trunks,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="cordboard")
def main() -> None:
    """Phone numbers, SIP trunks and AI agents behind one API, with the SIP edge that carries the calls."""


main.add_command(serve.serve)
main.add_command(serve.down)
main.add_command(migrate.migrate)
main.add_command(tenants.tenant)
main.add_command(operators.operator)
main.add_command(keys.key)
main.add_command(agents.agent)
main.add_command(accounts.account)
main.add_command(numbers.number)
main.add_command(trunks.trunk)
main.add_command(calls.call)
main.add_command(bans.ban)
main.add_command(livekit.livekit)
