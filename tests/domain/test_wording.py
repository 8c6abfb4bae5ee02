"""What advice names is a field of the API, which the command line and the console say in their own words."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cordboard.cli import main
from cordboard.cli.words import OPTIONS
from cordboard.cli.words import advised as on_the_command_line
from cordboard.console import accounts, imports, verifications
from cordboard.console.words import LABELS
from cordboard.console.words import advised as in_the_console
from cordboard.domain.advice import ADVICE
from cordboard.usecases.catalogue import entries

SOURCE = Path(__file__).parents[2] / "src/cordboard"
#: Where each kind of object is set by a command.
COMMANDS = {
    "trunk": ("trunk", "update"),
    "account": ("account", "update"),
    "import": ("number", "import"),
    "verification": ("verify", "run"),
}
FORMS = {"account": accounts.EDIT, "import": imports.NEW, "verification": verifications.NEW}


def strings() -> Iterator[str]:
    """Every text of the floors that give advice."""
    for floor in ("domain", "usecases", "engines"):
        for file in (SOURCE / floor).rglob("*.py"):
            yield from (
                node.value
                for node in ast.walk(ast.parse(file.read_text()))
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            )


def test_both_clients_have_a_word_for_each_field_that_advice_names() -> None:
    named = {
        field
        for text in strings()
        for field in re.findall(r"`((?:trunk|account|import|verification)\.[a-z_.]+[a-z])(?:=\w+)?`", text)
    }
    assert named == set(OPTIONS)
    assert named <= set(LABELS)


def test_the_options_are_those_of_the_commands() -> None:
    for field, option in OPTIONS.items():
        command: click.Command = main
        for name in COMMANDS[field.partition(".")[0]]:
            assert isinstance(command, click.Group)
            command = command.commands[name]
        assert option in {each for parameter in command.params for each in parameter.opts}, field


def test_the_labels_are_those_of_the_forms() -> None:
    for field, label in LABELS.items():
        kind = field.partition(".")[0]
        if kind in FORMS:
            assert label in {each.label for each in FORMS[kind].fields}


@pytest.mark.parametrize(
    ("advice", "option", "label"),
    [
        ("Set `trunk.country`.", "Set trunk.country.", "Set <code>trunk.country</code>."),  # nobody's word
        ("(`trunk.allowed_addresses`)", "(--allowed-address)", "(“Calls from the carrier: Addresses”)"),
        (
            "`trunk.media_in=allow`",
            "--media-in allow",
            "“Calls from the carrier: Media from the carrier”: SRTP if the other side has it",
        ),
        (
            "`trunk.probe=false`",
            "--no-probe",
            "“SIP and media: Ask the gateways if they are there”: not ticked",
        ),
        ("`<b>` & `kamailio.log`", "`<b>` & `kamailio.log`", "<code>&lt;b&gt;</code> &amp; <code>kamailio.log</code>"),
    ],
)
def test_a_field_is_said_in_the_clients_words(advice: str, option: str, label: str) -> None:
    assert on_the_command_line(advice) == option
    assert in_the_console(advice) == label


def test_what_the_console_shows_as_advice_names_no_option_of_a_command() -> None:
    told = [says for _, says in ADVICE.values()]
    told += [
        text
        for each in entries().values()
        for text in (*each.authentication, *each.numbers, *each.there, *each.caveats)
    ]
    assert not [text for text in told if "--" in text]
    assert not [text for text in strings() if re.search(r"[`( ]--(?!no-edge)[a-z-]+[`). ].*[.]$", text)]
