"""What a terminal is told of work that takes its time, and nobody else."""

import os
import pty
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Running
from tests.processes import COMMAND

pytestmark = pytest.mark.slow


def on_a_terminal(running: Running, *arguments: str) -> tuple[bytes, str]:
    """What a command writes to its standard error, a terminal, and to its output, which is none."""
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [COMMAND, *arguments],
            env={**os.environ, **running.environment},
            stdout=subprocess.PIPE,
            stderr=theirs,
            text=True,
            timeout=60,
            check=False,
        )
        return os.read(ours, 65536), done.stdout
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_wait_is_told_of_and_wiped_away(running: Running) -> None:
    told, printed = on_a_terminal(running, "webhook", "test", running.ids["webhook"], "--wait", "3")
    assert b"waiting for the server, 1 s\r\x1b[Kwaiting for the server, 2 s" in told
    assert told.partition(b"cordboard:")[0].endswith(b"\r\x1b[K")
    assert printed == ""


def test_a_download_has_a_bar(running: Running, tmp_path: Path) -> None:
    told, _ = on_a_terminal(running, "call", "recording", "call-1", "--output", str(tmp_path / "call-1.wav"))
    assert b"100%" in told
    assert (tmp_path / "call-1.wav").read_bytes() == b"RIFF-sound"
