"""Taking events to the webhooks that want them, for as long as the service runs."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any, Final, Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cordboard.domain.errors import CordboardError
from cordboard.domain.webhooks import Attempt, DeliveryState, Message, Webhook, WebhookId
from cordboard.engines.webhooks.rooms import rooms
from cordboard.storage import deliveries
from cordboard.storage.following import Follow
from cordboard.storage.secrets import UnreadableSecret
from cordboard.usecases.deliveries import SPREAD, Claimed, any_news, claim, message, report, spread
from cordboard.usecases.ports import Context

#: Seconds between two looks when nothing is under way, and after a failure.
PERIOD: Final = 0.25
AGAIN: Final = 1.0
#: Seconds that messages under way have when the service stops.
LAST: Final = 5.0


class Log(Protocol):
    """As much of a structlog logger as is used here."""

    def info(self, event: str, **values: Any) -> Any: ...
    def warning(self, event: str, **values: Any) -> Any: ...
    def exception(self, event: str, **values: Any) -> Any: ...


class Sends(Protocol):
    """What posts a message, and raises nothing."""

    async def send(self, message: Message, now: datetime) -> Attempt: ...


class Dispatch:
    """One process's share of the outbox: it is claimed, so any number of processes can do this."""

    def __init__(
        self,
        context: Context,
        post: Sends,
        follow: Follow,
        log: Log,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._context = context
        self._store = context.store
        self._post = post
        self._follow = follow
        self._log = log
        self._jitter = jitter
        self._spread_at_once = SPREAD
        self._under_way: dict[asyncio.Task[None], Webhook] = {}
        self._wake = asyncio.Event()
        self._failing = False
        #: Attempts by what came of them, and deliveries that were given up.
        self.attempts: Counter[str] = Counter()
        self.given_up = 0
        #: Since when something has been due that nobody sends; None: nothing is.
        self.overdue_since: datetime | None = None

    @property
    def under_way(self) -> int:
        return len(self._under_way)

    async def run(self) -> None:
        """Never ends of itself; what fails is tried again."""
        try:
            while True:
                await self._turn()
        finally:
            if self._under_way:
                _, late = await asyncio.wait(self._under_way, timeout=LAST)
                for task in late:
                    task.cancel()

    async def _turn(self) -> None:
        self._wake.clear()
        try:
            await self.step()
            self._failing = False
        except CordboardError as error:
            if not self._failing:
                self._log.warning("webhooks cannot be sent now", error=str(error))
            self._failing = True
        except Exception:  # a loop that must outlive any one failure: logged, and tried again
            self._log.exception("webhooks cannot be sent")
            self._failing = True
        if self._failing:
            await asyncio.sleep(AGAIN)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PERIOD):
                await self._wake.wait()

    async def step(self) -> int:
        """Spread what is new, and begin to send what is due; how many messages were begun."""
        await self._spread()
        free = await self._rooms()
        if not free:
            return 0
        claimed = await self._store.write(None, partial(claim, now=self._context.clock(), rooms=free))
        for one in claimed:
            task = asyncio.create_task(self._send(one))
            self._under_way[task] = one.webhook
            task.add_done_callback(self._sent)
        return len(claimed)

    async def settle(self) -> None:
        """Return once nothing is due and nothing under way."""
        while await self.step() or self._under_way:
            if self._under_way:
                await asyncio.wait(set(self._under_way), return_when=asyncio.FIRST_COMPLETED)

    async def _spread(self) -> None:
        while await self._store.read(partial(any_news, follow=self._follow)):
            now, limit = self._context.clock(), self._spread_at_once
            done = await self._store.write(None, partial(spread, now=now, follow=self._follow, limit=limit))
            # a transaction that has been open for long keeps the mark back: what lies behind is more with each look
            self._spread_at_once = limit * 2 if done.more and not done.moved else SPREAD
            if not done.more:
                return

    async def _rooms(self) -> list[tuple[WebhookId, int]]:
        """The webhooks that something is due for, and how many messages each may have now."""
        now = self._context.clock()
        due = [one for one in await self._store.read(deliveries.waiting) if one.due_at <= now]
        self.overdue_since = min((one.due_at for one in due), default=None)
        return rooms(due, Counter((webhook.tenant, webhook.id) for webhook in self._under_way.values()))

    async def _send(self, claimed: Claimed) -> None:
        attempt = await self._attempt(claimed)
        after = await self._store.write(None, partial(report, claimed=claimed, attempt=attempt, jitter=self._jitter()))
        self.attempts["failed" if attempt.error else "taken"] += 1
        self.given_up += after.state is DeliveryState.FAILED
        say = self._log.info if attempt.error is None else self._log.warning
        say(
            "webhook",
            webhook=claimed.webhook.id,
            event_id=claimed.delivery.event,
            status=attempt.status,
            ms=attempt.ms,
            error=attempt.error,
            next=None if after.due_at is None else after.due_at.isoformat(),
        )

    async def _attempt(self, claimed: Claimed) -> Attempt:
        now = self._context.clock()
        if claimed.event is None:
            return Attempt(at=now, status=None, ms=0, error="the event is kept no longer")
        try:
            signed = message(claimed, claimed.event, now, self._context.sealer)
        except UnreadableSecret as error:
            return Attempt(at=now, status=None, ms=0, error=f"it cannot be signed: {error}")
        return await self._post.send(signed, now)

    def _sent(self, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        self._wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            # its lease runs out, and it is sent again
            self._log.warning("what came of a webhook is not known", error=str(error))


class WebhooksCollector(Collector):
    """What Prometheus is told of webhooks."""

    def __init__(self, dispatch: Dispatch, context: Context) -> None:
        self._dispatch = dispatch
        self._clock = context.clock

    def collect(self) -> Iterator[Metric]:
        dispatch = self._dispatch
        attempts = CounterMetricFamily("cordboard_webhook_attempts", "Messages posted to webhooks", labels=["result"])
        for result in ("taken", "failed"):
            attempts.add_metric([result], dispatch.attempts[result])
        yield attempts
        given_up = "Messages that no attempt is left for, or that the receiver wants no more of"
        yield CounterMetricFamily("cordboard_webhook_given_up", given_up, dispatch.given_up)
        yield GaugeMetricFamily("cordboard_webhook_under_way", "Messages being posted", dispatch.under_way)
        since = dispatch.overdue_since
        overdue = 0.0 if since is None else max(0.0, (self._clock() - since).total_seconds())
        yield GaugeMetricFamily("cordboard_webhook_overdue_seconds", "How long the oldest due message waits", overdue)
