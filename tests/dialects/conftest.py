"""The tests of a module share an installation on each store: each test makes tenants of its own."""

from tests.stores import (
    database,
    migrated_file,
    reused_url,
    shared_database,
    shared_world,
    sqlite_folder,
    sqlite_world,
    world,
)

__all__ = [
    "database",
    "migrated_file",
    "reused_url",
    "shared_database",
    "shared_world",
    "sqlite_folder",
    "sqlite_world",
    "world",
]
