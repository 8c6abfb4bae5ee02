"""What stands around the edge's decision, and only a running edge knows: bans, telephones, limits, the media relay."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from cordboard.domain.edge import Ban, Binding, HopHealth, Load
from cordboard.domain.errors import EdgeUnavailable
from cordboard.domain.explain import Advice, Judgement, Remedy
from cordboard.domain.media import Offered
from cordboard.domain.reasons import CODES, Reason
from cordboard.domain.routing import Decision
from cordboard.domain.tenants import TenantId
from cordboard.domain.trail import Rule, Step, Trail
from cordboard.domain.trunks import Trunk
from cordboard.usecases.ports import EdgeState, Registrations


@dataclass(slots=True)
class Made:
    """A decision as it is made."""

    decision: Decision
    trail: Trail
    notes: list[str] = field(default_factory=list)

    def step(self, rule: Rule, looked_at: str, found: str, reason: Reason = "accepted") -> None:
        """One more; one that fails is what becomes of the call."""
        self.trail.note(Step(rule=rule, looked_at=looked_at, found=found, reason=reason))
        if reason != "accepted":
            self.decision = replace(self.decision, code=CODES[reason], reason=reason)


@dataclass(frozen=True, slots=True)
class Around:
    """Asks the edge of this machine; what it cannot say is a note."""

    #: None: no edge runs here, and nothing is asked.
    edge: EdgeState | None
    registrar: Registrations | None

    async def ban(self, source: str, made: Made, tenant: TenantId | None) -> tuple[Judgement | None, Advice | None]:
        """A banned source is not heard at all. A tenant is told that alone: why, and since when, is not its own."""
        if self.edge is None:
            return None, None
        try:
            ban = await self.edge.banned(source)
        except EdgeUnavailable as error:
            made.notes.append(f"Whether {source} is banned is not known: {error}.")
            return None, None
        if ban is None:
            return Judgement(rule="ban", looked_at=source, found="not banned", outcome="passed"), None
        found, advice = "banned", _BANNED
        if tenant is None:
            found, advice = f"banned ({ban.reason}) since {ban.since:%H:%M:%S} UTC", _heard_again(ban)
        return Judgement(rule="ban", looked_at=source, found=found, outcome="failed"), advice

    async def registered_from(self, name: str, source: str, made: Made) -> bool:
        """Whether that account has registered from there."""
        return any(each.address == source for each in await self._bindings(name, made) or ())

    async def telephone(self, made: Made) -> None:
        """An account that is called must be registered somewhere."""
        decision = made.decision
        if not decision.account or decision.direction == "out":
            return
        bindings = await self._bindings(decision.target, made)
        if bindings is None:
            return
        found = f"registered at {', '.join(each.received or each.contact for each in bindings)}"
        reason: Reason = "accepted" if bindings else "account-offline"
        made.step("telephone", f"account {decision.target}", found if bindings else "registered nowhere", reason)

    async def limits(self, trunk: Trunk | None, offered: Offered, made: Made) -> None:
        """Minutes, the media relay, calls at once, in the order of call.cfg; and whether the gateways answer."""
        if self.edge is None:
            return
        load, hops = None, []
        if trunk is not None:
            decision = made.decision
            try:
                load = await self.edge.load(decision.direction, trunk.id, decision.tenant, trunk.options.max_calls)
                hops = await self.edge.hops(trunk.id) if decision.direction == "out" else []
            except EdgeUnavailable as error:
                made.notes.append(f"How much this edge carries now is not known: {error}.")
        for rule, looked_at, found, reason in self._limits(self.edge, trunk, load, offered, made.decision):
            made.step(rule, looked_at, found, reason)
            if reason != "accepted":
                return
        if hops:
            made.step("gateway-health", "what the gateways last said", ", ".join(map(_health, hops)))

    def _limits(
        self, edge: EdgeState, trunk: Trunk | None, load: Load | None, offered: Offered, decision: Decision
    ) -> Iterator[tuple[Rule, str, str, Reason]]:
        if trunk is not None and load is not None:
            most = trunk.options.max_minutes_per_day
            if decision.direction == "out" and most is not None:
                used = f"{load.minutes} of {most} are used"
                yield "minutes", "the trunk's minutes of this day", used, _less(load.minutes, most, "minutes-used-up")
        if offered != "none":
            answers = edge.relays_media()
            reason: Reason = "accepted" if answers else "media-relay-unavailable"
            yield "media-relay", "the media relay", "it answers" if answers else "it does not answer", reason
        if load is not None and load.limit:
            stand = f"{load.calls} of {load.limit} stand"
            yield "calls-at-once", "the trunk's calls", stand, _less(load.calls, load.limit, "trunk-calls-at-once")
        if load is not None and load.tenant_limit:
            stand, reason = f"{load.tenant_calls} of {load.tenant_limit} stand", "tenant-calls-at-once"
            yield "calls-at-once", "the tenant's calls", stand, _less(load.tenant_calls, load.tenant_limit, reason)

    async def _bindings(self, name: str, made: Made) -> tuple[Binding, ...] | None:
        """None, with a note, if that cannot be known."""
        try:
            if self.registrar is None:
                raise EdgeUnavailable("no edge runs here")
            found = await self.registrar.registrations([name])
        except EdgeUnavailable as error:
            made.notes.append(f"Where account {name} is registered is not known: {error}.")
            return None
        return found.get(name, ())


def _less(now: int, most: int, reason: Reason) -> Reason:
    return "accepted" if now < most else reason


def _health(hop: HopHealth) -> str:
    if hop.uri is None:
        return f"{hop.host} has no address"
    if hop.down:
        return f"{hop.host} is down, and tried last"
    return f"{hop.host} answers" if hop.code is not None else f"{hop.host} was not asked yet"


#: What brings a ban, and how it is not brought again.
_BANS: Final = {
    "flood": "It sent more messages in one second than CORDBOARD_FLOOD_MESSAGES. Those that a trunk lists, and agents, "
    "are not counted once a call of theirs was taken.",
    "scanner": "Its User-Agent is that of a well-known scanner.",
    "credentials": "More than 20 wrong passwords came from it in a minute; the refusals of that source tell of them.",
    "by-hand": "Somebody has banned it by hand.",
}


_BANNED: Final = Advice(
    remedies=(Remedy(says="A ban is short, and ends by itself; who runs the installation can say why, and end it."),)
)


def _heard_again(ban: Ban) -> Advice:
    """Of a banned source."""
    said = f"{ban.address} is banned. {_BANS.get(ban.reason, '')} {ban.dropped} of its messages were dropped since."
    says = "A ban is short, and ends by itself. If the source is a good one, end it now."
    return Advice(nearest=(said,), remedies=(Remedy(says=says, commands=(("ban", "remove", ban.address),)),))
