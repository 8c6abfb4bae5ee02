"""What each command prints, and which of the native API's operations it asks for, in an installation with everything.

The documents in snapshots/ are scripts and results at once. CORDBOARD_SNAPSHOTS=write writes the results anew.
"""

import os
import shutil
from pathlib import Path
from typing import Final

import pytest

from cordboard.cli.common import operations_of
from tests.cli.sessions import Terminal, commands, lines, named, played
from tests.dialects.native.test_isolation import OPERATIONS

SNAPSHOTS: Final = Path(__file__).parent / "snapshots"
DOCUMENTS: Final = sorted(SNAPSHOTS.glob("*.txt"))
#: They run or prepare a server, work on its files, or say what a shell needs.
WITHOUT_SERVER: Final = {
    *("serve", "down", "migrate", "completion"),
    *("secret rotate", "secret prepare", "secret drop-old"),
}
#: What is asked for only when something goes wrong on the way.
HARDLY_EVER: Final = {"number import": {"get_import"}}


@pytest.mark.slow
@pytest.mark.parametrize("document", DOCUMENTS, ids=[document.stem for document in DOCUMENTS])
def test_commands_print_what_their_document_shows_and_ask_for_what_they_declare(
    document: Path, terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(SNAPSHOTS / "files", tmp_path / "files")
    monkeypatch.chdir(tmp_path / "files")
    now = played(document, terminal)
    if os.environ.get("CORDBOARD_SNAPSHOTS") == "write":
        document.write_text(now)
    assert now == document.read_text(), "CORDBOARD_SNAPSHOTS=write pytest tests/cli writes it anew; read what changed"
    for command, asked in terminal.asked_by.items():
        declared = set(operations_of(commands()[command]))
        assert asked | HARDLY_EVER.get(command, set()) == declared, (
            f"{command}: the document must run it in all its ways"
        )


def test_every_command_is_in_the_document_of_its_noun() -> None:
    shown = {(document.stem, named(words)) for document in DOCUMENTS for words in lines(document)}
    assert shown == {(name.split()[0], name) for name in commands() if name not in WITHOUT_SERVER}


def test_every_command_declares_operations_that_there_are() -> None:
    known = {each.name for each in OPERATIONS}
    for name, command in commands().items():
        assert bool(operations_of(command)) == (name not in WITHOUT_SERVER), name
        assert set(operations_of(command)) <= known, name


def test_a_noun_is_taken_in_the_plural_and_shown_in_the_singular() -> None:
    assert named(["calls", "tail"]) == "call tail"
    assert named(["agents", "versions", "list"]) == "agent version list"
    assert not [name for name in commands() if " " in name and name.split()[0].endswith("s")]
