"""`make demo`, with which README and quickstart begin."""

import re
import subprocess
import sys

import pytest

from tests.documents.pages import ROOT

pytestmark = [pytest.mark.calls, pytest.mark.slow]


def test_the_demo_ends_well_with_the_calls_that_the_readme_shows() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "demo"], cwd=ROOT, check=False, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    shown = (ROOT / "README.md").read_text().partition("<!-- demo -->")[2].partition("<!-- /demo -->")[0]
    assert calls(done.stdout) == calls(shown)
    assert calls(shown)


def calls(told: str) -> list[str]:
    """The lines of the table of all calls."""
    return [re.sub(r" +", " ", line) for line in told.partition("All calls\n")[2].splitlines() if line.endswith(" ✔")]
