"""Fixtures that give a test an installation on each store. A folder's conftest says which of them it uses."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests import builders
from tests.builders import World
from tests.postgres import Server

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.fixture
def sqlite_folder(migrated_file: Path, tmp_path: Path) -> Path:
    """A folder with a migrated `store.sqlite`."""
    shutil.copy(migrated_file, tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def reused_url(postgres_server: Server, migrated_template: str) -> Iterator[str]:
    """The URL of a PostgreSQL database that tests use one after another, each emptying it first."""
    with postgres_server.database(template=migrated_template) as url:
        yield url


@pytest.fixture(params=BOTH)
def database(request: pytest.FixtureRequest) -> str:
    """`sqlite`, then the URL of a migrated PostgreSQL database."""
    if request.param == "sqlite":
        return "sqlite"
    url: str = request.getfixturevalue("reused_url")
    return url


@pytest.fixture
async def world(database: str, sqlite_folder: Path) -> AsyncIterator[World]:
    """An installation of the test's own, on each store."""
    async with builders.world(database, sqlite_folder) as made:
        if database != "sqlite":
            await builders.empty(made)
        yield made


@pytest.fixture
async def sqlite_world(sqlite_folder: Path) -> AsyncIterator[World]:
    async with builders.world("sqlite", sqlite_folder) as made:
        yield made


@pytest.fixture
async def postgres_world(reused_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with builders.world(reused_url, tmp_path) as made:
        await builders.empty(made)
        yield made


@pytest.fixture(scope="module", params=BOTH)
def shared_database(request: pytest.FixtureRequest) -> Iterator[str]:
    """As `database`, for all tests of a module."""
    if request.param == "sqlite":
        yield "sqlite"
        return
    server: Server = request.getfixturevalue("postgres_server")
    with server.database(template=request.getfixturevalue("migrated_template")) as url:
        yield url


@pytest.fixture(scope="module")
async def shared_world(
    shared_database: str, migrated_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """An installation that the tests of a module share: each makes tenants of its own, and leaves the clock alone."""
    folder = tmp_path_factory.mktemp("world")
    shutil.copy(migrated_file, folder)
    async with builders.world(shared_database, folder) as made:
        yield made
