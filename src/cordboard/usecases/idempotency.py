"""Carrying a request out once, however often it is sent: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/

The key is claimed in the transaction of the request's first write, so that what was done and what is known to be done
cannot differ. The answer is kept after that; if the process dies in between, the answer alone is lost.
"""

import asyncio
import json
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar

import structlog

from cordboard.domain.errors import AnswerLost, CordboardError, KeyReused, NotApplied, StillRunning
from cordboard.domain.tenants import TenantId
from cordboard.storage import idempotency
from cordboard.storage.secrets import UnreadableSecret
from cordboard.storage.transaction import Query, Transaction
from cordboard.usecases.ports import Context, Store, in_bites

log = structlog.get_logger()

T = TypeVar("T")

#: For how long an answer is kept.
KEPT: Final = timedelta(hours=24)
#: How long a repeated request waits for the answer to the first one, and when that is believed to be lost.
PATIENCE: Final = 2.0
LOST: Final = timedelta(seconds=60)
#: Answers that are removed in one transaction.
BITE: Final = 500


class AlreadyDone(Exception):
    """The request was carried out before."""


@dataclass(slots=True)
class Once:
    """A request that is to be carried out once."""

    #: Whose it is, what it calls itself, and what it asks.
    actor: str
    name: str
    fingerprint: str
    at: datetime
    claimed: bool = field(default=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """What a request was answered."""

    status: int
    headers: Mapping[str, str]
    body: str = field(repr=False)


#: The request that the running task carries out.
CURRENT: ContextVar[Once | None] = ContextVar("CURRENT", default=None)


class OnceStore:
    """A store whose first write of a request with a key claims that key."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self, query: Query[T]) -> T:
        return await self._store.read(query)

    async def write(self, tenant: TenantId | None, usecase: Query[T]) -> T:
        once = CURRENT.get()
        if once is None or once.claimed:
            return await self._store.write(tenant, usecase)
        try:
            made = await self._store.write(tenant, partial(_claiming, once=once, usecase=usecase))
        except NotApplied:  # it is stored
            once.claimed = True
            raise
        once.claimed = True
        return made


async def _claiming(tx: Transaction, once: Once, usecase: Query[T]) -> T:
    if not await idempotency.claim(tx, once.actor, once.name, once.fingerprint, once.at, once.at - KEPT):
        raise AlreadyDone
    return await usecase(tx)


async def answered_before(context: Context, once: Once) -> Answered | None:
    """The answer to the same request, waited for a moment if that is still running; None if there was none.

    Raises KeyReused, StillRunning, AnswerLost.
    """
    until = asyncio.get_running_loop().time() + PATIENCE
    while True:
        kept = await context.store.read(partial(idempotency.find, actor=once.actor, name=once.name))
        if kept is None or kept.claimed_at < once.at - KEPT:
            return None
        if kept.fingerprint != once.fingerprint:
            raise KeyReused
        if kept.status is not None and kept.body is not None:
            try:
                body = context.sealer.unseal(kept.body, idempotency.answer_row(once.actor, once.name))
            except UnreadableSecret:  # the key ring is another one meanwhile
                raise AnswerLost from None
            return Answered(status=kept.status, headers=json.loads(kept.headers), body=body)
        if kept.status is not None or kept.claimed_at < once.at - LOST:
            raise AnswerLost
        if asyncio.get_running_loop().time() > until:
            raise StillRunning
        await asyncio.sleep(0.05)


async def keep(context: Context, once: Once, answer: Answered | None) -> None:
    """Keep the answer to a request that was carried out, sealed, since it may hold a new secret; None: it is lost.

    What was done stays done if this fails: it is only logged, and the answer counts as lost.
    """
    body = None if answer is None else context.sealer.seal(answer.body, idempotency.answer_row(once.actor, once.name))
    headers = "{}" if answer is None else json.dumps(dict(answer.headers))
    status = 0 if answer is None else answer.status
    write = partial(idempotency.answer, actor=once.actor, name=once.name, status=status, headers=headers, body=body)
    try:
        await context.store.write(None, write)
    except CordboardError as error:
        log.warning("the answer to a request with an Idempotency-Key is not kept", reason=str(error))


async def forget_old(context: Context) -> None:
    """Remove the answers that are kept no longer."""
    before = context.clock() - KEPT
    await in_bites(context.store, partial(idempotency.remove_old, before=before, limit=BITE))
