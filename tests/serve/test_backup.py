"""The commands of *Back up and restore* in docs/operations.md, as they stand there."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.calls.phone import Phone
from tests.processes import cordboard
from tests.serve.installations import installation

pytestmark = pytest.mark.calls

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()
SECTION = PAGE.partition("## Back up and restore")[2].partition("\n## ")[0]


def test_what_a_copy_holds_takes_calls_again_and_what_came_after_it_does_not() -> None:
    back_up, restore = re.findall(r"```sh\n(.*?)```", SECTION, re.DOTALL)
    with installation() as installed, Phone("127.0.1.1") as carrier:
        installed.assign(0)
        data = installed.server.data
        (data.parent / ".venv").symlink_to(ROOT / ".venv")
        _run(back_up, data.parent)
        cordboard(data, "number", "release", installed.number, "--yes")
        assert installed.call(carrier).status == 404
        installed.server.stop()
        _run(restore, data.parent)
        installed.successor()
        assert installed.call(carrier).status == 200


def _run(commands: str, folder: Path) -> None:
    subprocess.run(["bash", "-ec", commands], cwd=folder, check=True, capture_output=True, timeout=30)
