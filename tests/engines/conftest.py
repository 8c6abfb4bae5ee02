"""A data directory that the engines' user can reach."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.calls.edges import data_directory
from tests.stores import sqlite_folder, sqlite_world

__all__ = ["data", "sqlite_folder", "sqlite_world"]


@pytest.fixture
def data() -> Iterator[Path]:
    with data_directory() as path:
        yield path
