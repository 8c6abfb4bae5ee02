"""What is whose, counted: for those who want to know before they take it away."""

from typing import Literal

from cordboard.storage.transaction import Transaction

Table = Literal["number", "trunk", "agent", "api_key"]
#: Columns that an index begins with.
Column = Literal["id", "tenant_id", "trunk_id", "account_id"]

_OF_AGENT = """
select {what} from (
  select number from number where inbound_agent_id = $1 and status <> 'finished'
  union
  select number from number where outbound_agent_id = $1 and status <> 'finished'
) as its {rest}
"""


async def count(tx: Transaction, table: Table, column: Column, value: str) -> int:
    """How many rows have that value in that column."""
    row = await tx.one(f"select count(*) as found from {table} where {column} = $1", value)
    assert row is not None
    return int(row["found"])


async def numbers(tx: Transaction, column: Column, value: str, limit: int) -> tuple[str, ...]:
    """Some of the numbers that have that value in that column."""
    rows = await tx.all(f"select number from number where {column} = $1 limit $2", value, limit)
    return tuple(row["number"] for row in rows)


async def count_of_agent(tx: Transaction, agent: str) -> int:
    """The numbers that lead to it or that it calls by."""
    row = await tx.one(_OF_AGENT.format(what="count(*) as found", rest=""), agent)
    assert row is not None
    return int(row["found"])


async def numbers_of_agent(tx: Transaction, agent: str, limit: int) -> tuple[str, ...]:
    """Some of them."""
    rows = await tx.all(_OF_AGENT.format(what="number", rest="order by number limit $2"), agent, limit)
    return tuple(row["number"] for row in rows)
