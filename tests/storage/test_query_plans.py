"""Every statement that a request runs goes by an index, on both stores."""

import itertools
import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from cordboard.domain.addresses import parse_network
from cordboard.domain.agents import VersionId
from cordboard.domain.numbers import QUARANTINE, Status
from cordboard.domain.operators import OperatorId
from cordboard.domain.tenants import ADMIN, TenantId
from cordboard.domain.trunks import TrunkId
from cordboard.storage import accounts, changes, many, numbers, projected, sources, tenants, trunks
from cordboard.storage.numbers import Filter
from cordboard.storage.sorted import Sort
from cordboard.storage.sqlite import SqliteTransaction, drive
from cordboard.storage.transaction import Query, Row, Transaction, Value
from cordboard.usecases.clockwork import tick
from cordboard.usecases.keys import Keyholders
from cordboard.usecases.numbers import Connection, NumberPatch, change, connect
from cordboard.usecases.ports import Store
from tests.builders import (
    ADMIN_TOKEN,
    TABLES,
    World,
    add_platform_number,
    add_version,
    create_agent,
    create_key,
    create_tenant,
    fresh_number,
    import_body,
    import_number,
    route,
    unknown_id,
)

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
#: What the statements call them: SQLite's plans name the alias. The installation has one row, and is not among them.
ALIASES = {"n", "t", "g", "a", "v", "d", "w"}


@dataclass
class Noting:
    """A transaction that notes what is run on it."""

    tx: Transaction
    noted: dict[str, tuple[Value, ...]]
    #: Each as often as it ran.
    ran: list[str]

    async def one(self, sql: str, *args: Value) -> Row | None:
        self.note(sql, args)
        return await self.tx.one(sql, *args)

    async def all(self, sql: str, *args: Value) -> list[Row]:
        self.note(sql, args)
        return await self.tx.all(sql, *args)

    async def run(self, sql: str, *args: Value) -> None:
        self.note(sql, args)
        await self.tx.run(sql, *args)

    async def add(self, table: str, columns: str, rows: Sequence[Sequence[Value]]) -> None:
        self.ran.append(f"insert into {table} ({columns})")
        await self.tx.add(table, columns, rows)

    def note(self, sql: str, args: tuple[Value, ...]) -> None:
        self.noted.setdefault(sql, args)
        self.ran.append(sql)


@dataclass
class NotingStore:
    """A store that notes every statement."""

    store: Store
    noted: dict[str, tuple[Value, ...]] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)

    async def read(self, query: Query[Any]) -> Any:
        return await self.store.read(lambda tx: query(Noting(tx, self.noted, self.ran)))

    async def write(self, tenant: TenantId | None, usecase: Query[Any]) -> Any:
        return await self.store.write(tenant, lambda tx: usecase(Noting(tx, self.noted, self.ran)))


async def plan(store: Store, sql: str, args: tuple[Value, ...], *, sqlite: bool) -> list[str]:
    """The lines of the plan."""

    async def explain(tx: Transaction) -> list[str]:
        if sqlite:
            return [row["detail"] for row in await tx.all("explain query plan " + sql, *args)]
        # On PostgreSQL a small table is read whole for good reasons: ask what it does when that is dear.
        await tx.run("set local enable_seqscan = off")
        return [row[0] for row in await tx.all("explain " + sql, *args)]

    if sqlite:
        return await store.read(explain)
    return await store.write(None, explain)


def faults(lines: list[str]) -> list[str]:
    """Lines that read a whole table."""
    found = []
    for line in lines:
        match = re.search(r"^SCAN (\w+)|Seq Scan on (\w+)", line)
        # calls under way have an index of their own: all of it is few
        if match and (match[1] or match[2]) in {*TABLES, *ALIASES} and "INDEX call_open" not in line:
            found.append(line)
    return found


async def scans(store: Store, statements: dict[str, tuple[Value, ...]], database: str) -> dict[str, list[str]]:
    plans = {
        sql: await plan(store, sql, args, sqlite=database == "sqlite")
        for sql, args in statements.items()
        if not sql.lstrip().startswith("insert")
    }
    return {sql: lines for sql, lines in plans.items() if faults(lines)}


async def test_no_request_reads_a_whole_table(world: World, database: str) -> None:
    noting = NotingStore(world.store)
    noted = World(context=replace(world.context, store=noting), clock=world.clock, keyholders=Keyholders(noting))
    await every_kind_of_request(noted)
    assert len(noting.noted) > 35
    assert await scans(world.store, noting.noted, database) == {}


async def every_kind_of_request(world: World) -> None:
    tenant = await create_tenant(world, "Acme", "ref")
    key = await create_key(world, tenant)
    agent, version = await create_agent(world, tenant)
    other = await add_version(world, agent)
    platform = fresh_number()
    trunk = (await add_platform_number(world, tenant=tenant)).trunk_id
    admin = world.client(ADMIN_TOKEN)
    for method, path, body in (
        ("POST", "/tenants", {"name": "Other"}),
        ("GET", "/tenants", None),
        ("GET", "/tenants?ref=ref", None),
        ("PATCH", f"/tenants/{tenant}", {"account_limit": 9}),
        ("POST", "/operators", {"name": "op"}),
        ("GET", "/operators", None),
        ("GET", "/operators?ref=op", None),
        ("POST", f"/tenants/{tenant}/accounts", {"username": "alice", "internal_caller_id": 1}),
        ("GET", f"/accounts?tenant_id={tenant}", None),
        ("GET", "/accounts?username=alice", None),
        ("GET", "/accounts", None),
        ("POST", f"/tenants/{tenant}/keys", {}),
        ("GET", f"/tenants/{tenant}/keys", None),
        ("GET", f"/tenants/{tenant}/agents", None),
        ("GET", f"/agents/{agent.id}/versions", None),
        ("PUT", f"/agents/{agent.id}/published-version", {"version_id": other.id}),
        ("POST", "/numbers", {"number": platform}),
        ("POST", "/numbers/assign", {"number": platform, "tenant_id": tenant}),
        ("GET", f"/numbers?tenant_id={tenant}", None),
        ("GET", f"/numbers?tenant_id={tenant}&prefix=%2B34", None),
        ("GET", f"/numbers?number={quote(platform)}", None),
        ("GET", f"/agents/{agent.id}/versions/{other.id}", None),
        ("GET", f"/audit?tenant_id={tenant}&kind=agent&after=999999", None),
        ("GET", f"/audit?object_id={agent.id}&from=2026-01-01&to=2027-01-01", None),
        ("DELETE", f"/agents/{agent.id}?dry_run=true", None),
        ("DELETE", f"/tenants/{tenant}?dry_run=true", None),
        ("DELETE", f"/trunks/{trunk}?dry_run=true", None),
        ("GET", f"/trunks?tenant_id={tenant}", None),
        ("GET", f"/trunks?number={quote(platform)}", None),
        ("GET", f"/trunks/{trunk}", None),
        ("GET", f"/trunks?tenant_id={tenant}&after={trunk}", None),
        ("PATCH", f"/trunks/{trunk}", {"gateways": [{"host": "127.0.1.1"}], "probe": False}),
        ("POST", "/trunks", {"name": "Everybody's", "system": True}),
        ("GET", "/trunks?system=true", None),
        ("DELETE", f"/trunks/{trunk}", None),
    ):
        answer = await admin.request(method, "/cordboard/v1" + path, json=body)
        assert answer.is_success, (path, answer.text)
    await an_import(admin, tenant, agent.name)
    answer = await admin.post(f"/cordboard/v1/tenants/{tenant}/keys", json={})
    assert answer.is_success, answer.text
    made = answer.json()
    assert (await admin.delete(f"/cordboard/v1/keys/{made['id']}")).is_success
    made = (await admin.get("/cordboard/v1/accounts?username=alice")).json()["data"][0]
    await admin.get(f"/cordboard/v1/accounts?tenant_id={tenant}&after={made['id']}")
    assert (await admin.patch(f"/cordboard/v1/accounts/{made['id']}", json={"username": "bob"})).is_success
    assert (await admin.delete(f"/cordboard/v1/accounts/{made['id']}")).is_success
    gone = (await admin.get("/cordboard/v1/tenants?ref=Other")).json()["data"][0]["id"]
    assert (await admin.delete(f"/cordboard/v1/tenants/{gone}")).is_success
    system = (await admin.get("/cordboard/v1/trunks?system=true")).json()["data"][0]["id"]
    assert (await admin.get(f"/cordboard/v1/trunks?system=true&after={system}")).is_success
    await admin.aclose()
    await world.store.read(partial(trunks.visible, tenant=tenant, limit=5))
    connection = Connection(trunk=TrunkId(system), inbound_agent=agent.id)
    number = await import_number(world, tenant)
    connected = partial(connect, who=ADMIN, tenant=tenant, id=number, connection=connection, now=world.clock())
    await world.store.write(tenant, connected)
    async with world.client(key) as client:
        await nebrija_s(client, agent.id)
        phone = (await client.post("/v1/phone/import", json=import_body())).json()
        path = f"/v1/phone/{phone['id']}"
        for method, url, body in (
            ("GET", "/v1/phone/", None),
            ("GET", f"/v1/phone/?page=1&status=assigned&inbound_agent_id={agent.id}", None),
            ("GET", path, None),
            ("PATCH", path, {"inbound_version_id": version.id, "nickname": "x"}),
            ("PATCH", path + "/sip-config", {"outbound_config": {"termination_uri": "127.0.1.9"}}),
            ("DELETE", path, None),
        ):
            answer = await client.request(method, url, json=body)
            assert answer.is_success or "version" in answer.text, (url, answer.text)
    await add_platform_number(world, tenant=tenant)
    world.clock.advance(days=100)
    await tick(world.context)


async def an_import(admin: httpx2.AsyncClient, tenant: str, agent: str) -> None:
    """One that updates, with more rows than one statement takes, and a trunk by its name."""
    base, body = "/cordboard/v1/imports", {"tenant_id": tenant, "on_conflict": "update", "inbound_agent": agent}
    assert (await admin.post("/cordboard/v1/trunks", json={"tenant_id": tenant, "name": "Carrier"})).is_success
    for source in ("one", "two"):
        begun = (await admin.post(base, json={**body, "source": source})).json()["id"]
    rows = "number,trunk,allowed_addresses,termination_uri\n" + "".join(
        f"{fresh_number()},{'Carrier,,' if n % 2 else ',192.0.2.1,sip.carrier.example'}\n" for n in range(80)
    )
    for at in (0, 80):
        answer = await admin.put(f"{base}/{begun}/rows", params={"from": at}, content=rows.encode())
        assert answer.is_success, answer.text
    for query in ("", "?failed=true", "?after=5"):
        assert (await admin.get(f"{base}/{begun}/rows{query}")).is_success
    assert (await admin.get(f"{base}?tenant_id={tenant}&after={begun}")).is_success
    assert (await admin.delete(f"{base}/{begun}")).is_success


async def nebrija_s(client: httpx2.AsyncClient, agent: str) -> None:
    """Every kind of request to the trunks' dialect."""
    number = (await client.post("/v1/phone/import", json=import_body())).json()["id"]
    body = {"name": "x", "gateways": [{"ipOrDomain": "127.0.1.1"}]}
    made = (await client.post("/api/v1/sip-trunks", json=body)).json()["id"]
    connected = {"label": "x", "sipTrunkId": made, "inbound": {"assistantId": agent}}
    for method, path, sent in (
        ("GET", "/sip-trunks", None),
        ("GET", f"/sip-trunks/{made}", None),
        ("PATCH", f"/sip-trunks/{made}", {**body, "name": "y", "gateways": [{"ipOrDomain": "127.0.1.2"}]}),
        ("GET", "/phone-numbers", None),
        ("GET", f"/phone-numbers/{number}", None),
        ("PATCH", f"/phone-numbers/{number}", connected),
        ("DELETE", f"/sip-trunks/{made}", None),
    ):
        answer = await client.request(method, "/api/v1" + path, json=sent)
        assert answer.is_success, (path, answer.text)


async def test_a_list_of_trunks_takes_two_statements_however_many_there_are(world: World) -> None:
    tenant = await create_tenant(world)
    async with world.client(await create_key(world, tenant)) as client:
        for n in range(30):
            gateways = [{"ipOrDomain": "127.0.1.1"}, {"ipOrDomain": "127.0.1.2"}]
            await client.post("/api/v1/sip-trunks", json={"name": f"trunk {n}", "gateways": gateways})
    noting = NotingStore(world.store)
    assert len(await noting.read(partial(trunks.visible, tenant=tenant, limit=50))) == 30
    assert len(noting.ran) == 2


async def test_the_names_around_a_page_take_one_statement_however_many_there_are(world: World) -> None:
    tenant = await create_tenant(world)
    called = {}
    for _ in range(10):
        agent, version = await create_agent(world, tenant)
        shown = await route(world, tenant, await import_number(world, tenant), inbound_version=version.id)
        called |= {agent.id: agent.name, shown.trunk_id: shown.number}
    rows = await world.store.read(
        partial(numbers.after_cursor, where=Filter(tenant=tenant), order="asc", limit=10, cursor=None, backwards=False)
    )
    noting = NotingStore(world.store)
    assert await noting.read(partial(numbers.names_around, rows=rows)) == called
    assert len(noting.ran) == 1


async def test_a_number_is_read_once_to_be_connected_and_once_to_be_sent_to_a_version(world: World) -> None:
    tenant = await create_tenant(world)
    _, version = await create_agent(world, tenant)
    number = await import_number(world, tenant)
    changing = partial(change, who=ADMIN, tenant=tenant, id=number, now=NOW)
    for connection, patch in (
        (Connection(nickname="Desk"), NumberPatch()),
        (Connection(), NumberPatch(inbound_version=version.id)),
        (Connection(inbound_agent=None, nickname=None), NumberPatch()),
    ):
        noting = NotingStore(world.store)
        made = await noting.write(tenant, partial(changing, connection=connection, patch=patch))
        assert made == await world.store.read(partial(numbers.show, tenant=tenant, id=number))
        assert [sql for sql in noting.ran if "from number " in sql] == [numbers._SHOW]


@pytest.mark.parametrize("count", [0, 1, 3, 511, 512, 513, 1030])
async def test_of_many_keys_each_row_is_found_once(world: World, count: int) -> None:
    known = [await create_tenant(world, f"tenant {n}") for n in range(min(count, 2))]
    keys = [*known, *(unknown_id() for _ in range(count - len(known)))][::-1]
    noting = NotingStore(world.store)
    found = await noting.read(partial(many.find, sql="select id from tenant where id in ({places})", keys=keys))
    assert sorted(row["id"] for row in found) == sorted(known)
    assert len(noting.ran) == -(-count // 512)


async def test_a_piece_of_an_import_takes_as_many_statements_however_many_its_rows_are(world: World) -> None:
    tenant = await create_tenant(world)
    noting = NotingStore(world.store)
    noted = World(context=replace(world.context, store=noting), clock=world.clock, keyholders=Keyholders(noting))
    counted: list[int] = []
    async with noted.client(ADMIN_TOKEN) as admin:
        await admin.post("/cordboard/v1/trunks", json={"tenant_id": tenant, "name": "Carrier"})
        for count in (20, 500):
            body = {"tenant_id": tenant, "trunk": "Carrier", "source": str(count)}
            begun = (await admin.post("/cordboard/v1/imports", json=body)).json()["id"]
            rows = "number\n" + "".join(f"{fresh_number()}\n" for _ in range(count))
            noting.ran.clear()
            path = f"/cordboard/v1/imports/{begun}/rows"
            answer = await admin.put(path, params={"from": 0}, content=rows.encode())
            assert answer.json()["imported"] == count, answer.text
            counted.append(len(noting.ran))
    assert counted[0] == counted[1] < 20
    noting.ran.clear()
    ids = [number.id for number in await noting.read(partial(numbers.some_of_tenant, tenant=tenant, limit=501))]
    assert len(await noting.read(partial(projected.these_numbers, ids=ids))) == 501
    assert len(noting.ran) == 2


def filters(tenant: TenantId) -> Iterator[Filter]:
    """Every set of filters that a list can be asked for."""
    agents: tuple[str | None, str | None] = (None, unknown_id())
    for inbound, outbound, status, start, end in itertools.product(
        agents, agents, (None, Status.ASSIGNED, Status.FINISHED), (None, NOW), (None, NOW)
    ):
        yield Filter(
            tenant=tenant,
            inbound_agent=inbound,
            outbound_agent=outbound,
            status=status,
            assigned_from=start,
            assigned_to=end,
        )


async def test_no_list_reads_a_whole_table_whatever_its_filters(world: World, database: str) -> None:
    tenant = await create_tenant(world)
    cursor = (await add_platform_number(world, tenant=tenant)).id
    noting = NotingStore(world.store)
    for where in filters(tenant):
        for order in ("asc", "desc"):
            for at, backwards in ((None, False), (cursor, False), (cursor, True)):
                await noting.read(
                    partial(numbers.after_cursor, where=where, order=order, limit=20, cursor=at, backwards=backwards)
                )
            for total in (10, 100):
                await noting.read(partial(numbers.page, where=where, order=order, limit=5, number=2, total=total))
        await noting.read(partial(numbers.count, where=where))
    assert await scans(world.store, noting.noted, database) == {}


async def test_a_list_without_filters_comes_in_order_from_its_index(sqlite_world: World) -> None:
    tenant = await create_tenant(sqlite_world)
    noting = NotingStore(sqlite_world.store)
    for where in (Filter(tenant=tenant), Filter(tenant=tenant, status=Status.ASSIGNED)):
        for order in ("asc", "desc"):
            await noting.read(
                partial(numbers.after_cursor, where=where, order=order, limit=20, cursor=None, backwards=False)
            )
    for sql, args in noting.noted.items():
        lines = await plan(sqlite_world.store, sql, args, sqlite=True)
        assert not any("TEMP B-TREE" in line for line in lines), (sql, lines)


@pytest.mark.parametrize(
    ("filtered", "index"),
    [
        ({"inbound_agent": "a"}, "number_inbound"),
        ({"outbound_agent": "a"}, "number_outbound"),
        ({"inbound_agent": "a", "status": Status.ASSIGNED}, "number_inbound"),
        ({"inbound_agent": "a", "outbound_agent": "b"}, "number_outbound"),
    ],
)
async def test_the_numbers_of_an_agent_are_found_without_reading_the_tenant_s_others(
    sqlite_world: World, filtered: dict[str, Any], index: str
) -> None:
    noting = NotingStore(sqlite_world.store)
    where = Filter(tenant=TenantId("t"), **filtered)
    listed = partial(numbers.after_cursor, where=where, order="desc", limit=20, cursor=None, backwards=False)
    await noting.read(listed)
    await noting.read(partial(numbers.count, where=where))
    for sql, args in noting.noted.items():
        lines = await plan(sqlite_world.store, sql, args, sqlite=True)
        assert f"USING INDEX {index} (" in lines[0].replace("COVERING ", ""), lines
        assert not any("TEMP B-TREE" in line for line in lines), lines


#: Each number so many times again. Nobody counts them.
_MANY = """
with recursive row (n) as (select 1 union all select n + 1 from row where n < $1)
insert into number ({columns}) select {values} from number, row
"""


@pytest.mark.parametrize(
    ("asked", "rows", "indexes"),
    [
        (partial(numbers.by_numbers, wanted=[f"+3491{n:07d}" for n in range(64)]), 0, {"number_owner"}),
        (partial(numbers.by_numbers, wanted=[f"+3491{n:07d}" for n in range(64)]), 2000, {"number_owner"}),
        (
            partial(projected.these_numbers, ids=[unknown_id() for _ in range(64)]),
            2000,
            {"number_pkey", "autoindex_number"},
        ),
    ],
)
async def test_several_numbers_are_found_one_by_one_before_the_store_has_counted_any(
    world: World, database: str, asked: Query[Any], rows: int, indexes: set[str]
) -> None:
    """Each piece of an import does this, and PostgreSQL counts a minute later."""
    if rows:
        await import_number(world, await create_tenant(world))
    columns = [*numbers._COLUMNS.replace("\n", " ").split(", ")]
    fresh = {"id": "substr(id, 1, 28) || (10000000 + n)", "number": "'+3466' || (1000000 + n)"}
    sql = _MANY.format(columns=", ".join(columns), values=", ".join(fresh.get(name, name) for name in columns))
    await world.store.write(None, lambda tx: tx.run(sql, rows))
    noting = NotingStore(world.store)
    await noting.read(asked)
    for sql, args in noting.noted.items():
        lines = await plan(world.store, sql, args, sqlite=database == "sqlite")
        used = {name for line in lines for name in re.findall(r"[Ii](?:NDEX|ndex Scan using|ndex Scan on) (\w+)", line)}
        assert used, lines
        assert all(any(index in name for index in indexes) for name in used), lines


async def test_neither_the_clockwork_nor_an_engine_that_follows_reads_a_whole_table(
    world: World, database: str
) -> None:
    noting = NotingStore(world.store)
    await noting.read(partial(numbers.due, now=NOW, quarantined_until=NOW - QUARANTINE, limit=10))
    await noting.read(partial(changes.after, revision=5))
    await noting.read(changes.newest)
    for these in (projected.these_numbers, projected.these_trunks, projected.these_agents, projected.these_accounts):
        await noting.read(partial(these, ids=[unknown_id() for _ in range(65)]))
    await noting.read(partial(projected.gateways_of, trunks=[unknown_id() for _ in range(65)]))
    await noting.read(partial(projected.gateways_between, after="", last=unknown_id()))
    for some in (projected.numbers, projected.trunks, projected.agents):
        await noting.read(partial(some, after="", limit=10))
    assert await scans(world.store, noting.noted, database) == {}


async def test_the_clockwork_does_not_look_again_at_numbers_that_time_is_done_with(sqlite_world: World) -> None:
    store = sqlite_world.store
    due = partial(numbers.due, now=NOW, quarantined_until=NOW - QUARANTINE, limit=10)
    noting = NotingStore(store)
    await noting.read(due)
    ((sql, args),) = noting.noted.items()
    lines = await plan(store, sql, args, sqlite=True)
    for index in ("number_scheduled_release_at", "number_reservation_expires_at", "number_quarantine"):
        assert any(f"USING INDEX {index} " in line for line in lines), lines
        condition = await store.read(partial(index_text, name=index))
        assert "status = " in condition, f"{index} holds numbers of every status"


async def index_text(tx: Transaction, name: str) -> str:
    row = await tx.one("select sql from sqlite_master where name = $1", name)
    assert row is not None
    return str(row["sql"])


@pytest.mark.parametrize("network", ["192.0.2.0/24", "2001:db8::/32", "0.0.0.0/0"])
async def test_another_tenant_s_overlapping_source_is_found_by_index_alone(
    world: World, database: str, network: str
) -> None:
    noting = NotingStore(world.store)
    await noting.read(partial(sources.is_shared, tenant=TenantId("t"), network=parse_network(network)))
    assert await scans(world.store, noting.noted, database) == {}
    if database == "sqlite":
        ((sql, args),) = noting.noted.items()
        lines = await plan(world.store, sql, args, sqlite=True)
        searches = [line.partition("INDEX ")[2] for line in lines if line.startswith("SEARCH")]
        assert searches == [
            "agent_source_network (network=? AND tenant_id<?)",
            "agent_source_network (network=? AND tenant_id>?)",
            "agent_source_first (first=? AND tenant_id<?)",
            "agent_source_first (first=? AND tenant_id>?)",
            "agent_source_first (first>? AND first<?)",
        ]


async def test_looking_for_a_shared_source_costs_the_same_however_many_agents_there_are(sqlite_folder: Path) -> None:
    connection = sqlite3.connect(sqlite_folder / "store.sqlite")
    tx = SqliteTransaction(connection)
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    def look() -> int:
        nonlocal steps
        steps = 0
        connection.set_progress_handler(count, 1)
        assert not drive(sources.is_shared(tx, TenantId("me"), parse_network("192.0.2.0/24")))
        connection.set_progress_handler(None, 1)
        return steps

    few = look()
    for place in range(3000):
        other, own = TenantId(f"other-{place}"), VersionId(f"own-{place}")
        apart = [parse_network(f"198.18.{place >> 8}.{place & 255}"), parse_network(f"2001:db8::{place:x}")]
        drive(sources.add(tx, other, VersionId(f"{place}"), apart))
        drive(sources.add(tx, TenantId("me"), own, [parse_network("192.0.2.0/24"), parse_network("192.0.0.0/16")]))
    assert look() < few * 1.5
    connection.close()


async def test_no_list_of_accounts_or_customers_reads_or_sorts_more_than_an_index_has(
    world: World, database: str
) -> None:
    operator = OperatorId(unknown_id())
    for table, module, counted, page in (
        ("account", accounts, accounts.count, accounts.page),
        ("tenant", tenants, tenants.count_customers, tenants.customers),
    ):
        noting = NotingStore(world.store)
        for one, other in itertools.product(module.FILTERS, repeat=2):
            where: Any = {one: [1], other: [1, 2]} if one != other else {one: [1]}
            where = {name: [str(v) if name in TEXTS else v for v in values] for name, values in where.items()}
            await noting.read(partial(counted, operator=operator, filters=where))
            order = [Sort(by=module.SORTS[0])]
            await noting.read(partial(page, operator=operator, filters=where, sort=order, number=1, size=5, total=9))
        assert await scans(world.store, noting.noted, database) == {}
        noting = NotingStore(world.store)
        for by, descending, number in itertools.product(module.SORTS, (False, True), (1, 20)):
            order = [Sort(by=by, descending=descending)]
            await noting.read(partial(page, operator=operator, filters={}, sort=order, number=number, size=5, total=99))
        assert len(noting.noted) == 4 * len(module.SORTS)
        for sql, args in noting.noted.items():
            (ids,) = re.findall(r"id in \((select .*)\) order", sql)
            lines = await plan(world.store, ids, args, sqlite=database == "sqlite")
            assert any(f"{table}_" in line for line in lines), lines
            assert not [line for line in lines if "TEMP B-TREE" in line or "Sort Key" in line], (sql, lines)


#: Filters whose column is text.
TEXTS = {"id", "tenant", "username", "caller_name", "reference", "name"}
