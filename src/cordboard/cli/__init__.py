"""The `cordboard` command: one file per noun."""

import click

from cordboard.cli import (
    accounts,
    agents,
    audit,
    bans,
    calls,
    catalogue,
    completion,
    edges,
    events,
    explain,
    figures,
    keys,
    livekit,
    migrate,
    number_imports,
    numbers,
    operators,
    search,
    secrets,
    serve,
    tenants,
    trunks,
    verify,
    webhooks,
)
from cordboard.cli.common import Nouns


@click.group(cls=Nouns, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="cordboard")
def main() -> None:
    """Phone numbers, SIP trunks and AI agents behind one API, with the SIP edge that carries the calls."""


main.add_command(serve.serve)
main.add_command(serve.down)
main.add_command(migrate.migrate)
main.add_command(secrets.secret)
main.add_command(tenants.tenant)
main.add_command(operators.operator)
main.add_command(keys.key)
main.add_command(agents.agent)
main.add_command(accounts.account)
main.add_command(numbers.number)
main.add_command(number_imports.import_)
main.add_command(trunks.trunk)
main.add_command(catalogue.catalogue)
main.add_command(calls.call)
main.add_command(explain.explain)
main.add_command(figures.figures)
main.add_command(search.search)
main.add_command(search.whoami)
main.add_command(events.event)
main.add_command(edges.edge)
main.add_command(verify.verify)
main.add_command(webhooks.webhook)
main.add_command(bans.ban)
main.add_command(audit.audit)
main.add_command(livekit.livekit)
main.add_command(completion.completion)
