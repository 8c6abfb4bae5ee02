"""The health of a trunk's gateways over the last hours: by what was told of it, and by what the edge here has now."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter
from typing import Final

from cordboard.domain.edge import HopHealth
from cordboard.domain.errors import EdgeUnavailable
from cordboard.domain.strips import State, Strip, Turn, spans
from cordboard.domain.trunks import Trunk
from cordboard.storage import events, gateways
from cordboard.storage.events import EventFilter
from cordboard.usecases.ports import Context, EdgeState

#: Events that are looked at. Gateways that flap are told of ever more rarely, so that a week has far fewer.
MOST: Final = 1000
_AT: Final = attrgetter("at")
_TURNS: Final = {"trunk.degraded": True, "trunk.recovered": False}


async def of_trunk(context: Context, edge: EdgeState | None, trunk: Trunk, back: timedelta) -> list[Strip]:
    """Its gateways in order of use, each record of a name apart where there is an edge to say which they are."""
    now = context.clock()
    since = max(now - back, min(trunk.created_at, now))
    turns = await _turns(context, trunk, since)
    strips = []
    for host, uri, state in await _present(edge, trunk, turns):
        told = [] if uri is None else [*turns.get((host, uri), ()), *await _untold(context, uri, now)]
        found = spans(state, sorted(told, key=_AT), since, now, trunk.created_at)
        strips.append(Strip(host=host, uri=uri, state=state, spans=found))
    return strips


async def _turns(context: Context, trunk: Trunk, since: datetime) -> dict[tuple[str, str], list[Turn]]:
    """By host and URI, in order of time."""
    where = EventFilter(subject=trunk.id, type="trunk.*", since=since)
    page = await context.store.read(partial(events.page, where=where, after=None, limit=MOST))
    found: dict[tuple[str, str], list[Turn]] = defaultdict(list)
    for event in map(events.event_of, reversed(page.rows)):
        if event.type in _TURNS:
            place = str(event.data["gateway"]), str(event.data["uri"])
            found[place].append(Turn(at=event.at, edge=str(event.data["edge"]), down=_TURNS[event.type]))
    return found


async def _untold(context: Context, uri: str, now: datetime) -> list[Turn]:
    """What has not stood for long enough to be told: the strip ends as the place is."""
    return await context.store.read(partial(gateways.untold_of, uri=uri, now=now))


async def _present(
    edge: EdgeState | None, trunk: Trunk, turns: dict[tuple[str, str], list[Turn]]
) -> Sequence[tuple[str, str | None, State]]:
    """Host, URI and state of each place. Without an edge its places are those of which something was told."""
    try:
        if edge is not None:
            return [(hop.host, hop.uri, _state(hop)) for hop in await edge.hops(trunk.id)]
    except EdgeUnavailable:
        pass
    found: list[tuple[str, str | None, State]] = []
    for host in (str(gateway.where) for gateway in trunk.gateways):
        told = [(uri, those[-1].down) for (of, uri), those in turns.items() if of == host]
        found += [(host, uri, "down" if down else "up") for uri, down in told] or [(host, None, "unknown")]
    return found


def _state(hop: HopHealth) -> State:
    if hop.uri is None:
        return "unknown"
    return "down" if hop.down else "up" if hop.code else "unknown"
