"""Verifications: begun, run beside everything else, kept and compared."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Final, Protocol

import structlog

from cordboard.domain.allow_lists import Linted, lint
from cordboard.domain.errors import NotForCaller, TooManyVerifications
from cordboard.domain.tenants import Actor, TenantId
from cordboard.domain.verification_steps import Said, warning
from cordboard.domain.verifications import (
    OFFLINE,
    Difference,
    Kind,
    Plan,
    State,
    Status,
    Step,
    StepName,
    Verification,
    VerificationId,
    compare,
    outcome,
    steps_of,
    with_echo,
)
from cordboard.storage import verifications
from cordboard.storage.transaction import Transaction
from cordboard.usecases.access import Access
from cordboard.usecases.allow_lists import look
from cordboard.usecases.events import Happened, emit
from cordboard.usecases.ports import Context, Store
from cordboard.usecases.verification_plans import Found, checks, echo, find, gather, plan, unknown

log = structlog.get_logger()

#: Of one subject that are kept.
KEPT: Final = 20
#: Run at the same time, and waiting for their turn.
AT_ONCE: Final = 4
MOST_WAITING: Final = 50
#: Of one tenant, both together, and those that run.
MOST_OF_TENANT: Final = 10
TENANT_AT_ONCE: Final = 2
#: After which nobody can be at one any more, however many waited before it.
ABANDONED: Final = timedelta(minutes=15)
#: Seconds between two looks at one that another process runs.
LOOK: Final = 0.25
#: Old ones that are removed in one transaction.
BITE: Final = 200


class Prober(Protocol):
    """Tries things on the network, from an edge's address."""

    def probe(self, plan: Plan) -> AsyncIterator[Step]:
        """Each step when it is over; all of them within `LONGEST` seconds. Raises nothing of the network's."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What somebody wants verified."""

    kind: Kind
    #: An id; a number may be named by itself, an account by its username.
    ref: str
    #: None: all of the kind.
    steps: tuple[str, ...] | None = None
    #: Whether a call is placed, which rings somebody and may cost money, and whom it calls.
    echo: bool = False
    echo_to: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """A verification, and what it found otherwise than the one before."""

    one: Verification
    before: Verification | None = None
    changes: tuple[Difference, ...] = ()


class Verifier:
    """Runs verifications in the background of one process, a few at a time."""

    def __init__(self, context: Context, prober: Prober | None) -> None:
        """Without a prober, as on a server without an edge, what needs the network is skipped."""
        self._context = context
        self._access = Access(context.store)
        self._prober = prober
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._turns: dict[TenantId | None, asyncio.Semaphore] = {}
        self._running: dict[VerificationId, asyncio.Task[None]] = {}
        #: Those that run or wait, and those that are being stored.
        self._tenants: dict[VerificationId, TenantId | None] = {}

    @property
    def has_edge(self) -> bool:
        """Whether anything can be sent."""
        return self._prober is not None

    async def begin(self, who: Actor, order: Order, store: Store | None = None) -> Verification:
        """Store it as running, and run it. Raises NotFound of each kind, NotForCaller, MissingPermission,
        InvalidVerification, TooManyVerifications.

        `store` is what the first write goes through, if whoever asks has one of its own.
        """
        if order.echo:
            who.require("verifications.echo")
        found = await self.found(who, order)
        self._room_for(found.subject.tenant)
        steps = steps_of(order.kind, order.steps)
        if order.echo:
            steps = with_echo(order.kind, steps, order.echo_to)
        made = Verification(
            id=VerificationId(self._context.new_id()),
            subject=found.subject,
            asked=steps,
            by=who.name,
            started_at=self._context.clock(),
        )
        self._tenants[made.id] = made.subject.tenant
        try:
            await (store or self._context.store).write(made.subject.tenant, partial(_add, made=made))
        except BaseException:
            self._over(made.id)
            raise
        task = asyncio.create_task(self._run(made, found, order))
        self._running[made.id] = task
        task.add_done_callback(lambda _: self._over(made.id))
        return made

    def _room_for(self, tenant: TenantId | None) -> None:
        """One tenant's do not keep all others waiting. Raises TooManyVerifications."""
        of_tenant = sum(each == tenant for each in self._tenants.values())
        if len(self._tenants) >= AT_ONCE + MOST_WAITING or (tenant is not None and of_tenant >= MOST_OF_TENANT):
            raise TooManyVerifications

    def _turn(self, tenant: TenantId | None) -> asyncio.Semaphore:
        """One tenant's wait for each other, so that there is a place for others'."""
        return self._turns.setdefault(tenant, asyncio.Semaphore(AT_ONCE if tenant is None else TENANT_AT_ONCE))

    def _over(self, id: VerificationId) -> None:
        self._running.pop(id, None)
        tenant = self._tenants.pop(id, None)
        if tenant not in self._tenants.values():
            self._turns.pop(tenant, None)

    async def found(self, who: Actor, order: Order) -> Found:
        """The subject, if who asks may verify it. Raises NotFound of each kind, NotForCaller."""
        found = await self._context.store.read(partial(find, kind=order.kind, ref=order.ref))
        await self._access.require(who, found.subject.tenant, unknown(order.kind, order.ref))
        if order.kind == "trunk" and found.trunk is not None and found.trunk.system and not who.administrator:
            raise NotForCaller("the administrator")
        return found

    async def wait(self, id: VerificationId, seconds: float) -> None:
        """Until it is over, whichever process runs it, but no longer than that."""
        task = self._running.get(id)
        if task is not None:
            await asyncio.wait({task}, timeout=seconds)
            return
        until = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < until:
            if (await self._context.store.read(partial(verifications.get, id=id))).state is not State.RUNNING:
                return
            await asyncio.sleep(LOOK)

    async def close(self) -> None:
        """End those under way; they are stored as interrupted."""
        running = dict(self._running)
        for task in running.values():
            task.cancel()
        if running:
            await asyncio.wait(running.values())
        for id in running:
            end = partial(verifications.interrupt_one, id=id, now=self._context.clock())
            await self._context.store.write(None, end)

    async def _run(self, made: Verification, found: Found, order: Order) -> None:
        one = made
        try:
            async with self._turn(made.subject.tenant), self._gate:
                async for step in self._steps(made.asked, found, order):
                    one = replace(one, steps=(*one.steps, step))
                    await self._save(one)
            over = replace(one, state=State.FINISHED, status=outcome(one.steps))
        except Exception:  # the boundary of a task that nobody waits for: logged, and seen in its state
            log.exception("a verification failed", verification=made.id)
            over = replace(one, state=State.INTERRUPTED)
        over = replace(over, finished_at=self._context.clock())
        await self._context.store.write(over.subject.tenant, partial(_end, over=over))

    async def _steps(self, asked: tuple[StepName, ...], subject: Found, order: Order) -> AsyncIterator[Step]:
        found = await self._context.store.read(partial(gather, found=subject, now=self._context.clock()))
        for name, target, said in checks(found, await self._listed(found)):
            if name in asked:
                yield self._step(name, target, said)
        network = plan(found, asked, self._context.sealer)
        if order.echo:
            call = echo(found, order.echo_to)
            if isinstance(call, Said):
                yield self._step("echo", order.echo_to or "", call)
            else:
                network = replace(network, echo=call)
        if self._prober is None:
            sent = [step for step in asked if step not in OFFLINE]
            if sent and (network.places or network.phone is not None):
                yield self._step(
                    sent[0],
                    "",
                    warning(
                        "no-edge",
                        "nothing was sent: the server that was asked has no edge",
                        "Ask a server that runs without --no-edge.",
                    ),
                )
            return
        async for step in self._prober.probe(network):
            yield step

    async def _listed(self, found: Found) -> Linted:
        """What is to be said of the subject's addresses."""
        if found.shared:
            return Linted(findings=(), seen=())
        if found.trunk is not None:
            return await look(self._context, found.trunk)
        allowed = () if found.account is None else found.account.allowed or ()
        private = self._context.hosts.allow_private
        return Linted(findings=lint(allowed, private=private, proved=True), seen=())

    def _step(self, name: StepName, target: str, said: Said) -> Step:
        """One that took no time."""
        return said.of(name, target, self._context.clock())

    async def _save(self, one: Verification) -> None:
        await self._context.store.write(one.subject.tenant, partial(verifications.save, after=one))


async def show(tx: Transaction, id: VerificationId) -> Compared:
    """Raises UnknownVerification."""
    one = await verifications.get(tx, id)
    before = await verifications.before(tx, one)
    if before is None or one.state is State.RUNNING:
        return Compared(one=one, before=before)
    both = set(before.asked) & set(one.asked)
    old, new = ([step for step in each.steps if step.name in both] for each in (before, one))
    return Compared(one=one, before=before, changes=compare(old, new))


async def forget_old(context: Context, kept_for: timedelta) -> None:
    """Remove what is older than it is kept for, and close what somebody left who ran it."""
    now = context.clock()
    await context.store.write(None, partial(verifications.interrupt, before=now - ABANDONED, now=now))
    await context.store.write(None, partial(verifications.remove_old, before=now - kept_for, limit=BITE))


async def _end(tx: Transaction, over: Verification) -> None:
    """Store what came of it, and tell of it if that is not what came of the same steps before."""
    await verifications.save(tx, over)
    if over.status in (None, Status.SKIPPED):
        return
    before = await verifications.before(tx, over, asked=over.asked)
    failed = over.status is Status.FAILED
    if before is None or (before.status is Status.FAILED) != failed:
        await emit(tx, [_told(over, failed=failed)])


def _told(over: Verification, *, failed: bool) -> Happened:
    subject = over.subject
    wrong = [
        {"name": step.name, "target": step.target, "code": step.code, "summary": step.summary}
        for step in over.steps
        if step.status is Status.FAILED
    ]
    return Happened(
        type="verification.failed" if failed else "verification.passed",
        tenant=subject.tenant,
        subject=subject.id,
        at=over.finished_at or over.started_at,
        data={
            "verification_id": over.id,
            "kind": subject.kind,
            "id": subject.id,
            "name": subject.name,
            "status": over.status,
            "failed": wrong,
        },
    )


async def _add(tx: Transaction, made: Verification) -> None:
    await verifications.keep_newest(tx, made.subject, KEPT - 1)
    await verifications.add(tx, made)
