"""Installations of any size, written past the product: direct SQL, indexes made afterwards.

Every row is what the product would have written, its entry in the audit log included. All follows from a number's
index, so that whoever makes requests need not ask the store.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from cordboard.domain.keys import digest
from cordboard.domain.times import to_wire
from cordboard.storage.migrations.run import migrate

#: Numbers of each tenant where they are spread: more than a page, and as many at every size.
SPREAD = 50
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
#: All of it was told of as events long ago: no follower works beside what is measured.
_TOLD = "update follower set mark = (select coalesce(max(revision), 0) + 1 from change) where name = 'changes'"
_ODD = 2654435761  # Knuth's multiplier: it scatters ids over the index as random ones would be


@dataclass(frozen=True, kw_only=True)
class Layout:
    """So many numbers of so many tenants; number `n` belongs to tenant `n % tenants`."""

    numbers: int
    tenants: int = 1

    @classmethod
    def spread(cls, numbers: int) -> "Layout":
        return cls(numbers=numbers, tenants=numbers // SPREAD)


def tenant_id(index: int) -> str:
    return _uuid(1, index)


def number_id(index: int) -> str:
    return _uuid(2, index)


def trunk_id(index: int) -> str:
    """Of the number with that index."""
    return _uuid(6, index)


def agent_id(tenant: int, which: int) -> str:
    """The tenant's first (0) or second (1) agent; the first answers all of its numbers."""
    return _uuid(3, tenant * 2 + which)


def version_id(tenant: int, which: int) -> str:
    """Of the tenant's first (0) or second (1) agent, the published version."""
    return _uuid(4, tenant * 2 + which)


def key(tenant: int) -> str:
    """A tenant's API key: as long as a real one."""
    return f"sk-{tenant:064x}"


def sqlite(path: Path, layout: Layout) -> None:
    """Make the store of a `layout` at `path`."""
    migrate(f"sqlite:///{path}")
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("synchronous = off", "cache_size = -1000000", "journal_mode = off"):
        connection.execute(f"pragma {pragma}")
    indexes = connection.execute("select name, sql from sqlite_master where type = 'index' and sql is not null")
    made = indexes.fetchall()
    for name, _ in made:
        connection.execute(f"drop index {name}")
    connection.execute("begin")
    for table, columns, rows in _tables(layout):
        places = ", ".join("?" for _ in columns.split(","))
        connection.executemany(f"insert into {table} ({columns}) values ({places})", rows)
    connection.execute(_TOLD)
    connection.execute("commit")
    for _, sql in made:
        connection.execute(sql)
    connection.execute("pragma journal_mode = wal")
    connection.close()


def postgres(url: str, layout: Layout) -> None:
    """Fill a new database with a `layout`."""
    migrate(url)
    asyncio.run(_postgres(url, layout))


async def _postgres(url: str, layout: Layout) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("set session_replication_role = replica")  # foreign keys hold by construction
    made = await connection.fetch(
        """select indexname, indexdef from pg_indexes where schemaname = 'public'
        and indexname not in (select conname from pg_constraint)"""
    )
    for index in made:
        await connection.execute(f"drop index {index['indexname']}")
    for table, columns, rows in _tables(layout):
        await connection.copy_records_to_table(table, columns=columns.split(", "), records=rows)
    for index in made:
        await connection.execute(index["indexdef"])
    await connection.execute(_TOLD)
    await connection.execute("vacuum analyze")
    await connection.execute("checkpoint")
    await connection.close()


def _uuid(kind: int, index: int) -> str:
    return f"{index * _ODD & 0xFFFFFFFF:08x}-000{kind}-4000-8000-{index:012x}"


def _at(index: int) -> str:
    return to_wire(_BEGAN + timedelta(seconds=index))


def _tables(layout: Layout) -> Iterator[tuple[str, str, Iterator[tuple[Any, ...]]]]:
    """Table, columns and rows, in an order that foreign keys like."""
    tenants, numbers = layout.tenants, layout.numbers
    agents = tenants * 2
    share = numbers // tenants
    yield from (
        _table(tenants, "tenant", "id, name, listed_numbers, created_at", lambda i: _tenant(i, share)),
        _table(tenants, "api_key", "id, tenant_id, name, digest, last_four, permissions, created_at", _key),
        _table(agents, "agent", "id, tenant_id, name, published_version_id, created_at", _agent),
        _table(
            agents,
            "agent_version",
            "id, agent_id, tenant_id, number, name, draft, sip_uri, from_addresses, created_at",
            _version,
        ),
        _table(
            numbers,
            "trunk",
            "id, tenant_id, name, system, username, password, allowed, media_in, media_out, number_id, created_at, "
            "updated_at",
            lambda i: _trunk(i, tenants),
        ),
        _table(numbers, "gateway", "trunk_id, position, host, port", _gateway),
        _table(
            numbers,
            "number",
            "id, tenant_id, number, provider, status, nickname, trunk_id, inbound_agent_id, region_codes, created_at, "
            "assigned_at, updated_at",
            lambda i: _number(i, tenants),
        ),
        _table(
            numbers,
            "change",
            "tenant_id, kind, object_id, actor, action, fields, at",
            lambda i: _change(i, tenants),
        ),
    )


def _table(
    count: int, name: str, columns: str, row: Callable[[int], tuple[Any, ...]]
) -> tuple[str, str, Iterator[tuple[Any, ...]]]:
    return name, columns, (row(index) for index in range(count))


def _tenant(index: int, share: int) -> tuple[Any, ...]:
    return tenant_id(index), f"Tenant {index}", share, _at(index)


def _key(index: int) -> tuple[Any, ...]:
    return _uuid(5, index), tenant_id(index), None, digest(key(index)), "0000", None, _at(index)


def _agent(index: int) -> tuple[Any, ...]:
    return _uuid(3, index), tenant_id(index // 2), "Support", _uuid(4, index), _at(index)


def _version(index: int) -> tuple[Any, ...]:
    uri = "sip:{number}@127.0.2.1:5070"
    return _uuid(4, index), _uuid(3, index), tenant_id(index // 2), 1, None, 0, uri, "[]", _at(index)


def _trunk(index: int, tenants: int) -> tuple[Any, ...]:
    sealed = "x" * 72  # as long as a sealed password; nobody opens it
    tenant = tenant_id(index % tenants)
    carrier = (_e164(index), 0, "carrier-user", sealed, '["127.0.1.0/24"]', "allow", "allow")
    return trunk_id(index), tenant, *carrier, number_id(index), _at(index), _at(index)


def _gateway(index: int) -> tuple[Any, ...]:
    return trunk_id(index), 0, "127.0.1.1", 5080


def _number(index: int, tenants: int) -> tuple[Any, ...]:
    tenant, at = index % tenants, _at(index)
    id, trunk, agent = number_id(index), trunk_id(index), _uuid(3, tenant * 2)
    return id, tenant_id(tenant), _e164(index), "custom", "assigned", "Front desk", trunk, agent, "[]", at, at, at


def _change(index: int, tenants: int) -> tuple[Any, ...]:
    tenant = tenant_id(index % tenants)
    fields = f'{{"number":[null,"{_e164(index)}"],"tenant":[null,"{tenant}"],"status":[null,"assigned"]}}'
    return tenant, "number", number_id(index), f"key:{_uuid(5, index % tenants)}", "import", fields, _at(index)


def _e164(index: int) -> str:
    return f"+34{600_000_000 + index}"
