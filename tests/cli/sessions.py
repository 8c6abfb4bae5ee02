"""Documents that show commands and what they print, as snapshots: the commands in them are run, in their order.

`$ ` begins a command, `! ` a line on standard error, `[exit 1]` ends one that failed, `# ` begins a remark.
`$ COLUMNS=80 cordboard …` is run as on a terminal of that width.
"""

import re
import shlex
import subprocess
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click
from click.testing import CliRunner

from cordboard.cli import main
from tests.cli.furnished import REST

_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
#: What is made by chance or takes its time, and is no id.
_CHANCE = (
    (re.compile(r"(?<=next at )\S+"), "SOON"),
    (re.compile(r"\(\d+ ms\)"), "(N ms)"),
    (re.compile(r"\bsk-\w+"), "sk-SECRET"),
    (re.compile(r"\bwhsec_[\w+/=]+"), "whsec_SECRET"),
    (re.compile(r'("password": )"[^"]+"'), r'\1"SECRET"'),
    (re.compile(r"^(acme-telecom|new-operator):\S+", re.MULTILINE), r"\1:SECRET"),
)


@dataclass
class Terminal:
    """Runs commands in this process against a server, and writes ids as the documents do."""

    #: Where the server is.
    environment: dict[str, str]
    #: As documents write them, by what they are.
    ids: dict[str, str]
    #: Names of the operations that the server was asked for, as they came.
    asked: list[str]
    #: Of each command all that it has asked for.
    asked_by: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def run(self, line: str) -> str:
        """What stands under a command in its document."""
        for real, written in self.ids.items():
            line = line.replace(written, real)
        words = shlex.split(line)
        columns = None  # not a terminal: nothing is cut
        if words[0].startswith("COLUMNS="):
            columns = int(words.pop(0).partition("=")[2])
        assert words.pop(0) == "cordboard"
        before = len(self.asked)
        done = CliRunner().invoke(main, words, env=self.environment, terminal_width=columns, catch_exceptions=False)
        self.asked_by[named(words)].update(self.asked[before:])
        said = done.stdout + "".join(f"! {text}\n" for text in done.stderr.splitlines())
        if done.exit_code:
            said += f"[exit {done.exit_code}]\n"
        return self._written(said)

    def _written(self, text: str) -> str:
        for found in _UUID.findall(text):
            if found not in self.ids and not found.endswith(REST):
                self.ids[found] = f"9{len(self.ids):07d}{REST}"
        for real, written in self.ids.items():
            text = text.replace(real, written)
        for chance, instead in _CHANCE:
            text = chance.sub(instead, text)
        return text


def named(words: Sequence[str]) -> str:
    """The command that a line is of."""
    context = click.Context(main)
    command: click.Command = main
    found: list[str] = []
    rest = list(words)
    while isinstance(command, click.Group):
        _, resolved, rest = command.resolve_command(context, rest)
        assert resolved is not None
        assert resolved.name is not None
        command, found = resolved, [*found, resolved.name]
    return " ".join(found)


def lines(document: Path) -> list[list[str]]:
    """The words of its commands, without `cordboard`."""
    found = (shlex.split(line[2:]) for line in document.read_text().splitlines() if line.startswith("$ "))
    return [words[words.index("cordboard") + 1 :] for words in found]


def played(document: Path, terminal: Terminal) -> str:
    """The document as its commands make it now."""
    parts = []
    for line in document.read_text().splitlines():
        if line.startswith("# "):
            parts.append(f"{line}\n")
        elif line.startswith("$ "):
            parts.append(f"{line}\n{terminal.run(line[2:])}\n")
    return "".join(parts).rstrip("\n") + "\n"


def commands() -> dict[str, click.Command]:
    """Every command by its words."""
    found: dict[str, click.Command] = {}

    def look(group: click.Group, path: tuple[str, ...]) -> None:
        for name, command in group.commands.items():
            if isinstance(command, click.Group):
                look(command, (*path, name))
            else:
                found[" ".join((*path, name))] = command

    look(main, ())
    return found


def cordboard(data: Path, *arguments: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
    """As tests.processes has it, in this process: a good deal quicker, and good for what only talks to a server."""
    done = CliRunner().invoke(main, [*arguments, "--data", str(data)], catch_exceptions=False)
    if ok:
        assert done.exit_code == 0, f"cordboard {' '.join(arguments)}: {done.stderr}"
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)
