"""Each test of this folder runs on both stores."""

from tests.stores import database, migrated_file, reused_url, sqlite_folder, world

__all__ = ["database", "migrated_file", "reused_url", "sqlite_folder", "world"]
