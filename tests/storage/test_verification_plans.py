"""What is asked of verifications goes by an index, on both stores, whatever the filters."""

import contextlib
import itertools
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from cordboard.domain.errors import UnknownCursor
from cordboard.domain.tenants import TenantId
from cordboard.domain.trunks import TrunkId
from cordboard.domain.verifications import Schedule, ScheduleId, Subject, Verification, VerificationId
from cordboard.storage import calls, numbers, trunks, verifications
from cordboard.storage import verification_schedules as schedules
from cordboard.storage.verifications import VerificationFilter
from cordboard.usecases.verifications import forget_old
from tests.builders import World, unknown_id
from tests.storage.test_query_plans import NotingStore, faults, scans

pytestmark = pytest.mark.anyio


async def schedule_plans(noting: NotingStore, subject: Subject) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    id = ScheduleId(unknown_id())
    one = Schedule(id=id, subject=subject, minutes=60, next_at=now, by="admin", created_at=now)
    await noting.write(None, partial(schedules.put, made=one))
    for after, tenant in itertools.product((None, id), (None, TenantId("x"))):
        with contextlib.suppress(UnknownCursor):
            await noting.read(partial(schedules.page, tenant=tenant, after=after, limit=5))
    await noting.read(partial(schedules.get, id=id))
    await noting.read(partial(schedules.due, now=now, limit=5))
    await noting.write(None, partial(schedules.claim, one=one, next_at=now))
    await noting.write(None, partial(schedules.remove, id=id))


async def test_nothing_about_verifications_reads_a_whole_table(world: World, database: str) -> None:
    subject = Subject(kind="trunk", id=unknown_id(), name="Carrier", tenant=TenantId("x"))
    id = VerificationId(unknown_id())
    made = Verification(id=id, subject=subject, asked=("dns",), by="admin", started_at=world.clock())
    await world.store.write(None, partial(verifications.add, made=made))
    noting = NotingStore(world.store)
    names = ("tenant", "kind", "subject", "status")
    for after, *values in itertools.product((None, id), (None, "x"), (None, "trunk"), (None, "x"), (None, "failed")):
        where = VerificationFilter(**dict(zip(names, values, strict=True)))
        await noting.read(partial(verifications.page, where=where, after=after, limit=5))
    await noting.read(partial(verifications.get, id=id))
    await noting.read(partial(calls.refused_of_trunk, trunk="x", since=world.clock()))
    await noting.read(partial(numbers.of_trunk, trunk=TrunkId("x"), limit=5))
    await noting.read(partial(trunks.allow_lists, after="", limit=5))
    for asked in (None, ("dns",)):
        await noting.read(partial(verifications.before, one=made, asked=asked))
    await schedule_plans(noting, subject)
    await noting.write(None, partial(verifications.keep_newest, subject=subject, count=1))
    context = type(world.context)(
        store=noting, sealer=world.context.sealer, hosts=world.context.hosts, clock=world.clock
    )
    await forget_old(context, timedelta(days=1))
    found = {
        sql: lines
        for sql, lines in (await scans(world.store, noting.noted, database)).items()
        # from its newest on, in order and bounded, a table without conditions may be read
        if any(" INDEX " not in line for line in faults(lines))
    }
    assert found == {}
