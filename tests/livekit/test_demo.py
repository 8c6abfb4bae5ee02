"""`make demo-livekit`."""

import subprocess
import sys
from pathlib import Path

from tests.livekit.servers import LiveKit


def test_the_demo_tells_of_a_call_into_a_room(livekit: LiveKit) -> None:
    """With a LiveKit of its own; the fixture's only says that there is one."""
    root = Path(__file__).parents[2]
    told = subprocess.run(
        [sys.executable, "-m", "demo.livekit"], cwd=root, check=False, capture_output=True, text=True, timeout=120
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert "✘" not in told.stdout
