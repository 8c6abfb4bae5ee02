"""sipvicious, as it is and under a name of a telephone's, against accounts with weak passwords."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.calls.accounts import account, register
from tests.calls.edges import RunningEdge, agent, number, running_edge, trunk
from tests.calls.phone import Phone

TOOLS = Path("/usr/share/sipvicious")
NAME = "friendly-scanner"
TRIES = 10_000


@pytest.fixture
def edge() -> Iterator[RunningEdge]:
    with running_edge() as running:
        running.put(number(), trunk("trunk", "127.0.1.1/32"), agent(uri="sip:ai@127.0.2.1"))
        running.put(account("100", password="7777"), account("101", password="101"))
        yield running


@pytest.fixture(params=["as it is", "disguised"])
def tools(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder of the tools; in disguise nothing gives them away."""
    if request.param == "as it is":
        return TOOLS
    folder = tmp_path / "sipvicious"
    shutil.copytree(TOOLS, folder)
    helper = folder / "sipvicious" / "libs" / "svhelper.py"
    text = helper.read_text()
    assert NAME in text
    helper.write_text(text.replace(NAME, "Yealink SIP-T46S 66.86"))
    return folder


def found(edge: RunningEdge, tools: Path, tool: str, *options: str) -> str:
    """What a tool prints of what it has found: nothing is its table."""
    command = ["/usr/bin/python3", "-m", f"sipvicious.{tool}", "-p", str(edge.sip[1]), *options, edge.sip[0]]
    ran = subprocess.run(command, cwd=tools, capture_output=True, text=True, timeout=300)
    assert "Traceback" not in ran.stderr, ran.stderr
    return ran.stdout


def test_svmap_finds_no_host(edge: RunningEdge, tools: Path) -> None:
    assert found(edge, tools, "svmap", "-b", "127.0.9.1") == ""


@pytest.mark.parametrize("options", [(), ("--force",), ("-m", "OPTIONS"), ("-m", "INVITE")], ids=" ".join)
def test_svwar_finds_no_extension(edge: RunningEdge, tools: Path, options: tuple[str, ...]) -> None:
    """Neither 100 nor 101, which are there, nor any other."""
    assert found(edge, tools, "svwar", "-e", "90-110", *options) == ""


@pytest.mark.drill
def test_svcrack_finds_no_password_in_ten_thousand_tries(edge: RunningEdge, tools: Path) -> None:
    assert found(edge, tools, "svcrack", "-u", "100", "-r", f"1-{TRIES}") == ""
    with Phone("127.0.3.1") as phone:
        assert register(phone, edge, "101", password="101").status == 200
