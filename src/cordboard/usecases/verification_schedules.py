"""Verifications that run by themselves: one schedule a subject, and of several processes one takes each turn."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from random import Random, SystemRandom
from typing import Final

from cordboard.domain.errors import Invalid, NotFound, TooManyVerifications
from cordboard.domain.tenants import Actor
from cordboard.domain.verifications import Schedule, ScheduleId, steps_of
from cordboard.storage import verification_schedules as schedules
from cordboard.usecases.ports import Context, Store
from cordboard.usecases.verification_plans import unknown
from cordboard.usecases.verifications import AT_ONCE, Order, Verifier

#: The part of an interval by which a turn is earlier or later: many that were made together do not run together.
JITTER: Final = 0.1
#: Turns taken at one look.
BITE: Final = AT_ONCE


@dataclass(frozen=True, kw_only=True)
class Scheduler:
    """Makes schedules, and runs what is due on this process's verifier."""

    context: Context
    verifier: Verifier
    draw: Random

    @classmethod
    def of(cls, context: Context, verifier: Verifier) -> "Scheduler":
        return cls(context=context, verifier=verifier, draw=SystemRandom())

    async def put(self, who: Actor, order: Order, minutes: int, store: Store) -> Schedule:
        """In place of what the subject had. Raises NotFound of each kind, NotForCaller, InvalidVerification."""
        found = await self.verifier.found(who, order)
        now = self.context.clock()
        made = Schedule(
            id=ScheduleId(self.context.new_id()),
            subject=found.subject,
            steps=None if order.steps is None else steps_of(order.kind, order.steps),
            minutes=minutes,
            next_at=self._next(now, minutes),
            by=who.name,
            created_at=now,
        )
        await store.write(found.subject.tenant, partial(schedules.put, made=made))
        return made

    async def run_due(self) -> int:
        """Begin what is due, a few at a time; how many. Harmless to repeat, and in several processes at once."""
        if not self.verifier.has_edge:
            return 0  # from another address than the edge's it would find what is not so
        now = self.context.clock()
        begun = 0
        for one in await self.context.store.read(partial(schedules.due, now=now, limit=BITE)):
            claim = partial(schedules.claim, one=one, next_at=self._next(now, one.minutes))
            if await self.context.store.write(one.subject.tenant, claim):
                begun += await self._begin(one)
        return begun

    async def _begin(self, one: Schedule) -> bool:
        """Of a subject that is gone, or somebody else's by now, the schedule goes too."""
        who = Actor(name=f"schedule:{one.id}")
        order = Order(kind=one.subject.kind, ref=one.subject.id, steps=one.steps)
        try:
            if (await self.verifier.found(who, order)).subject.tenant != one.subject.tenant:
                raise unknown(order.kind, order.ref)
            await self.verifier.begin(who, order)
        except TooManyVerifications:
            return False  # its next turn will come
        except (NotFound, Invalid):
            await self.context.store.write(one.subject.tenant, partial(schedules.remove, id=one.id))
            return False
        return True

    def _next(self, now: datetime, minutes: int) -> datetime:
        return now + timedelta(minutes=minutes * self.draw.uniform(1 - JITTER, 1 + JITTER))
