"""docs/metrics.md against a running server."""

import re
import urllib.request
from pathlib import Path

import pytest

from tests.serve.installations import installation

pytestmark = pytest.mark.calls

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_the_metrics_of_a_server_are_those_that_are_told_of() -> None:
    with (
        installation() as installed,
        urllib.request.urlopen(f"{installed.server.url}/metrics", timeout=5) as answer,
    ):
        exposed = dict(re.findall(r"^# TYPE (\S+) (\S+)$", answer.read().decode(), re.MULTILINE))
    told = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", PAGE.read_text(), re.MULTILINE))
    # the client library tells beside a counter or histogram when it was created
    assert {name: kind for name, kind in exposed.items() if not name.endswith("_created")} == told
