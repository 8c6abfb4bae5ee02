"""The migrations and `tables.py` say the same, on both stores."""

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from cordboard.storage.migrations.run import migrate
from cordboard.storage.postgres import PostgresStore
from cordboard.storage.schema import HEAD
from cordboard.storage.sqlite import SqliteStore
from cordboard.storage.tables import metadata

VERSIONS = Path(migrate.__code__.co_filename).parent / "versions"


def difference(connection: Connection) -> list[Any]:
    options = {"compare_type": True, "compare_server_default": True}
    context = MigrationContext.configure(connection, opts=options)
    return list(compare_metadata(context, metadata(connection.dialect.name)))


def on_postgres(url: str, work: Any) -> Any:
    """What `work` returns, given a synchronous connection to the database."""

    async def run() -> Any:
        engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
        async with engine.begin() as connection:
            result = await connection.run_sync(work)
        await engine.dispose()
        return result

    return asyncio.run(run())


def postgres_catalog(connection: Connection) -> set[str]:
    """Columns, indexes with their conditions, and constraints: what alembic's comparison does not look at too."""
    queries = (
        """select table_name || ' ' || column_name || ' ' || data_type || ' ' || is_nullable || ' '
        || coalesce(column_default, '-') || ' ' || coalesce(collation_name, '-') || ' ' || is_identity
        from information_schema.columns where table_schema = 'public' and table_name <> 'alembic_version'""",
        "select indexdef from pg_indexes where schemaname = 'public' and tablename <> 'alembic_version'",
        """select conname || ' ' || pg_get_constraintdef(oid) from pg_constraint
        where connamespace = 'public'::regnamespace and conname not like 'alembic%'""",
    )
    return {row[0] for query in queries for row in connection.execute(text(query))}


def sqlite_catalog(connection: sqlite3.Connection) -> dict[str, Any]:
    """Each table's columns and foreign keys, and each index's text."""
    tables = [
        name
        for (name,) in connection.execute("select name from sqlite_master where type = 'table'")
        if name != "alembic_version"
    ]
    catalog: dict[str, Any] = {
        # without the position: only the order of columns could differ
        name: sorted(row[1:] for row in connection.execute(f"pragma table_info({name})"))
        + sorted(row[2:] for row in connection.execute(f"pragma foreign_key_list({name})"))
        for name in tables
    }
    indexes = connection.execute("select name, sql from sqlite_master where type = 'index' and sql is not null")
    catalog["indexes"] = {name: " ".join(sql.split()) for name, sql in indexes}
    return catalog


# the catalog has the index, and is compared, too
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
def test_on_sqlite_the_migrations_make_what_the_tables_say(tmp_path: Path) -> None:
    migrate(f"sqlite:///{tmp_path}/migrated.sqlite")
    engine = create_engine(f"sqlite:///{tmp_path}/migrated.sqlite")
    with engine.connect() as connection:
        assert difference(connection) == []
    engine.dispose()


def test_on_postgresql_the_migrations_make_what_the_tables_say(postgres_url: str) -> None:
    assert on_postgres(postgres_url, difference) == []


def test_on_sqlite_indexes_conditions_and_keys_are_equal_too(tmp_path: Path) -> None:
    migrate(f"sqlite:///{tmp_path}/migrated.sqlite")
    engine = create_engine(f"sqlite:///{tmp_path}/drawn.sqlite")
    metadata("sqlite").create_all(engine)
    engine.dispose()
    catalogs = []
    for name in ("migrated", "drawn"):
        connection = sqlite3.connect(tmp_path / f"{name}.sqlite")
        catalogs.append(sqlite_catalog(connection))
        connection.close()
    assert catalogs[0] == catalogs[1]
    assert "number_owner" in catalogs[0]["indexes"]


def test_on_postgresql_indexes_conditions_and_keys_are_equal_too(postgres_url: str, empty_postgres_url: str) -> None:
    on_postgres(empty_postgres_url, metadata("postgresql").create_all)
    migrated, drawn = on_postgres(postgres_url, postgres_catalog), on_postgres(empty_postgres_url, postgres_catalog)
    assert migrated == drawn
    assert any("number_owner" in line for line in migrated)


def test_migrating_twice_is_harmless_on_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    assert not asyncio.run(SqliteStore.is_current(path))
    migrate(f"sqlite:///{path}")
    connection = sqlite3.connect(path)
    connection.execute("insert into tenant (id, name, created_at) values ('t', 'kept', 'x')")
    connection.commit()
    before = list(connection.iterdump())
    migrate(f"sqlite:///{path}")
    assert list(connection.iterdump()) == before
    connection.close()
    assert asyncio.run(SqliteStore.is_current(path))


def test_migrating_twice_is_harmless_on_postgresql(empty_postgres_url: str) -> None:
    url = empty_postgres_url
    assert not asyncio.run(PostgresStore.is_current(url))
    migrate(url)
    before = asyncio.run(_epoch(url))
    migrate(url)
    assert asyncio.run(_epoch(url)) == before
    assert asyncio.run(PostgresStore.is_current(url))


async def _epoch(url: str) -> Any:
    connection = await asyncpg.connect(url)
    epochs = await connection.fetch("select epoch from installation")
    await connection.close()
    return epochs


def test_an_sqlite_store_is_in_write_ahead_mode_and_survives_an_unmigrated_file(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    sqlite3.connect(path).close()
    assert not asyncio.run(SqliteStore.is_current(path))
    migrate(f"sqlite:///{path}")
    connection = sqlite3.connect(path)
    assert connection.execute("pragma journal_mode").fetchone() == ("wal",)
    connection.close()


def test_the_version_that_the_program_needs_is_the_newest_migration() -> None:
    newest = max(path.stem for path in VERSIONS.glob("[0-9]*.py"))
    assert newest.startswith(f"{HEAD}_")


@pytest.mark.parametrize("other", ["0000", "9999"])
def test_another_version_of_the_schema_is_noticed(tmp_path: Path, other: str) -> None:
    path = tmp_path / "store.sqlite"
    migrate(f"sqlite:///{path}")
    connection = sqlite3.connect(path)
    connection.execute("update alembic_version set version_num = ?", (other,))
    connection.commit()
    connection.close()
    assert not asyncio.run(SqliteStore.is_current(path))


def upgrade_to(version: str, connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(VERSIONS.parent))
    config.attributes["connection"] = connection
    command.upgrade(config, version)


#: Version, its tenant, the addresses it calls from, whether it is published.
BEFORE_OUTBOUND = [
    ("alone", "t1", ["192.0.2.0/25", "192.0.2.128/25", "2001:db8::1"], True),
    ("inside", "t2", ["198.51.100.7"], True),
    ("around", "t3", ["198.51.100.0/24", "203.0.113.1"], True),
    ("own-neighbour", "t3", ["203.0.113.0/24"], True),
    ("not-published", "t2", ["203.0.113.1"], False),
    ("silent", "t2", [], True),
]


def fill_before_outbound(connection: Connection) -> None:
    """An installation of version 0001 with a trunk and agents."""
    for tenant in ("t1", "t2", "t3"):
        connection.execute(text("insert into tenant (id, name, created_at) values (:t, :t, 'x')"), {"t": tenant})
    connection.execute(
        text(
            "insert into trunk (id, tenant_id, name, system, media_in, media_out, created_at) "
            "values ('trunk', 't1', 'carrier', 0, 'allow', 'allow', 'x')"
        )
    )
    connection.execute(text("insert into gateway (trunk_id, position, host) values ('trunk', 0, 'sip.example')"))
    for version, tenant, addresses, published in BEFORE_OUTBOUND:
        values = {
            "version": version,
            "tenant": tenant,
            "addresses": json.dumps(addresses),
            "published": version if published else None,
        }
        connection.execute(
            text(
                "insert into agent (id, tenant_id, name, published_version_id, created_at) "
                "values (:version, :tenant, :version, :published, 'x')"
            ),
            values,
        )
        connection.execute(
            text(
                "insert into agent_version (id, agent_id, tenant_id, number, draft, sip_uri, from_addresses, "
                "created_at) values (:version, :version, :tenant, 1, 0, 'sip:a.example', :addresses, 'x')"
            ),
            values,
        )


def upgrade_with_data(connection: Connection) -> None:
    upgrade_to("0001", connection)
    fill_before_outbound(connection)
    upgrade_to("head", connection)


def check_upgraded(connection: Connection) -> None:
    def rows(sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in connection.execute(text(sql))]

    assert rows("select name, tls_verify, probe from trunk") == [("carrier", 1, 1)]
    assert rows("select host, transport from gateway") == [("sip.example", None)]
    assert rows("select distinct encryption, from_username, tls_verify, headers, codecs from agent_version") == [
        ("disable", None, 1, "[]", "[]")
    ]
    assert rows("select version_id, network, tenant_id from agent_source order by network") == [
        ("alone", "192.0.2.0/24", "t1"),
        ("alone", "2001:db8::1/128", "t1"),
        ("own-neighbour", "203.0.113.0/24", "t3"),
    ]
    # of those that two tenants have in common neither may be believed
    assert rows("select id, from_addresses from agent_version where id in ('inside', 'around') order by id") == [
        ("around", "[]"),
        ("inside", "[]"),
    ]
    assert rows("select object_id, fields from change order by object_id") == [
        ("around", '{"from_addresses": [["198.51.100.0/24", "203.0.113.1"], []]}'),
        ("inside", '{"from_addresses": [["198.51.100.7"], []]}'),
    ]


@pytest.mark.slow
def test_an_installation_on_sqlite_is_brought_to_outbound_calls_with_its_data(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/store.sqlite")
    with engine.begin() as connection:
        upgrade_with_data(connection)
        check_upgraded(connection)
    engine.dispose()


@pytest.mark.slow
def test_an_installation_on_postgresql_is_brought_to_outbound_calls_with_its_data(empty_postgres_url: str) -> None:
    on_postgres(empty_postgres_url, upgrade_with_data)
    on_postgres(empty_postgres_url, check_upgraded)
