"""Completion as shells ask for it."""

import os
import subprocess
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from cordboard.cli import main
from tests.builders import create_tenant
from tests.cli.conftest import Running
from tests.processes import COMMAND

#: Asks the function that the printed text defines, as bash does for a Tab.
ASK = """
eval "$({command} completion bash)"
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_cordboard_completion {command}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def completed(words: str, environment: Mapping[str, str]) -> list[str]:
    """What bash would offer for the last word; '' for a new one."""
    script = ASK.format(command=COMMAND, words=f"{COMMAND} {words}")
    done = subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.slow
def test_bash_completes_commands_options_and_what_the_server_has(running: Running) -> None:
    told = running.environment
    assert completed("tru", told) == ["trunk"]
    assert completed("calls ta", told) == ["tail"]
    assert completed("trunk health --ten", told) == ["--tenant"]
    assert completed("trunk health --tenant ''", told) == ["Acme", "Globex"]
    assert completed("trunk health --tenant gl", told) == ["Globex"]
    assert completed("operator delete ac", told) == ["acme-telecom"]
    assert completed("agent version list --agent Su", told) == ["Support"]
    assert completed("number show +3491100000", told) == [f"+3491100000{n}" for n in (1, 2, 3, 9)]
    assert completed("account show --json d", told) == ["desk"]
    assert completed("trunk show Carr", told) == ["Carrier"]
    assert "Carrier" in completed("trunk show ''", told)
    assert completed("trunk create --from twi", told) == ["twilio"]


@pytest.mark.slow
def test_of_what_is_called_the_same_ids_are_offered(running: Running) -> None:
    other = running.portal.call(partial(create_tenant, running.world, name="Globex"))
    assert set(completed("trunk health --tenant Glo", running.environment)) == {other, running.ids["globex"]}


@pytest.mark.slow
@pytest.mark.parametrize("url", [None, "http://127.0.0.1:9"], ids=["none", "gone"])
def test_without_a_server_nothing_is_offered_and_nothing_is_said(url: str | None, tmp_path: Path) -> None:
    told = {} if url is None else {"CORDBOARD_URL": url, "CORDBOARD_ADMIN_TOKEN": "x"}
    begun = time.monotonic()
    assert completed(f"trunk health --data {tmp_path} --tenant A", told) == []
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_text_of_its_own(shell: str) -> None:
    done = CliRunner().invoke(main, ["completion", shell])
    assert done.exit_code == 0
    assert f"{shell}_complete" in done.output
