"""Tables and lists: they fit the terminal, and however long they are little of them is in memory."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import click
import pytest
from click.testing import CliRunner

from cordboard.cli.figures import bars, drawn
from cordboard.cli.showing import MEASURED, show_json, show_list

ID = "00000010-0000-4000-8000-000000000000"
ROW = {"name": "Acme", "at": "2026-01-10T12:00:00.000000Z", "says": "a sentence that is a good deal longer", "id": ID}


def shown(rows: Any, *, columns: int | None = None, as_json: bool = False, names: str = "name at says id") -> str:
    @click.command()
    def show() -> None:
        show_list(rows, names.split(), as_json=as_json, empty="none: make one")

    done = CliRunner().invoke(show, terminal_width=columns)
    assert done.exit_code == 0, done.output
    return done.output


def test_without_a_terminal_nothing_is_cut() -> None:
    assert shown([ROW]).splitlines()[1] == f"Acme  2026-01-10 12:00:00  {ROW['says']}  {ID}"


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (120, f"Acme  2026-01-10 12:00:00  {ROW['says']}  {ID}"),
        # what is long is cut, ids and times are not
        (90, f"Acme  2026-01-10 12:00:00  a sentence that is a goo…  {ID}"),
        # a column without room is left out, and the others have its room
        (80, f"Acme  2026-01-10 12:00:00  {ROW['says']}"),
        (20, "Acme"),
    ],
)
def test_a_table_fits_its_terminal(columns: int, line: str) -> None:
    heading, row = shown([ROW], columns=columns).splitlines()
    assert row == line
    assert len(heading) <= columns


def test_columns_stand_below_each_other_whatever_the_script() -> None:
    rows = [{**ROW, "name": name} for name in ("日本", "Cafe\u0301", "Acme")]
    assert [line.split("2026")[0] for line in shown(rows, names="name at").splitlines()[1:]] == [
        "日本  ",
        "Cafe\u0301  ",
        "Acme  ",
    ]
    cut = shown([{**ROW, "name": "日本" * 20}], columns=30, names="name id").splitlines()[1]
    assert cut == "日本" * 7 + "…"


def test_of_nothing_it_is_said_what_to_do_and_machines_get_an_empty_list() -> None:
    assert shown([]) == "none: make one\n"
    assert json.loads(shown([], as_json=True)) == {"data": []}


def test_json_is_as_if_it_was_written_at_once() -> None:
    rows = [ROW, {**ROW, "more": {"a": [1, 2], "b": []}}]

    @click.command()
    def at_once() -> None:
        show_json({"data": rows})

    assert shown(rows, as_json=True) == CliRunner().invoke(at_once).output


@pytest.mark.parametrize("as_json", [False, True])
def test_a_list_is_printed_while_it_comes(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    printed = []

    def rows() -> Iterator[dict[str, Any]]:
        for place in range(MEASURED + 2):
            printed.append(len(capsys.readouterr().out))
            yield {**ROW, "name": str(place)}

    show_list(rows(), ("name", "id"), as_json=as_json, empty="")
    assert printed[-1] > 0


def test_bars_show_what_is_there_at_all_and_the_most() -> None:
    assert bars([0, 1, 80]) == " ▁█"
    assert len(bars([1] * 1440)) == 60


def test_a_strip_shows_the_worst_of_the_time_that_a_letter_stands_for() -> None:
    times = [f"2026-01-10T{hour:02}:00:00.000000Z" for hour in (0, 10, 20)] + ["2026-01-10T20:00:01.000000Z"]
    spans = [
        {"state": state, "from": since, "to": until}
        for (since, until), state in zip(itertools.pairwise(times), ("unknown", "up", "down"), strict=True)
    ]
    assert drawn(spans) == "·" * 30 + "█" * 29 + "▁"
    assert drawn([]) == "·" * 60
