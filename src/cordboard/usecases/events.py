"""Events: telling that something happened, and forgetting it when it is old."""

from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import Final

from cordboard.domain.events import Happened
from cordboard.storage import events
from cordboard.storage.transaction import Transaction
from cordboard.usecases.ports import Context, in_bites

__all__ = ["Happened", "emit", "forget_old"]

#: Old events that are removed in one transaction.
BITE: Final = 200


async def emit(tx: Transaction, happened: Iterable[Happened]) -> None:
    """Tell of it, in the transaction that makes it true. The same told twice is one event."""
    await events.add(tx, happened)


async def forget_old(context: Context, kept: timedelta) -> None:
    """Remove what is older than it is kept for, in bites."""
    before = context.clock() - kept
    await in_bites(context.store, partial(events.remove_old, before=before, limit=BITE))
