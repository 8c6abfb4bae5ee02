"""The decision for explanations: by this machine's edge file or, where no edge runs, by the same rows of the store."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cordboard.domain.dialled import candidate_keys, plain_user
from cordboard.domain.edge import AccountRow, AgentRow, NumberRow, TrunkRow
from cordboard.domain.lookups import Login
from cordboard.domain.near import within_country
from cordboard.domain.routing import Decision, Invite
from cordboard.domain.tenants import TenantId
from cordboard.domain.trail import Trail
from cordboard.engines.edge.decide import Decider
from cordboard.engines.edge.file import Put, create_tables, put
from cordboard.engines.edge.rows import Rows
from cordboard.storage import projected
from cordboard.storage.transaction import Transaction
from cordboard.usecases.ports import Store

Row = NumberRow | TrunkRow | AgentRow | AccountRow


@dataclass(frozen=True, slots=True)
class FromFile:
    """By the file that Kamailio reads."""

    path: Path
    notes: tuple[str, ...] = ()

    async def decide(self, invite: Invite, tenant: TenantId | None, trail: Trail) -> Decision:
        """As the edge decides now."""
        return await asyncio.to_thread(self._decide, invite, tenant, trail)

    async def whose(self, login: str) -> Login:
        """An agent's or an account's, as the edge has it."""
        return await asyncio.to_thread(self._whose, login)

    def _whose(self, login: str) -> Login:
        try:
            with closing(Decider(self.path)) as decider:
                return decider.whose(login)
        except sqlite3.Error:
            return Login()

    def _decide(self, invite: Invite, tenant: TenantId | None, trail: Trail) -> Decision:
        with closing(Decider(self.path)) as decider:
            return decider.decide(invite, tenant, trail)


#: What is said of an explanation without an edge.
_WITHOUT_EDGE: Final = (
    "No edge runs here: this is what an edge decides that is abreast of the store. Whether a source is banned, names "
    "have addresses, gateways answer and phones are registered is not known.",
)


@dataclass(frozen=True, slots=True)
class FromStore:
    """By the rows that an edge would have been given: those alone that this one call could touch."""

    store: Store
    rows: Rows
    notes: tuple[str, ...] = _WITHOUT_EDGE

    async def decide(self, invite: Invite, tenant: TenantId | None, trail: Trail) -> Decision:
        """As an edge decides that is abreast of the store; every name has an address."""

        async def read(tx: Transaction) -> list[Row]:
            return await _touched(tx, self.rows, invite)

        found = await self.store.read(read)
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
            create_tables(connection)
            put(connection, (Put(row) for row in found))
            connection.execute("insert into resolved select distinct name, 0, 'sip:' || host from hop where name <> ''")
            return Decider(connection).decide(invite, tenant, trail)

    async def whose(self, login: str) -> Login:
        """An agent's or an account's, as the store has it."""

        async def read(tx: Transaction) -> Login:
            account = await projected.accounts_dialled(tx, login, "")
            return Login(agent=await projected.agent_of(tx, login), tenant=account[0]["tenant_id"] if account else "")

        return await self.store.read(read)


async def _touched(tx: Transaction, rows: Rows, invite: Invite) -> list[Row]:
    """The accounts and numbers that the call may name, with their trunks and agents."""
    found: dict[tuple[type, str], Row] = {}
    texts = dict.fromkeys(_numbers(invite))
    name = plain_user(invite.caller)
    for account in await projected.accounts_dialled(tx, name, plain_user(invite.user)):
        made = rows.account(account)
        found[AccountRow, made.id] = made
        if made.external:
            texts[f"+{made.external}"] = None
    for row in await projected.numbers_named(tx, list(texts)):
        number = rows.number(row)
        found[NumberRow, number.number_id] = number
        for agent in await projected.these_agents(tx, list(filter(None, (number.agent_in, number.agent_out)))):
            found[AgentRow, agent["id"]] = rows.agent(agent)
        for taker in await projected.these_accounts(tx, list(filter(None, (number.account,)))):
            found[AccountRow, taker["id"]] = rows.account(taker)
        carriers = list(filter(None, (number.trunk,)))
        gateways = await projected.gateways_of(tx, carriers)
        for trunk in await projected.these_trunks(tx, carriers):
            found[TrunkRow, trunk["id"]] = rows.trunk(trunk, gateways.get(trunk["id"], []))
    return list(found.values())


def _numbers(invite: Invite) -> Iterator[str]:
    """Every number that one of the call's headers may mean, in whatever form."""
    for user, host in (
        (invite.user, invite.host),
        (invite.caller, invite.caller_host),
        (invite.to, invite.to_host),
        (invite.party, invite.party_host),
    ):
        keys = candidate_keys(user, host)
        yield from filter(None, (keys.address, f"+{keys.digits}" if keys.digits else ""))
        if keys.national:
            yield from (f"+{digits}" for digits, _ in within_country(keys.digits))
