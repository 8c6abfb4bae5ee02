"""Each test of this folder runs on both stores, unless its fixture names one: on PostgreSQL with `make test` alone."""

from tests.stores import database, postgres_world, reused_url, sqlite_folder, world

__all__ = ["database", "postgres_world", "reused_url", "sqlite_folder", "world"]
