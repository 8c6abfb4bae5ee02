"""Each test of this folder runs on both stores, unless its fixture names one."""

from tests.stores import database, postgres_world, reused_url, sqlite_folder, sqlite_world, world

__all__ = ["database", "postgres_world", "reused_url", "sqlite_folder", "sqlite_world", "world"]
