"""Runs a plan's steps, as many places at the same time as there are, and tells of each when it is over."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cordboard.domain.addresses import Transport
from cordboard.domain.verification_steps import Said, failed, skipped
from cordboard.domain.verifications import LONGEST, Echo, Login, Place, Plan, Step, StepName
from cordboard.engines.edge.config import EdgeOptions, split_listen, verify_word
from cordboard.engines.edge.folder import installation_key
from cordboard.engines.edge.names.lookup import Dns, Hop
from cordboard.engines.edge.names.reach import Reach
from cordboard.engines.edge.verify.answers import answers
from cordboard.engines.edge.verify.connection import Trust, Way, connects, shows
from cordboard.engines.edge.verify.credentials import proves
from cordboard.engines.edge.verify.echo import Booth, calls, telephone
from cordboard.engines.edge.verify.names import leads_to
from cordboard.engines.edge.verify.registered import phone, registrations
from cordboard.engines.edge.verify.sip import ANSWER_SECONDS, CONNECT_SECONDS
from cordboard.engines.edge.verify.steps import Watch
from cordboard.usecases.ports import Clock, EdgeState, Registrations

#: Places that one name leads to which are tried.
MOST_HOPS: Final = 4
_EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104  compared, not bound

#: Where whoever listens everywhere is called from the same machine.
_HERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  compared, not bound

Tell = Callable[[Step], None]


@dataclass(frozen=True, kw_only=True)
class EdgeProber:
    """Tries things from the addresses that one edge listens on."""

    dns: Dns
    reach: Reach
    trust: Trust
    #: Addresses that are sent from, by whether they are of IPv6; none: whatever the machine chooses.
    sources: dict[bool, str]
    clock: Clock
    #: What the edge knows of its own registrations, and of those at it; None: nobody can be asked.
    state: EdgeState | None = None
    registrar: Registrations | None = None
    #: Where calls are placed from; None: none can be.
    booth: Callable[[], Booth] | None = None
    #: Seconds that a place has to take a connection, and to say something final.
    connect: float = CONNECT_SECONDS
    answer: float = ANSWER_SECONDS

    @classmethod
    def of(
        cls,
        options: EdgeOptions,
        dns: Dns,
        reach: Reach,
        clock: Clock,
        *,
        state: EdgeState | None,
        registrar: Registrations | None,
    ) -> "EdgeProber":
        listens = [split_listen(listen)[0] for listen in options.sip_listen]
        return cls(
            dns=dns,
            reach=reach,
            trust=Trust(certificate=options.tls_certificate, key=options.tls_key, authorities=options.tls_ca_file),
            sources={":" in address: address for address in reversed(listens) if address not in _EVERYWHERE},
            clock=clock,
            state=state,
            registrar=registrar,
            booth=lambda: booth_of(options),
        )

    async def probe(self, plan: Plan) -> AsyncIterator[Step]:
        """Each step when it is over. Raises nothing of the network's."""
        told: asyncio.Queue[Step | None] = asyncio.Queue()

        async def everything() -> None:
            watch = Watch(self.clock)
            try:
                async with asyncio.timeout(LONGEST), asyncio.TaskGroup() as group:
                    run = _Run(self, plan, told.put_nowait)
                    for place in plan.places:
                        group.create_task(run.place(place))
                    if plan.echo is not None:
                        group.create_task(run.echoed(plan.echo))
                    if plan.wants("registration") or plan.phone is not None:
                        group.create_task(run.registered())
            except TimeoutError:
                late = skipped("not-tried", f"the rest was not tried: {LONGEST} s were over")
                told.put_nowait(watch.step("options", "", late))
            finally:
                told.put_nowait(None)

        running = asyncio.create_task(everything())
        try:
            while (step := await told.get()) is not None:
                yield step
            await running
        finally:
            running.cancel()
            await asyncio.wait({running})

    def way(self, place: Place, hop: Hop) -> Way:
        source = self.sources.get(":" in hop.address)
        return Way(source=source, trust=self.trust, keeper=place.keeper, connect=self.connect, answer=self.answer)


@dataclass(frozen=True)
class _Run:
    prober: EdgeProber
    plan: Plan
    tell: Tell

    async def place(self, place: Place) -> None:
        watch = Watch(self.prober.clock)
        said, hops = await leads_to(place, self.prober.dns, self.prober.reach)
        if self.plan.wants("dns"):
            self.tell(watch.step("dns", str(place), said))
        if not hops:
            self._skip(("connect", "tls", "options"), str(place), "its host leads nowhere")
            if place.login is not None:
                self._skip(("digest",), str(place), "its host leads nowhere")
            return
        async with asyncio.TaskGroup() as group:
            tried = [group.create_task(self._hop(place, hop)) for hop in hops[:MOST_HOPS]]
        if place.login is not None:
            await self._proved(place, place.login, [hop for hop in (each.result() for each in tried) if hop])

    async def _proved(self, place: Place, login: Login, hops: list[Hop]) -> None:
        """At the first place that is there."""
        if not hops:
            self._skip(("digest",), str(place), "nobody is there")
            return
        hop = hops[0]
        way = self.prober.way(place, hop)
        await self._do("digest", target_of(place, hop), lambda: proves(place, login, hop, way))

    async def registered(self) -> None:
        """Of the plan's trunk, or of its account."""
        watch, state, registrar = Watch(self.prober.clock), self.prober.state, self.prober.registrar
        if self.plan.trunk is not None and state is not None and self.plan.wants("registration"):
            for target, said in await registrations(state, self.plan.trunk):
                self.tell(watch.step("registration", target, said))
        if self.plan.phone is not None and registrar is not None:
            said = await phone(registrar, self.plan.phone)
            if self.plan.wants("registration"):
                self.tell(watch.step("registration", "", said))
            await self._rings(self.plan.phone.username, said)

    async def _rings(self, username: str, registered: Said) -> None:
        """Whether the account's telephone answers, if it has one."""
        booth = self.prober.booth
        if booth is None:
            return
        if registered.code in ("account-offline", "edge-unavailable"):
            self._skip(("options",), "", "it is registered nowhere")
            return
        await self._do("options", "", lambda: telephone(username, booth(), self.prober.answer))

    async def echoed(self, echo: Echo) -> None:
        """A call through the edge."""
        booth = self.prober.booth
        if booth is not None:
            await self._do("echo", echo.target, lambda: calls(echo, booth()))

    async def _hop(self, place: Place, hop: Hop) -> Hop | None:
        """None: nobody is there."""
        target, way = target_of(place, hop), self.prober.way(place, hop)
        if hop.transport is not Transport.UDP:
            reached = await self._do("connect", target, lambda: connects(hop, way))
            if reached is not None and reached.code:
                self._skip(("tls", "options"), target, "there is no connection")
                return None
        if hop.transport is Transport.TLS:
            shook = await self._do("tls", target, lambda: self._tls(place, hop, way))
            if shook is not None and shook.code in ("tls-handshake", "tls-off"):
                self._skip(("options",), target, "there is no TLS connection")
                return None
        answered = await self._do("options", target, lambda: answers(place, hop, way))
        return None if answered is not None and answered.code in ("options-refused", "options-silence") else hop

    async def _tls(self, place: Place, hop: Hop, way: Way) -> Said:
        if not self.prober.reach.tls:
            return failed(
                "tls-off",
                "this edge does not speak TLS",
                "Set CORDBOARD_TLS_LISTEN, CORDBOARD_TLS_CERTIFICATE and CORDBOARD_TLS_KEY, and start it again.",
            )
        now: datetime = self.prober.clock()
        return await shows(hop, place.where.host, way, now, verify=place.verify)

    async def _do(self, name: StepName, target: str, work: Callable[[], Coroutine[Any, Any, Said]]) -> Said | None:
        """None: nobody asked for it."""
        if not self.plan.wants(name):
            return None
        watch = Watch(self.prober.clock)
        said = await work()
        self.tell(watch.step(name, target, said))
        return said

    def _skip(self, names: tuple[StepName, ...], target: str, why: str) -> None:
        for name in names:
            if self.plan.wants(name):
                self.tell(Watch(self.prober.clock).step(name, target, skipped("not-tried", f"not tried: {why}")))


def booth_of(options: EdgeOptions) -> Booth:
    """Where an edge with these options is called."""
    address, port = split_listen(options.sip_listen[0])
    folder = (options.data.absolute() / "edge").resolve()
    return Booth(
        address=_HERE.get(address, address),
        port=port,
        word=verify_word(installation_key(folder, options)),
        shown=options.media_advertise,
        media=options.media[0],
    )


def target_of(place: Place, hop: Hop) -> str:
    """A place that a host led to, as people read it."""
    where = f"{hop.address}:{hop.port} {hop.transport}"
    return where if place.where.host == hop.address else f"{place.where.host} ({where})"
