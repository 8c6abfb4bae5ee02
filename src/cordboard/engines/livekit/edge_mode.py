"""LiveKit holds one inbound trunk, for our edges alone, and a rule for each agent: what a call costs there no longer
grows with the number of trunks, since the edge has looked the number up already.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from livekit.protocol.sip import SIPDispatchRuleInfo, SIPInboundTrunkInfo, SIPTransport

from cordboard.domain.addresses import collapse
from cordboard.domain.errors import ProviderFailed
from cordboard.domain.livekit import USERNAME, LiveKitSip, dialled
from cordboard.domain.provisioning import Problem
from cordboard.domain.trunks import MediaPolicy, SealedSecret
from cordboard.engines.livekit.client import Client, Inbounds, Rules
from cordboard.engines.livekit.objects import ENCRYPTION, Inbound, Mark, Outbound, Rule, mark_of
from cordboard.engines.livekit.options import LiveKitOptions
from cordboard.engines.livekit.per_number import ANY_NUMBER, MAX_NUMBERS, if_possible, put_outbound, put_rule, remove
from cordboard.storage import provisioning
from cordboard.storage.changes import Kind
from cordboard.storage.transaction import Row, Transaction
from cordboard.usecases.ports import Sealer, Wanted

EDGE: Final = "edge"
#: What the edge says of a call, and the attribute of the caller that it becomes.
ATTRIBUTES: Final = (
    ("X-Cordboard-Call-Id", "cordboard.call"),
    ("X-Cordboard-Number", "cordboard.number"),
    ("X-Cordboard-Tenant", "cordboard.tenant"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shared:
    """Of `trunk:ID`, if calls go out by it: LiveKit holds nothing but the one trunk of all, whose id is its own."""

    #: As it was recorded.
    recorded: str | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class EdgeMode:
    """What LiveKit holds for the edges and for agents, and how it is put there."""

    client: Client
    installation: str
    options: LiveKitOptions
    sealer: Sealer
    #: Where agents are that are LiveKit's.
    sip: LiveKitSip

    async def keys(self, tx: Transaction, touched: Collection[tuple[Kind, str]]) -> list[str]:
        agents = {id for kind, id in touched if kind == "agent"}
        for kind, id in touched:
            if kind == "number" and (agent := await provisioning.agent_out(tx, id)) is not None:
                agents.add(agent)
        trunks = [f"trunk:{id}" for kind, id in touched if kind == "trunk"]
        return sorted([*trunks, *(key for agent in agents for key in _of_agent(agent))])

    async def all_keys(self, tx: Transaction) -> list[str]:
        agents, trunks = await provisioning.published_agents(tx), await provisioning.calling_trunks(tx)
        return [EDGE, *(key for agent in agents for key in _of_agent(agent)), *(f"trunk:{id}" for id in trunks)]

    async def wanted(self, tx: Transaction, keys: Collection[str]) -> dict[str, Wanted]:
        found: dict[str, Wanted] = {}
        for key in keys:
            kind, _, id = key.partition(":")
            if kind == EDGE:
                found[key] = self._inbound()
                continue
            if kind == "trunk":
                if (row := await provisioning.calling(tx, id)) is not None:
                    found[key] = Shared(recorded=row["provider_id"])
                continue
            row = await provisioning.published_agent(tx, id)
            if row is None or not self.sip.has(row["sip_uri"]):
                continue
            if kind == "agent":
                found[key] = Rule(
                    name=row["name"],
                    trunks=(),
                    numbers=(dialled(id),),
                    prefix=self.options.room_prefix,
                    agent=row["name"],
                )
            elif kind == "caller" and row["from_username"] is not None:
                numbers = await provisioning.numbers_from(tx, id, MAX_NUMBERS + 1)
                found[key] = if_possible(partial(self._outbound, row, numbers))
        return found

    def parts(self, wanted: Wanted) -> list[Inbound | Rule | Outbound]:
        if isinstance(wanted, Shared):
            return []
        assert isinstance(wanted, Inbound | Rule | Outbound)
        return [wanted]

    def unrecorded(self, wanted: Wanted, edge: str | None) -> bool:
        """Whether the store does not have LiveKit's id of it, the shared trunk's being `edge`."""
        return isinstance(wanted, Shared) and (edge is None or wanted.recorded != edge)

    def dangers(self, inbounds: Inbounds, rules: Rules) -> list[Problem]:
        """What lets strangers in beside our edges: a trunk that takes every number, a rule that takes every call."""
        trunks = [each.sip_trunk_id for each in inbounds if not (each.numbers or self._is_ours(each))]
        open_rules = [each.sip_dispatch_rule_id for each in rules if not (each.trunk_ids or self._is_ours(each))]
        return [
            *(Problem(key=EDGE, reason=f"LiveKit's trunk {id} has no number, and takes every call") for id in trunks),
            *(Problem(key=EDGE, reason=f"LiveKit's rule {id} has no trunk, and takes every call") for id in open_rules),
        ]

    async def put(self, key: str, wanted: Wanted | None, *, before: Wanted | None = None, search: bool = False) -> str:
        mark = Mark(installation=self.installation, key=key)
        if wanted is None:
            await remove(self.client, mark)
            return ""
        if isinstance(wanted, Shared):
            if search:  # of the other mode
                await remove(self.client, mark)
            return await self._put_edge(Mark(installation=self.installation, key=EDGE), self._inbound())
        if isinstance(wanted, Inbound):
            return await self._put_edge(mark, wanted)
        if isinstance(wanted, Rule):
            return await self._put_agent(mark, wanted)
        assert isinstance(wanted, Outbound)
        # there are as many as agents that call: few enough to look at
        found = [each for each in await self.client.outbounds() if mark_of(each.metadata) == mark]
        return await put_outbound(self.client, mark, wanted, found)

    async def _put_edge(self, mark: Mark, wanted: Inbound) -> str:
        inbounds = await self.client.inbounds()
        self._refuse(inbounds, await self.client.rules())
        found = next((each for each in inbounds if mark_of(each.metadata) == mark), None)
        if found is not None and Inbound.of(found) == wanted:
            return found.sip_trunk_id
        return await self.client.save_inbound(None if found is None else found.sip_trunk_id, wanted.info(mark, found))

    async def _put_agent(self, mark: Mark, wanted: Rule) -> str:
        trunk = await self._put_edge(Mark(installation=self.installation, key=EDGE), self._inbound())
        rules = [each for each in await self.client.rules(trunks=[trunk]) if mark_of(each.metadata) == mark]
        await put_rule(self.client, mark, wanted.on(trunk), rules[0] if rules else None)
        for extra in rules[1:]:
            await self.client.delete_rule(extra.sip_dispatch_rule_id)
        return ""

    def _refuse(self, inbounds: Inbounds, rules: Rules) -> None:
        for danger in self.dangers(inbounds, rules):
            raise ProviderFailed(danger.reason)

    def _is_ours(self, each: SIPInboundTrunkInfo | SIPDispatchRuleInfo) -> bool:
        mark = mark_of(each.metadata)
        return mark is not None and mark.installation == self.installation

    def _inbound(self) -> Inbound:
        return Inbound(
            name="Cordboard's edges",
            addresses=collapse(self.options.edges),
            username=USERNAME,
            password=self.sip.password,
            encryption=ENCRYPTION[MediaPolicy.ALLOW],
            attributes=ATTRIBUTES,
        )

    def _outbound(self, row: Row, numbers: list[str]) -> Outbound:
        """Calls of an agent's go to our edge, which knows it by its username, and finds the trunk by the number."""
        password = self.sealer.unseal(SealedSecret(text=row["from_password"]), row["published_version_id"])
        media = MediaPolicy(row["encryption"])
        return Outbound(
            name=row["name"],
            address=self.options.edge_at,
            transport=SIPTransport.SIP_TRANSPORT_AUTO,
            numbers=tuple(numbers) if 0 < len(numbers) <= MAX_NUMBERS else ANY_NUMBER,
            username=row["from_username"],
            password=password,
            encryption=ENCRYPTION[media if media is MediaPolicy.REQUIRE else MediaPolicy.DISABLE],
        )


def _of_agent(agent: str) -> tuple[str, str]:
    return f"agent:{agent}", f"caller:{agent}"
