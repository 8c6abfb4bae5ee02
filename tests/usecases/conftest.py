"""Each test of this folder runs on both stores, unless its fixture names one."""

from tests.stores import database, migrated_file, postgres_world, reused_url, sqlite_folder, world

__all__ = ["database", "migrated_file", "postgres_world", "reused_url", "sqlite_folder", "world"]
