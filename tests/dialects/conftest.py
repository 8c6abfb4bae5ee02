"""The tests of a module share an installation on each store: each test makes tenants of its own.

What differs between the stores has its own tests, so these run on PostgreSQL with all tests (`make test`) alone.
"""

from tests.stores import (
    database,
    reused_url,
    shared_database,
    shared_world,
    sqlite_folder,
    sqlite_world,
    world,
)

__all__ = [
    "database",
    "reused_url",
    "shared_database",
    "shared_world",
    "sqlite_folder",
    "sqlite_world",
    "world",
]
