"""The tests of a module share an installation on each store: each test makes tenants of its own.

What differs between the stores has its own tests, so these run on PostgreSQL with all tests (`make test`) alone.
"""

from pathlib import Path

import pytest

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and item.get_closest_marker("postgres"):
            item.add_marker("slow")
