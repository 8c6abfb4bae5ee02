"""Whole installations, as many tests of this folder want them."""

from collections.abc import Iterator

import pytest

from tests.serve.installations import Installation, installation
from tests.stores import BOTH


@pytest.fixture(scope="module", params=BOTH)
def installed(request: pytest.FixtureRequest) -> Iterator[Installation]:
    """One on each store; a module that wants another one has its own."""
    if request.param == "sqlite":
        with installation() as made:
            yield made
        return
    server = request.getfixturevalue("postgres_server")
    with server.database(template=request.getfixturevalue("migrated_template")) as url, installation(url) as made:
        yield made
