"""Every page, by noun, and the way to them."""

from typing import Final

from cordboard.console import (
    accounts,
    agents,
    audit,
    calls,
    catalogue,
    edges,
    events,
    explain,
    imports,
    keys,
    number_owners,
    numbers,
    operators,
    overview,
    refusals,
    registrations,
    search,
    tenants,
    trunks,
    verifications,
    webhooks,
)
from cordboard.console.pages import Page

PAGES: Final[tuple[Page, ...]] = (
    *overview.PAGES,
    *search.PAGES,
    *calls.PAGES,
    *refusals.PAGES,
    *explain.PAGES,
    *verifications.PAGES,
    *registrations.PAGES,
    *audit.PAGES,
    *agents.PAGES,
    *imports.PAGES,
    *accounts.PAGES,
    *number_owners.PAGES,
    *numbers.PAGES,
    *trunks.PAGES,
    *catalogue.PAGES,
    *tenants.PAGES,
    *keys.PAGES,
    *operators.PAGES,
    *webhooks.PAGES,
    *events.PAGES,
    *edges.PAGES,
)

#: Paths by group, in their order.
NAVIGATION: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("Now", ("/", "/calls", "/refusals", "/explain", "/verifications", "/registrations", "/events")),
    ("Connect", ("/numbers", "/trunks", "/accounts", "/agents", "/catalogue")),
    ("Manage", ("/tenants", "/keys", "/webhooks", "/audit", "/operators", "/edges", "/bans", "/livekit")),
)
