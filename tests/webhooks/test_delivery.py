"""Events reach the webhooks that want them, once each, signed, and again by the schedule until they are taken."""

import asyncio
import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import standardwebhooks
from structlog.testing import capture_logs

from cordboard.domain.events import EventId
from cordboard.domain.tenants import ADMIN
from cordboard.domain.webhooks import MAX_ATTEMPTS, RETRIES, DeliveryState, new_secret, signatures
from cordboard.storage.secrets import KeyRing
from cordboard.usecases import tenants, webhooks
from cordboard.usecases.deliveries import forget_old
from tests.builders import World, create_tenant, dump
from tests.webhooks.receiver import receiver
from tests.webhooks.sending import add_webhook, feed, happen, sending, sent, webhook

pytestmark = pytest.mark.anyio


def test_a_signature_is_that_of_the_specification() -> None:
    """The vector of https://github.com/standard-webhooks: one secret, id, instant and body, and what they make."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    at = datetime.fromtimestamp(1614265330, UTC)
    made = signatures([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_an_event_is_posted_as_the_feed_shows_it_and_a_receiver_by_the_book_takes_it(world: World) -> None:
    world.clock.now = datetime.now(UTC)
    tenant = await create_tenant(world)
    async with receiver() as there, sending(world) as dispatch:
        id, secret = await add_webhook(world, f"{there.url}?key=1", tenant, "call.*")
        (event,) = await happen(world, tenant=tenant)
        await dispatch.settle()
    (got,) = there.received
    told = standardwebhooks.Webhook(secret).verify(got.body, got.headers)
    assert told == {
        "id": event,
        "type": "call.ended",
        "timestamp": (await feed(world))[0].at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "tenant_id": tenant,
        "subject": "c0",
        "data": {"n": 0},
    }
    assert (got.path, got.headers["webhook-id"]) == ("/hook?key=1", event)
    assert got.headers["content-type"] == "application/json"
    (delivery,) = await sent(world, id)
    assert (delivery.state, delivery.due_at, [a.status for a in delivery.attempts]) == ("delivered", None, [204])


async def test_each_webhook_gets_what_it_asked_for_and_nobody_anothers(world: World) -> None:
    ours, theirs = await create_tenant(world, "Ours"), await create_tenant(world, "Theirs")
    async with receiver() as there, sending(world) as dispatch:
        wanted = {
            (ours, "call.*"): {"call.ended", "call.refused"},
            (ours, "call.ended"): {"call.ended"},
            (theirs, "*"): {"number.released"},
            (None, "*"): {"call.ended", "call.refused", "number.released", "trunk.degraded"},
        }
        ids = {key: (await add_webhook(world, there.url, *key))[0] for key in wanted}
        off, _ = await add_webhook(world, there.url, ours, enabled=False)
        for type, owner in (("call.ended", ours), ("call.refused", ours), ("number.released", theirs)):
            await happen(world, type=type, tenant=owner)
        await happen(world, type="trunk.degraded")
        await dispatch.settle()
        for key, types in wanted.items():
            assert {delivery.type for delivery in await sent(world, ids[key])} == types, key
        assert await sent(world, off) == []


async def test_a_webhook_gets_what_happens_from_its_creation_on(world: World) -> None:
    async with receiver() as there, sending(world) as dispatch:
        await happen(world)
        world.clock.advance(seconds=1)
        await add_webhook(world, there.url)
        await dispatch.settle()
        assert there.ids == []
        later = await happen(world)
        await dispatch.settle()
        assert there.ids == later


async def test_a_receiver_that_is_down_for_an_hour_gets_every_event_once_it_is_back(world: World) -> None:
    async with receiver() as there, sending(world) as dispatch:
        id, _ = await add_webhook(world, there.url)
        await there.down()
        events = await happen(world, 20)
        start, waited = world.clock(), []
        while world.clock() - start < timedelta(hours=1):
            await dispatch.settle()
            due = {delivery.due_at for delivery in await sent(world, id)}
            assert len(due) == 1
            waited.append(due.pop() - world.clock())
            world.clock.advance(seconds=waited[-1].total_seconds() - 1)
            await dispatch.settle()
            assert there.ids == [], "tried before its time"
            world.clock.advance(seconds=1)
        assert waited == list(RETRIES[:4])
        assert (await webhook(world, id)).failing_since == start
        await there.up()
        await dispatch.settle()
        assert sorted(there.ids) == sorted(events)
        assert (await webhook(world, id)).failing_since is None
        found = await sent(world, id)
    assert {delivery.state for delivery in found} == {DeliveryState.DELIVERED}
    assert {len(delivery.attempts) for delivery in found} == {5}
    assert {attempt.error for attempt in found[0].attempts[:4]} != {None}


async def test_the_schedule_ends_after_ten_attempts_and_what_was_given_up_can_be_replayed(world: World) -> None:
    async with receiver(status=500, answer=b"not now\x1b[2J" + b"!" * 5000) as there, sending(world) as dispatch:
        id, _ = await add_webhook(world, there.url)
        (event,) = await happen(world)
        for delay in (*RETRIES, timedelta()):
            await dispatch.settle()
            world.clock.now += delay
        (delivery,) = await sent(world, id, DeliveryState.FAILED)
        assert [attempt.status for attempt in delivery.attempts] == [500] * MAX_ATTEMPTS
        assert delivery.due_at is None
        assert delivery.attempts[0].answer.startswith("not now [2J!!!")
        assert len(delivery.attempts[0].answer) <= 256
        there.status = 200
        world.clock.advance(days=1)
        await dispatch.settle()
        assert len(there.ids) == MAX_ATTEMPTS
        replay = partial(webhooks.replay_failed, now=world.clock(), id=id, limit=500)
        assert await world.store.write(None, replay) == 1
        await dispatch.settle()
        assert there.ids == [event] * (MAX_ATTEMPTS + 1)
        assert len(await sent(world, id, DeliveryState.DELIVERED)) == 1


async def test_retries_are_spread_by_up_to_a_tenth_and_wait_as_long_as_the_receiver_asks(world: World) -> None:
    async with receiver(status=503) as there, sending(world, jitter=lambda: 0.5) as dispatch:
        id, _ = await add_webhook(world, there.url)
        await happen(world)
        await dispatch.settle()
        assert (await sent(world, id))[0].due_at == world.clock() + timedelta(seconds=5.25)
        there.headers["Retry-After"] = "90"
        world.clock.advance(seconds=5.25)
        await dispatch.settle()
        assert (await sent(world, id))[0].due_at == world.clock() + timedelta(seconds=315)
        there.headers["Retry-After"] = "7200"
        world.clock.advance(seconds=315)
        await dispatch.settle()
        assert (await sent(world, id))[0].due_at == world.clock() + timedelta(hours=2)


async def test_a_receiver_that_is_gone_disables_its_webhook_and_others_are_told(world: World) -> None:
    tenant = await create_tenant(world)
    async with receiver(status=410) as gone, receiver() as there, sending(world) as dispatch:
        id, _ = await add_webhook(world, gone.url, tenant, "call.*")
        await add_webhook(world, there.url, tenant, "webhook.*")
        await happen(world, tenant=tenant)
        await dispatch.settle()
        await happen(world, tenant=tenant, subject="another")
        await dispatch.settle()
        found = await webhook(world, id)
        assert (found.enabled, found.disabled, len(gone.ids)) == (False, "gone", 1)
        assert [d.state for d in await sent(world, id)] == [DeliveryState.FAILED]
    (told,) = there.received
    assert json.loads(told.body)["data"] == {"webhook_id": id, "description": None, "reason": "gone"}


async def test_a_receiver_that_fails_for_days_is_disabled_and_goes_on_where_it_was_when_enabled(world: World) -> None:
    async with receiver(status=500) as there, sending(world) as dispatch:
        id, _ = await add_webhook(world, there.url)
        for _ in range(6):
            await happen(world)
            await dispatch.settle()
            assert (await webhook(world, id)).enabled
            world.clock.advance(hours=20)
        await happen(world)
        await dispatch.settle()
        found = await webhook(world, id)
        assert (found.enabled, found.disabled) == (False, "failing")
        assert (await feed(world, type="webhook.*"))[0].data["reason"] == "failing"
        there.status, before = 200, len(there.ids)
        world.clock.advance(days=2)
        await dispatch.settle()
        assert len(there.ids) == before
        enable = partial(webhooks.update, who=ADMIN, now=world.clock(), id=id, change=webhooks.Change(enabled=True))
        enabled = await world.store.write(None, partial(enable, hosts=world.context.hosts))
        assert (enabled.disabled, enabled.failing_since) == (None, None)
        await dispatch.settle()
        assert len(there.ids) > before


async def test_days_count_against_a_receiver_only_while_something_is_tried_again(world: World) -> None:
    async with receiver(status=500) as there, sending(world) as dispatch:
        id, _ = await add_webhook(world, there.url)
        await happen(world)
        for delay in RETRIES:
            await dispatch.settle()
            world.clock.advance(seconds=delay.total_seconds())
        await dispatch.settle()
        assert len(there.ids) == MAX_ATTEMPTS
        assert (await webhook(world, id)).failing_since is None, "it was given up"
        world.clock.advance(days=7)
        await world.store.write(None, partial(webhooks.test, now=world.clock(), id=id))
        await dispatch.settle()
        assert (await webhook(world, id)).failing_since is None, "a test is no event"
        await happen(world, subject="after a quiet week")
        await dispatch.settle()
        assert (await webhook(world, id)).failing_since == world.clock()
        world.clock.advance(days=6)
        moved = webhooks.Change(url=there.url + "/moved")
        update = partial(webhooks.update, who=ADMIN, now=world.clock(), id=id, change=moved, hosts=world.context.hosts)
        await world.store.write(None, update)
        await dispatch.settle()
        found = await webhook(world, id)
        assert (found.enabled, found.failing_since) == (True, world.clock())


@pytest.mark.slow
async def test_a_slow_receiver_holds_up_no_other(world: World) -> None:
    async with receiver(delay=0.3) as slow, receiver() as quick, sending(world) as dispatch:
        late, _ = await add_webhook(world, slow.url)
        await add_webhook(world, quick.url)
        await happen(world, 30)
        while len(quick.ids) < 30:
            await dispatch.step()
            await asyncio.sleep(0.01)
        assert len(slow.received) <= 16
        await dispatch.settle()
        assert slow.most <= 8
        assert len(await sent(world, late, DeliveryState.DELIVERED)) == 30


async def test_a_tenant_s_slow_receivers_hold_up_nobody_else(world: World) -> None:
    slow_one, other = await create_tenant(world), await create_tenant(world, "Other")
    async with receiver(delay=0.3) as slow, receiver() as quick, sending(world) as dispatch:
        for _ in range(15):
            await add_webhook(world, slow.url, slow_one)
        await happen(world, 8, slow_one)
        await dispatch.step()
        assert dispatch.under_way == 16, "120 messages are due"
        world.clock.advance(seconds=1)
        await add_webhook(world, quick.url, other)
        await happen(world, 8, other)
        assert await dispatch.step() == 8


@pytest.mark.parametrize("rotations", [1, 2, 4])
async def test_after_rotations_messages_have_all_signatures_for_a_day(world: World, rotations: int) -> None:
    world.clock.now = datetime.now(UTC)
    async with receiver() as there, sending(world) as dispatch:
        id, old = await add_webhook(world, there.url)
        new = [new_secret() for _ in range(rotations)]
        for secret in new:
            rotate = partial(webhooks.rotate, who=ADMIN, now=world.clock(), id=id, secret=secret)
            await world.store.write(None, partial(rotate, sealer=world.context.sealer))
        await happen(world)
        await dispatch.settle()
        for secret in (old, *new):
            standardwebhooks.Webhook(secret).verify(there.received[0].body, there.received[0].headers)
        world.clock.advance(hours=24)
        await happen(world, subject="later")
        await dispatch.settle()
        assert there.received[1].headers["webhook-signature"].count("v1,") == 1


async def test_events_are_replayed_under_the_ids_that_they_had(world: World) -> None:
    async with receiver() as there, sending(world) as dispatch:
        id, _ = await add_webhook(world, there.url, None, "call.*")
        events = await happen(world, 3)
        world.clock.advance(minutes=1)
        await happen(world, type="trunk.degraded")
        await dispatch.settle()
        start = world.clock() - timedelta(minutes=1)
        replay = partial(webhooks.replay_some, now=world.clock(), id=id, since=start, until=None, after=None, limit=500)
        assert (await world.store.write(None, replay)).count == 3
        assert (await world.store.write(None, replay)).count == 0, "they are on their way"
        await dispatch.settle()
        assert sorted(there.ids) == sorted(events * 2)
        one = partial(webhooks.replay_event, now=world.clock(), id=id, event=(await feed(world))[-1].id)
        assert await world.store.write(None, one) == 1
        await dispatch.settle()
        assert json.loads(there.received[-1].body)["type"] == "trunk.degraded"


async def test_what_waits_for_a_later_attempt_is_sent_at_once_when_it_is_replayed(world: World) -> None:
    async with receiver(status=500) as there, sending(world) as dispatch:
        id, _ = await add_webhook(world, there.url)
        (event,) = await happen(world)
        await dispatch.settle()
        replay = partial(webhooks.replay_event, id=id, event=EventId(event))
        assert await world.store.write(None, partial(replay, now=world.clock())) == 0, "it may be on its way"
        world.clock.advance(seconds=5)
        await dispatch.settle()
        there.status = 200
        assert await world.store.write(None, partial(replay, now=world.clock())) == 1
        await dispatch.settle()
        assert there.ids == [event] * 3


async def test_a_test_is_sent_once_to_one_webhook_whatever_comes_of_it(world: World) -> None:
    async with receiver(status=500) as there, receiver() as other, sending(world) as dispatch:
        id, _ = await add_webhook(world, there.url, None, "number.*")
        await add_webhook(world, other.url)
        await world.store.write(None, partial(webhooks.test, now=world.clock(), id=id))
        await dispatch.settle()
        assert [json.loads(each.body)["type"] for each in there.received] == ["webhook.test"]
        assert [delivery.state for delivery in await sent(world, id)] == [DeliveryState.FAILED]
        assert other.ids == []


async def test_no_secret_is_in_the_store_the_log_or_the_feed(world: World) -> None:
    tenant = await create_tenant(world)
    async with receiver(status=500) as there, sending(world) as dispatch:
        with capture_logs() as logs:
            id, secret = await add_webhook(world, f"{there.url}?token=in-the-url", tenant)
            new = new_secret()
            rotate = partial(webhooks.rotate, who=ADMIN, now=world.clock(), id=id, secret=new)
            await world.store.write(None, partial(rotate, sealer=world.context.sealer))
            await happen(world, tenant=tenant)
            await dispatch.settle()
        assert repr(await webhook(world, id)).count("whsec_") == 0
    assert [line["log_level"] for line in logs if line["event"] == "webhook"] == ["warning"]
    stored = await dump(world)
    said = json.dumps([logs, stored["change"], stored["event"], stored["webhook_delivery"]], default=str)
    for each in (secret, new):
        raw = each.removeprefix("whsec_")
        assert raw not in json.dumps(stored) + said
        assert base64.b64decode(raw).hex() not in said
    assert "in-the-url" not in said
    actions = [
        (row["action"], json.loads(row["fields"])["secret"]) for row in stored["change"] if row["object_id"] == id
    ]
    assert actions == [("create", ["set"]), ("rotate", ["set"])]


async def test_a_secret_that_another_key_ring_has_sealed_is_a_failure_that_is_said(
    world: World, tmp_path: Path
) -> None:
    async with receiver() as there, sending(world) as dispatch:
        id, _ = await add_webhook(world, there.url)
        await happen(world)
        dispatch._context = replace(world.context, sealer=KeyRing.open(tmp_path / "another.json"))
        await dispatch.settle()
        (delivery,) = await sent(world, id)
        assert "does not open with this key ring" in (delivery.attempts[0].error or "")
        assert there.received == []


async def test_what_was_sent_is_forgotten_with_its_event_and_with_its_webhook(world: World) -> None:
    async with receiver() as there, sending(world) as dispatch:
        kept, _ = await add_webhook(world, there.url)
        gone, _ = await add_webhook(world, there.url)
        await happen(world)
        world.clock.advance(days=20)
        await happen(world)
        await dispatch.settle()
        await world.store.write(None, partial(webhooks.delete, who=ADMIN, now=world.clock(), id=gone))
        await forget_old(world.context, timedelta(days=14))
        assert [len(await sent(world, id)) for id in (kept, gone)] == [1, 0]


async def test_deleting_a_tenant_deletes_its_webhooks(world: World) -> None:
    tenant = await create_tenant(world)
    await add_webhook(world, "https://receiver.example", tenant)
    await world.store.write(tenant, partial(tenants.delete, who=ADMIN, now=world.clock(), id=tenant))
    assert (await dump(world))["webhook"] == []
