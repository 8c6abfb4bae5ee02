"""Nothing is lost, whoever is killed when, and two processes do not send the same twice."""

import asyncio
import contextlib
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from cordboard.domain.events import Happened
from cordboard.domain.webhooks import LEASE, Attempt, DeliveryState, Message
from cordboard.engines.webhooks.dispatch import Dispatch
from cordboard.storage import deliveries, events, following
from cordboard.storage.postgres import PostgresStore
from cordboard.storage.transaction import Query, Transaction
from cordboard.usecases import deliveries as usecase
from cordboard.usecases.deliveries import any_news, claim, report, spread
from cordboard.usecases.ports import Context
from tests.builders import World
from tests.storage.test_query_plans import NotingStore, faults, scans
from tests.webhooks.receiver import receiver
from tests.webhooks.sending import add_webhook, dispatch, feed, happen, sending, sent

pytestmark = pytest.mark.anyio


class Killed(BaseException):
    """The process is gone, in the middle of it."""


class DiesAt:
    """A store whose process is killed before, or right after, one of its commits."""

    def __init__(self, world: World, commit: int, *, after: bool) -> None:
        self._store = world.store
        self._left = commit
        self._after = after

    async def read(self, query: Query[Any]) -> Any:
        return await self._store.read(query)

    async def write(self, tenant: Any, usecase: Query[Any]) -> Any:
        self._left -= 1
        if self._left < 0 or (self._left == 0 and not self._after):
            raise Killed
        done = await self._store.write(tenant, usecase)
        if self._left == 0:
            raise Killed
        return done


def with_store(context: Context, store: Any) -> Context:
    return Context(store=store, sealer=context.sealer, hosts=context.hosts, clock=context.clock)


#: Of two messages, by the commit that did not come about any more, or was the last one.
POSTED_AGAIN = {(3, False): 2, (3, True): 1, (4, False): 1}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("commit", [1, 2, 3, 4])
async def test_a_process_killed_at_any_commit_loses_nothing(world: World, commit: int, after: bool) -> None:
    """Its commits: events are spread, deliveries claimed, and the outcome of each written down."""
    async with receiver() as there, sending(world) as survivor:
        id, _ = await add_webhook(world, there.url)
        told = await happen(world, 2)
        killed = dispatch(with_store(world.context, DiesAt(world, commit, after=after)), survivor._post)
        killed._follow = survivor._follow
        before = asyncio.all_tasks()
        with contextlib.suppress(Killed):
            await killed.step()
        await asyncio.gather(*(asyncio.all_tasks() - before), return_exceptions=True)
        await survivor.settle()
        world.clock.advance(seconds=LEASE.total_seconds())
        await survivor.settle()
        assert set(there.ids) == set(told)
        assert {delivery.state for delivery in await sent(world, id)} == {DeliveryState.DELIVERED}
        # what was posted and not written down is posted again, under its own id; nothing else is
        assert len(there.ids) == 2 + POSTED_AGAIN.get((commit, after), 0)


async def test_what_is_claimed_is_nobody_elses_until_the_lease_is_over(world: World) -> None:
    id, _ = await add_webhook(world, "http://127.0.0.1:9/")
    await happen(world, 3)
    async with sending(world) as one:
        await world.store.write(None, partial(spread, now=world.clock(), follow=one._follow))
    first = await world.store.write(None, partial(claim, now=world.clock(), rooms=[(id, 2)]))
    second = await world.store.write(None, partial(claim, now=world.clock(), rooms=[(id, 9)]))
    assert [len(first), len(second)] == [2, 1]
    world.clock.advance(seconds=LEASE.total_seconds() - 1)
    assert await world.store.write(None, partial(claim, now=world.clock(), rooms=[(id, 9)])) == []
    world.clock.advance(seconds=1)
    again = await world.store.write(None, partial(claim, now=world.clock(), rooms=[(id, 9)]))
    assert len(again) == 3
    late = Attempt(at=world.clock(), status=200, ms=1, error=None)
    await world.store.write(None, partial(report, claimed=first[0], attempt=late, jitter=0.0))
    assert {delivery.state for delivery in await sent(world, id)} == {DeliveryState.PENDING}, "its lease was over"


class Slowly:
    """Posts nothing, takes its time, and counts."""

    def __init__(self) -> None:
        self.posted: list[str] = []

    async def send(self, message: Message, now: Any) -> Attempt:
        self.posted.append(dict(message.headers)["webhook-id"])
        await asyncio.sleep(0.002)
        return Attempt(at=now, status=200, ms=1, error=None)


async def test_two_processes_on_postgresql_send_nothing_twice(postgres_world: World, reused_url: str) -> None:
    world = postgres_world
    for _ in range(3):
        await add_webhook(world, "http://127.0.0.1:9/")
    posts = Slowly()
    others = [await PostgresStore.open(reused_url, connections=5) for _ in range(2)]
    try:
        processes = [dispatch(with_store(world.context, store), posts) for store in others]
        told: list[str] = []

        async def tell() -> None:
            for name in "abcdefghijklmnopqrst":
                told.extend(await happen(world, 5, type=f"call.{name}"))

        async def work(one: Dispatch, telling: asyncio.Task[None]) -> None:
            while not telling.done():
                await one.settle()
            await one.settle()

        telling = asyncio.create_task(tell())
        await asyncio.gather(telling, *(work(one, telling) for one in processes))
        assert len(told) == 100
        assert sorted(posts.posted) == sorted(told * 3)
        assert all(one.attempts["taken"] > 20 for one in processes), "one of them did it all"
    finally:
        for store in others:
            await store.close()


async def test_an_event_that_commits_late_is_not_passed_over(postgres_world: World, reused_url: str) -> None:
    """A transaction that began first and commits last: the mark stays before it."""
    world, posts = postgres_world, Slowly()
    await add_webhook(world, "http://127.0.0.1:9/")
    one = dispatch(world.context, posts)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def late(tx: Any) -> None:
        await events.add(tx, [event("late", world)])
        begun.set()
        await go_on.wait()

    writing = asyncio.create_task(world.store.write(None, late))
    await begun.wait()
    await happen(world, 1, subject="early")
    for _ in range(3):
        await one.settle()
    assert len(posts.posted) == 1
    go_on.set()
    await writing
    await one.settle()
    assert sorted(posts.posted) == sorted(event.id for event in await feed(world))
    assert len(posts.posted) == 2


def event(subject: str, world: World) -> Happened:
    return Happened(type="call.ended", tenant=None, subject=subject, at=world.clock(), data={})


async def test_a_database_that_was_restored_on_another_server_goes_on_with_what_is_new(postgres_world: World) -> None:
    """Its transactions are numbered from where that server is, which may be far below those that it came with."""
    world, posts = postgres_world, Slowly()
    await add_webhook(world, "http://127.0.0.1:9/")
    await happen(world)
    one = dispatch(world.context, posts)
    await one.settle()

    async def restored(tx: Transaction) -> None:
        await tx.run("update event set revision = revision + 1000000000")
        await tx.run("update follower set mark = mark + 1000000000 where name = 'webhooks'")

    await world.store.write(None, restored)
    await world.store.write(None, following.join)
    await one.settle()
    for subject in ("a", "b"):
        await happen(world, subject=subject)
        await one.settle()
    assert len(posts.posted) == len(set(posts.posted)) == 3
    assert not await world.store.read(partial(any_news, follow=following.since))


async def test_more_news_than_one_look_takes_are_all_spread(world: World) -> None:
    posts = Slowly()
    id, _ = await add_webhook(world, "http://127.0.0.1:9/")
    one = dispatch(world.context, posts)
    told = await happen(world, 700)
    await one._spread()
    assert len(await sent(world, id)) == len(told) == 700


async def test_what_many_webhooks_want_is_spread_in_several_transactions(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usecase, "MOST_PAIRS", 20)
    ids = [(await add_webhook(world, "http://127.0.0.1:9/"))[0] for _ in range(3)]
    one = dispatch(world.context, Slowly())
    for n in range(10):
        await happen(world, subject=f"event {n}")
    done = await world.store.write(None, partial(spread, now=world.clock(), follow=one._follow))
    assert (done.more, done.moved) == (True, True)
    assert 15 <= sum([len(await sent(world, id)) for id in ids]) <= 20
    await one._spread()
    assert [len(await sent(world, id)) for id in ids] == [10, 10, 10]


async def test_what_is_asked_of_the_outbox_goes_by_an_index(world: World, database: str) -> None:
    id, _ = await add_webhook(world, "http://127.0.0.1:9/", None, "call.*")
    noting = NotingStore(world.store)
    one = dispatch(with_store(world.context, noting), Slowly())
    one._follow = following.after if database == "sqlite" else following.since
    (told, *_) = await happen(world, 5)
    await one.settle()
    for state in (None, *DeliveryState):
        for event_id in (None, told):
            look = partial(deliveries.page, webhook=id, state=state, event=event_id, limit=5)
            await noting.read(partial(look, after=None))
    await noting.write(None, partial(deliveries.set_failed_going, webhook=id, due=world.clock(), limit=5))
    await noting.write(None, partial(deliveries.remove_old, before=world.clock() + timedelta(days=1), limit=5))
    await noting.write(None, partial(deliveries.remove_orphans, limit=5))
    asked = {sql for sql in noting.noted if "webhook_delivery" in sql}
    assert len(asked) > 12
    found = {sql: faults(lines) for sql, lines in (await scans(world.store, noting.noted, database)).items()}
    # webhooks are few; the follower has a row for each that follows
    bad = {sql: lines for sql, lines in found.items() if any("webhook_delivery" in line for line in lines)}
    assert bad == {}
