"""A trunk and a rule in LiveKit for each number, an outbound trunk for each of ours: as the vendors do it."""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from livekit.protocol import sip

from cordboard.domain.addresses import HostPort, Transport, collapse
from cordboard.domain.errors import Invalid, InvalidOption, ProviderFailed
from cordboard.domain.provisioning import Problem
from cordboard.domain.trunk_options import TrunkOptions
from cordboard.domain.trunks import MediaPolicy, SealedSecret, TrunkId, inbound_row
from cordboard.engines.livekit.client import Client, Inbounds, Rules
from cordboard.engines.livekit.objects import ENCRYPTION, Inbound, Mark, Outbound, Rule, mark_of
from cordboard.engines.livekit.options import LiveKitOptions
from cordboard.storage import provisioning
from cordboard.storage.changes import Kind
from cordboard.storage.secrets import UnreadableSecret
from cordboard.storage.transaction import Row, Transaction
from cordboard.storage.trunks import options_from
from cordboard.usecases.ports import CannotBe, Sealer, Wanted

#: Numbers that one outbound trunk lists; with more, or none, whoever calls names the number.
MAX_NUMBERS: Final = 100
ANY_NUMBER: Final = ("*",)

_TRANSPORTS: Final = {
    None: sip.SIPTransport.SIP_TRANSPORT_AUTO,
    Transport.UDP: sip.SIPTransport.SIP_TRANSPORT_UDP,
    Transport.TCP: sip.SIPTransport.SIP_TRANSPORT_TCP,
    Transport.TLS: sip.SIPTransport.SIP_TRANSPORT_TLS,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Answering:
    """Of `number:+34911234567`: how it is called, and into which room. The rule names its trunk when that has an id."""

    inbound: Inbound
    rule: Rule


@dataclass(frozen=True, kw_only=True, slots=True)
class Calling:
    """Of `trunk:ID`: how calls go out."""

    outbound: Outbound
    #: LiveKit's id of it, as it was recorded.
    recorded: str | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class PerNumber:
    """What LiveKit holds for numbers and trunks, and how it is put there."""

    client: Client
    installation: str
    options: LiveKitOptions
    sealer: Sealer

    async def keys(self, tx: Transaction, touched: Collection[tuple[Kind, str]]) -> list[str]:
        found: set[str] = set()
        for kind, id in touched:
            if kind == "number" and (place := await provisioning.place(tx, id)) is not None:
                found |= _of_number(place[0])
                found |= set() if place[1] is None else {f"trunk:{place[1]}"}
            elif kind == "trunk":
                found.add(f"trunk:{id}")
                found.update(*map(_of_number, await provisioning.on_trunk(tx, id)))
            elif kind == "agent":
                found.update(*map(_of_number, await provisioning.with_agent(tx, id)))
        return sorted(found)

    async def all_keys(self, tx: Transaction) -> list[str]:
        numbers = [f"number:{number}" for number in await provisioning.answered_numbers(tx)]
        return numbers + [f"trunk:{id}" for id in await provisioning.calling_trunks(tx)]

    async def wanted(self, tx: Transaction, keys: Collection[str]) -> dict[str, Wanted]:
        found: dict[str, Wanted] = {}
        for key in keys:
            kind, _, name = key.partition(":")
            if kind == "number" and (row := await provisioning.answered(tx, name)) is not None:
                found[key] = if_possible(partial(self._answering, row))
            elif kind == "trunk" and (row := await provisioning.calling(tx, name)) is not None:
                numbers = await provisioning.numbers_of(tx, name, MAX_NUMBERS + 1)
                found[key] = if_possible(partial(self._calling, row, numbers))
        return found

    def parts(self, wanted: Wanted) -> list[Inbound | Rule | Outbound]:
        """The objects in LiveKit that it is made of."""
        if isinstance(wanted, Answering):
            return [wanted.inbound, wanted.rule]
        assert isinstance(wanted, Calling)
        return [wanted.outbound]

    def unrecorded(self, wanted: Wanted, edge: str | None) -> bool:
        """Never alone: an id is recorded with the object that bears it."""
        return False

    def dangers(self, inbounds: Inbounds, rules: Rules) -> list[Problem]:
        """None: a rule that names its trunk goes before those that take every call, a trunk that has the number too."""
        return []

    async def put(self, key: str, wanted: Wanted | None, *, before: Wanted | None = None, search: bool = False) -> str:
        if key.partition(":")[0] not in ("number", "trunk"):
            # of the other mode
            await remove(self.client, Mark(installation=self.installation, key=key))
            return ""
        if key.startswith("number:"):
            assert wanted is None or isinstance(wanted, Answering)
            return await self._put_answering(key, wanted, search=search)
        assert wanted is None or isinstance(wanted, Calling)
        recorded = next((each.recorded for each in (before, wanted) if isinstance(each, Calling)), None)
        return await self._put_calling(key, wanted, recorded, search=search)

    async def _put_answering(self, key: str, wanted: Answering | None, *, search: bool) -> str:
        """First the trunk, then the rule that names it; away the other way round: a rule must not lose its trunk."""
        mark, number = Mark(installation=self.installation, key=key), key.partition(":")[2]
        trunks = [each for each in await self.client.inbounds(numbers=[number]) if mark_of(each.metadata) == mark]
        rules: Rules = []
        if search or trunks:
            ids = () if search else [each.sip_trunk_id for each in trunks]
            rules = [each for each in await self.client.rules(trunks=ids) if mark_of(each.metadata) == mark]
        id = ""
        if wanted is not None:
            id = await self._put_inbound(mark, wanted.inbound, trunks[0] if trunks else None)
            await put_rule(self.client, mark, wanted.rule.on(id), rules[0] if rules else None)
        for extra in rules[bool(wanted) :]:
            await self.client.delete_rule(extra.sip_dispatch_rule_id)
        for trunk in trunks[bool(wanted) :]:
            await self.client.delete_trunk(trunk.sip_trunk_id)
        return id

    async def _put_inbound(self, mark: Mark, wanted: Inbound, found: sip.SIPInboundTrunkInfo | None) -> str:
        if found is not None and Inbound.of(found) == wanted:
            return found.sip_trunk_id
        id = await self.client.save_inbound(None if found is None else found.sip_trunk_id, wanted.info(mark, found))
        # LiveKit compares without a lock, and with those alone that it finds by the new numbers
        for other in await self.client.inbounds(numbers=wanted.numbers):
            if other.numbers and other.sip_trunk_id != id:
                if found is None:
                    await self.client.delete_trunk(id)
                raise ProviderFailed(f"LiveKit's trunk {other.sip_trunk_id} takes {wanted.numbers[0]} too")
        return id

    async def _put_calling(self, key: str, wanted: Calling | None, recorded: str | None, *, search: bool) -> str:
        mark, found = Mark(installation=self.installation, key=key), []
        if search or recorded is not None:
            listed = await self.client.outbounds(ids=() if search or recorded is None else (recorded,))
            found = [each for each in listed if mark_of(each.metadata) == mark]
        return await put_outbound(self.client, mark, None if wanted is None else wanted.outbound, found)

    def _answering(self, row: Row) -> Answering:
        inbound = Inbound(
            name=row["number"],
            numbers=(row["number"],),
            addresses=self._addresses(json.loads(row["allowed"] or "[]")),
            callers=_callers(options_from(row["options"])),
            username=row["inbound_username"] or "",
            password=self._opened(row["inbound_password"], inbound_row(TrunkId(row["trunk_id"]))),
            encryption=ENCRYPTION[MediaPolicy(row["media_in"])],
        )
        rule = Rule(
            name=row["number"],
            trunks=(),
            prefix=self.options.room_prefix,
            agent=row["agent"],
            attributes=(("cordboard.number", row["number"]), ("cordboard.tenant", row["tenant_id"])),
        )
        return Answering(inbound=inbound, rule=rule)

    def _addresses(self, allowed: list[str]) -> tuple[str, ...]:
        """Networks alone, since LiveKit drops what it cannot read of this list, and then lets everybody in."""
        return collapse([*allowed, *self.options.edges]) if allowed else ()

    def _calling(self, row: Row, numbers: list[str]) -> Calling:
        options = options_from(row["options"])
        transport = row["transport"] and Transport(row["transport"])
        media = MediaPolicy(row["media_out"])
        # LiveKit offers SRTP alone where it may, which a carrier without it refuses
        media = media if media is MediaPolicy.REQUIRE else MediaPolicy.DISABLE
        outbound = Outbound(
            name=row["name"],
            address=str(HostPort(host=row["host"], port=row["port"])),
            transport=_TRANSPORTS[transport or options.transport],
            numbers=tuple(numbers) if 0 < len(numbers) <= MAX_NUMBERS else ANY_NUMBER,
            username=row["username"] or "",
            password=self._opened(row["password"], row["id"]),
            headers=tuple(sorted(options.headers)),
            encryption=ENCRYPTION[media],
        )
        return Calling(outbound=outbound, recorded=row["provider_id"])

    def _opened(self, sealed: str | None, row: str) -> str:
        return "" if sealed is None else self.sealer.unseal(SealedSecret(text=sealed), row)


def if_possible(make: Callable[[], Wanted]) -> Wanted:
    """A password that does not open is none, and without one LiveKit asks nobody who calls."""
    try:
        return make()
    except Invalid as error:
        return CannotBe(error)
    except UnreadableSecret:
        return CannotBe(Invalid("a stored password does not open with this key ring; restore secrets.json"))


async def put_outbound(
    client: Client, mark: Mark, wanted: Outbound | None, found: Sequence[sip.SIPOutboundTrunkInfo]
) -> str:
    for extra in found[bool(wanted) :]:
        await client.delete_trunk(extra.sip_trunk_id)
    if wanted is None:
        return ""
    if not found:
        return await client.save_outbound(None, wanted.info(mark))
    id = found[0].sip_trunk_id
    return id if Outbound.of(found[0]) == wanted else await client.save_outbound(id, wanted.info(mark, found[0]))


async def remove(client: Client, mark: Mark) -> None:
    """All that bears the mark, the rules first."""
    for rule in await client.rules():
        if mark_of(rule.metadata) == mark:
            await client.delete_rule(rule.sip_dispatch_rule_id)
    trunks = [(each.metadata, each.sip_trunk_id) for each in await client.inbounds()]
    trunks += [(each.metadata, each.sip_trunk_id) for each in await client.outbounds()]
    for metadata, id in trunks:
        if mark_of(metadata) == mark:
            await client.delete_trunk(id)


async def put_rule(client: Client, mark: Mark, wanted: Rule, found: sip.SIPDispatchRuleInfo | None) -> None:
    if found is None:
        await client.save_rule(None, wanted.info(mark))
    elif Rule.of(found) != wanted:
        await client.save_rule(found.sip_dispatch_rule_id, wanted.info(mark, found))


def _of_number(number: str) -> set[str]:
    """SIP addresses are left out: LiveKit knows a called number by the user part alone."""
    return set() if "@" in number else {f"number:{number}"}


def _callers(options: TrunkOptions) -> tuple[str, ...]:
    """Raises InvalidOption."""
    for caller in options.callers:
        if caller.endswith("*"):
            raise InvalidOption("callers", f"LiveKit knows whole numbers alone, and {caller} is the beginning of some")
    return options.callers
