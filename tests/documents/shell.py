"""A page's commands in one shell, each block at the line that it has in the page."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.documents.pages import Block

#: For all commands of one page.
SECONDS: Final = 240
#: Until what a block began in the background is there.
_BEGUN: Final = 2
_TELL: Final = 'told=$?; echo "$PAGE:$LINENO: ended with $told: $BASH_COMMAND"; exit 99'
_HEAD: Final = f"set -Eeuo pipefail; trap '{_TELL}' ERR"


class Failed(AssertionError):
    """A command of a page failed; the message holds the page, the line, and what was printed."""


def run(blocks: Sequence[Block], folder: Path, replaced: Mapping[str, str], environment: Mapping[str, str]) -> str:
    """Run the blocks of one page that are run, in `folder`; what they printed. Raises Failed.

    `replaced` are texts in place of which others are run: where the page's server is, and where the test's.
    """
    text = script(blocks)
    for said, meant in replaced.items():
        text = text.replace(said, meant)
    path = folder / "page.sh"
    path.write_text(text)
    (folder / ".curlrc").write_text("fail-with-body\n")
    process = subprocess.Popen(
        ["bash", path],
        cwd=folder,
        env={**os.environ, "HOME": str(folder), "PAGE": blocks[0].page, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        told, _ = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise Failed(f"{blocks[0].page}: not done after {SECONDS} s") from None
    finally:
        _end(process.pid)
    if process.returncode != 0:
        raise Failed(told)
    return told


def _end(group: int) -> None:
    """End what went on in the background: it may clear up after itself, for three seconds."""
    for signum in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            try:
                os.killpg(group, signum)
            except ProcessLookupError:
                return
            time.sleep(0.05)


def script(blocks: Sequence[Block]) -> str:
    """Line by line as the page: what says how a block goes stands in the lines of its fences."""
    lines = [_HEAD] + [""] * max(block.line + block.text.count("\n") + 1 for block in blocks)
    for block in blocks:
        if not block.is_run:
            continue
        commands = block.text.splitlines()
        before, after = block.line - 2, block.line - 1 + len(commands)
        lines[block.line - 1 : after] = commands
        if block.in_background:
            lines[before] += "; {" if before == 0 else "{"
            lines[after] = f"}} > background-{block.line}.log 2>&1 & sleep {_BEGUN}"
        elif block.code:
            lines[before] = "trap - ERR; set +e; ("
            place = f"$PAGE:{block.line}: ended with $told, not {block.code}"
            lines[after] = f'); told=$?; [ $told = {block.code} ] || {{ echo "{place}"; exit 99; }}; {_HEAD}'
    return "\n".join(lines) + "\n"
