"""The history of registrations, as accounts' and trunks' commands show it."""

from typing import Any

from cordboard.cli.common import pages
from cordboard.cli.showing import show_json, show_table
from cordboard.client import Client

#: Columns of a table: of accounts, and of trunks.
OF_ACCOUNTS = ("at", "what", "username", "reason", "place", "contact", "bindings")
OF_TRUNKS = ("at", "what", "place", "code", "reason")


def show(client: Client, limit: int, as_json: bool, columns: tuple[str, ...], **query: Any) -> None:
    """What became of them, newest first."""
    answer = pages(client, "/registrations", limit, query)
    if as_json:
        show_json(answer)
        return
    show_table(answer["data"], columns, empty="no such registrations")
