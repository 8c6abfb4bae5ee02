"""Who may have how many messages under way: what is slow at one takes nothing from the others."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from cordboard.domain.tenants import TenantId
from cordboard.domain.webhooks import WebhookId
from cordboard.storage.deliveries import Waiting

#: Messages under way at once: of all, of one tenant or the administrator, of one webhook, and of one that has not taken
#: its last one.
ALL: Final = 100
OF_OWNER: Final = 16
EACH: Final = 8
FAILING: Final = 2


def rooms(due: Iterable[Waiting], busy: Counter[tuple[TenantId | None, WebhookId]]) -> list[tuple[WebhookId, int]]:
    """How many messages each may begin now, who has the fewest first, and of these what has waited longest."""
    owners: Counter[TenantId | None] = Counter()
    for (owner, _), count in busy.items():
        owners[owner] += count
    wanted: dict[TenantId | None, list[tuple[int, Waiting]]] = {}
    for one in due:
        has = busy[one.tenant, one.webhook]
        most = FAILING if one.failing else EACH
        wanted.setdefault(one.tenant, []).extend((nth, one) for nth in range(has, most))
    turns: list[tuple[int, Waiting]] = []
    for owner, places in wanted.items():
        places.sort(key=_turn)
        turns += ((nth, one) for nth, (_, one) in zip(range(owners[owner], OF_OWNER), places, strict=False))
    turns.sort(key=_turn)
    left = max(0, ALL - owners.total())
    return list(Counter(one.webhook for _, one in turns[:left]).items())


def _turn(place: tuple[int, Waiting]) -> tuple[int, datetime]:
    nth, one = place
    return nth, one.due_at
