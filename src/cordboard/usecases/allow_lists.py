"""A trunk's list of addresses: what is wrong with it, and who calls and is not on it."""

import asyncio
from functools import partial
from typing import Final

from cordboard.domain.addresses import collapse
from cordboard.domain.allow_lists import Linted, Others, Seen, compare, lint
from cordboard.domain.trunks import Trunk
from cordboard.domain.verdicts import in_networks
from cordboard.domain.verification_checks import Refused
from cordboard.storage import calls, trunks
from cordboard.usecases.ports import Context
from cordboard.usecases.verification_plans import LATELY

#: Lists of others that one look compares with, and those read at a time: other work goes on between two reads.
MOST_OTHERS: Final = 20_000
BITE: Final = 500
#: Sources that are suggested.
MOST_SEEN: Final = 20


async def look(context: Context, trunk: Trunk) -> Linted:
    """At a trunk's list, those of all other trunks, and the calls that it has kept out."""
    allowed = trunk.allowed or ()
    since = max(context.clock() - LATELY, trunk.created_at)
    refused = await context.store.read(partial(calls.refused_of_trunk, trunk=trunk.id, since=since))
    findings = lint(allowed, private=context.hosts.allow_private, proved=trunk.inbound is not None)
    if allowed:
        # of many trunks it takes a while: a thread's
        findings += await asyncio.to_thread(compare, allowed, await _others(context, trunk))
    return Linted(findings=findings, seen=seen(refused, allowed))


def seen(refused: list[Refused], allowed: tuple[str, ...]) -> tuple[Seen, ...]:
    """Sources that were refused and still would be."""
    networks = ",".join(collapse(allowed))
    return tuple(
        Seen(address=each.address, refused=each.count, last_seen=each.last)
        for each in refused
        if each.reason == "address-not-allowed" and not in_networks(each.address, networks)
    )[:MOST_SEEN]


async def _others(context: Context, trunk: Trunk) -> list[Others]:
    found: list[Others] = []
    after = ""
    while len(found) < MOST_OTHERS:
        page = await context.store.read(partial(trunks.allow_lists, after=after, limit=BITE))
        found += [
            Others(same_owner=tenant == trunk.tenant, networks=networks)
            for id, tenant, networks in page
            if id != trunk.id
        ]
        if len(page) < BITE:
            break
        after = page[-1][0]
    return found
