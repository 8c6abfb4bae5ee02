"""A server of this process with an installation that has one of everything."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest
import structlog
from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.routing import compile_path

from tests import builders
from tests.builders import ADMIN_TOKEN, World
from tests.cli.furnished import IDS, NOW, REST, app, furnish
from tests.cli.sessions import Terminal
from tests.dialects.native.test_isolation import OPERATIONS
from tests.live import served


@dataclass
class Running:
    """The server's world, and how to do something in it from the test's own thread."""

    world: World
    portal: BlockingPortal
    url: str
    ids: dict[str, str]
    #: Names of the operations that it was asked for, as they came.
    asked: list[str]

    @property
    def environment(self) -> dict[str, str]:
        return {"CORDBOARD_URL": self.url, "CORDBOARD_ADMIN_TOKEN": ADMIN_TOKEN}


class Asked:
    """An app that notes by name which operations are asked for."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._known = [(each.method, compile_path(each.path)[0], each.name) for each in OPERATIONS]
        self.names: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            self.names.append(self._name(scope["method"], scope["path"]))
        await self._app(scope, receive, send)

    def _name(self, method: str, path: str) -> str:
        return next(name for known, pattern, name in self._known if known == method and pattern.match(path))


@pytest.fixture(scope="module")
def furnished(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The folder of a furnished installation, to be copied, and the ids of what is there."""
    folder = tmp_path_factory.mktemp("furnished")
    shutil.copy(migrated_file, folder)

    async def make() -> dict[str, str]:
        async with builders.world("sqlite", folder) as world:
            return await furnish(world)

    return folder, anyio.run(make)


@pytest.fixture
def quiet() -> Iterator[None]:
    """The server's log would stand among what commands print: it is in the same process."""
    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    yield
    structlog.configure(**before)


@pytest.fixture
def running(furnished: tuple[Path, dict[str, str]], tmp_path: Path, quiet: None) -> Iterator[Running]:
    folder, ids = furnished
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    with (
        start_blocking_portal("asyncio") as portal,
        portal.wrap_async_context_manager(builders.world("sqlite", tmp_path)) as world,
    ):
        world.clock.now = NOW
        asked = Asked(app(world, ids))
        with portal.wrap_async_context_manager(served(world, asked)) as url:
            yield Running(world, portal, url, ids, asked.names)


@pytest.fixture
def terminal(running: Running) -> Terminal:
    return Terminal(running.environment, {id: IDS[name] + REST for name, id in running.ids.items()}, running.asked)
