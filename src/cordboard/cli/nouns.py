"""What a word on the command line names, for the shell to complete it from the running server."""

import re
from collections import Counter
from pathlib import Path
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

from cordboard import settings
from cordboard.client import Client, ClientError

#: Seconds that a shell waits for words at most; where they do not come, there are none.
PATIENCE: Final = 1.0
#: Words that are offered at most.
MOST: Final = 50
#: Tenants whose things are offered where none is named and nothing typed.
OWNERS: Final = 3
#: What a shell takes as one word without quotes.
_WORD: Final = re.compile(r"[\w.+@-]+")
#: Where what is there is listed, and what it is called there.
_LISTS: Final = {
    "tenant": ("/tenants", "name", "id"),
    "number": ("/numbers", "number", "id"),
    "trunk": ("/trunks", "name", "id"),
    "account": ("/accounts", "username", "id"),
    "agent": ("/tenants/{tenant_id}/agents", "name", "agent_id"),
    "call": ("/calls", "id", "id"),
    "operator": ("/operators", "name", "id"),
    "entry": ("/catalogue", "id", "id"),
}
#: What a search does not find.
_LISTED_ALONE: Final = {"operator", "entry"}
#: What is listed of one tenant at a time.
_BY_TENANT: Final = {"number", "trunk", "account", "agent"}

Found = list[tuple[str, str]]


class Noun(click.ParamType[str]):
    """A text that names an object of one of these kinds."""

    name = "text"

    def __init__(self, *kinds: str) -> None:
        self._kinds = kinds

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Nothing where there is no server, or where it does not say in time."""
        try:
            where = settings.server_address(ctx.params.get("data") or Path("data"))
            if where is None:
                return []
            with Client(where.url, where.token, patience=PATIENCE) as client:
                found = self._found(client, ctx.params.get("tenant"), incomplete)
        except (settings.InvalidSetting, ClientError):
            return []
        called = Counter(name for name, _ in found)
        return [_item(name, id, alone=called[name] == 1) for name, id in found[:MOST]]

    def _found(self, client: Client, tenant: str | None, incomplete: str) -> Found:
        """Name and id of each, of that tenant if one is named already."""
        tenant_id = None if tenant is None or "tenant" in self._kinds else client.tenant_id(tenant)
        if incomplete and _LISTED_ALONE.isdisjoint(self._kinds):
            hits = client.get("/search", q=incomplete, tenant_id=tenant_id)["data"]
            return [(hit["name"], hit["id"]) for hit in hits if hit["kind"] in self._kinds]
        owners = _owners(client) if tenant_id is None and not _BY_TENANT.isdisjoint(self._kinds) else [tenant_id]
        found = (each for owner in owners for kind in self._kinds for each in _listed(client, kind, owner))
        return [each for each in found if each[0].startswith(incomplete)]


TENANT: Final = Noun("tenant")
OPERATOR: Final = Noun("operator")
NUMBER: Final = Noun("number")
ACCOUNT: Final = Noun("account")
AGENT: Final = Noun("agent")
#: A trunk is found by a number of it, too.
TRUNK: Final = Noun("trunk", "number")
SUBJECT: Final = Noun("number", "account", "trunk", "agent")
CALL: Final = Noun("call")
ENTRY: Final = Noun("entry")


def _owners(client: Client) -> list[str | None]:
    """Whose things are offered where no tenant is named: the key's, or those of the first."""
    own = client.get("/me")["tenant_id"]
    return [own] if own else [each["id"] for each in client.get("/tenants", limit=OWNERS)["data"]]


def _listed(client: Client, kind: str, tenant_id: str | None) -> Found:
    path, name, id = _LISTS[kind]
    query: dict[str, Any] = {} if kind == "entry" else {"limit": MOST}
    if "{" not in path and kind not in ("tenant", *_LISTED_ALONE):
        query["tenant_id"] = tenant_id
    found = client.get(path.format(tenant_id=tenant_id), **query)["data"]
    return [(each[name], each[id]) for each in found]


def _item(name: str, id: str, *, alone: bool) -> CompletionItem:
    """By its name; by its id if others are called so, or if a shell would take the name apart."""
    return CompletionItem(name) if alone and _WORD.fullmatch(name) else CompletionItem(id, help=name)
