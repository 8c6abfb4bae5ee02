"""LiveKit's own servers. Where they are not built these tests do not run, and each says so."""

from collections.abc import Iterator

import pytest

from tests.livekit.servers import LiveKit, NotBuilt, running_livekit


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/livekit/" in str(item.path) and "livekit" in getattr(item, "fixturenames", ()):
            item.add_marker("livekit")
            item.add_marker("slow")


@pytest.fixture(scope="module")
def livekit() -> Iterator[LiveKit]:
    """LiveKit with livekit-sip, of the tests of a module."""
    try:
        with running_livekit(sip=True) as running:
            yield running
    except NotBuilt as error:
        pytest.skip(str(error))
