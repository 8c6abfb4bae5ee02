"""Bring a database's schema to this version. The one user of SQLAlchemy and Alembic, imported only when needed."""

import asyncio
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, event, make_url
from sqlalchemy.ext.asyncio import create_async_engine


def migrate(url: str) -> None:
    """Bring the database at `url` (`sqlite:///PATH` or `postgresql://…`) to the newest version.

    Blocks, and starts an event loop of its own for PostgreSQL: call it from a thread that runs none.
    """
    if url.startswith("sqlite:"):
        _migrate_sqlite(url)
    else:
        asyncio.run(_migrate_postgres(url))


def _migrate_sqlite(url: str) -> None:
    engine = create_engine(url)
    event.listen(engine, "connect", _write_ahead)
    with engine.connect() as connection:
        _upgrade(connection)
    engine.dispose()


def _write_ahead(raw: Any, _record: object) -> None:
    raw.execute("pragma journal_mode = wal")


async def _migrate_postgres(url: str) -> None:
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
    async with engine.connect() as connection:
        await connection.run_sync(_upgrade)
    await engine.dispose()


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    connection.commit()
