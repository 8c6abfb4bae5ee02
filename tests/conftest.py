"""What every test may ask for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings

from tests.chance import again
from tests.postgres import NotInstalled, Server, running_server

HERE: Final = Path(__file__).parent
#: Folders whose tests run on both stores.
BOTH_STORES: Final = ("dialects", "usecases", "webhooks")

# Two busy cores make the slowest example slow for no fault of its own.
settings.register_profile("cordboard", deadline=None, print_blob=True, derandomize=again())
settings.load_profile("cordboard")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "postgres_server" in getattr(item, "fixturenames", ()):
            item.add_marker("postgres")
        # what differs between the stores has its tests in tests/storage: here the second one is for `make test` alone
        if item.get_closest_marker("postgres") and item.path.relative_to(HERE).parts[0] in BOTH_STORES:
            item.add_marker("slow")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite database without rows of ours, to be copied: migrating takes longer than most tests."""
    from cordboard.storage.migrations.run import migrate

    path = tmp_path_factory.mktemp("migrated") / "store.sqlite"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A PostgreSQL server of this test process. Without the programs the test fails: it is not skipped."""
    try:
        with running_server() as server:
            yield server
    except NotInstalled as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def migrated_template(postgres_server: Server) -> str:
    """The name of a database at the newest schema version, to be copied."""
    from cordboard.storage.migrations.run import migrate

    postgres_server.run("create database migrated template template0")
    migrate(postgres_server.url("migrated"))
    return "migrated"


@pytest.fixture
def empty_postgres_url(postgres_server: Server) -> Iterator[str]:
    """The URL of a new PostgreSQL database without any table."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: Server, migrated_template: str) -> Iterator[str]:
    """The URL of a new PostgreSQL database at the newest schema version, with no rows of ours."""
    with postgres_server.database(template=migrated_template) as url:
        yield url


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How much of LiveKit was not proved; each test's reason is in the summary of those that were skipped."""
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if "livekit" in report.keywords]
    if skipped:
        terminalreporter.write_line(f"NOT RUN: {len(skipped)} tests need LiveKit's own servers (make install-livekit)")
