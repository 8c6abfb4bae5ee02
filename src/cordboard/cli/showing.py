"""How answers are shown: JSON for machines, and for people tables that fit their terminal."""

import json
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, Final
from unicodedata import combining, east_asian_width

import click

Row = dict[str, Any]

#: Rows whose widths make a table's columns; what comes after them is printed as it comes.
MEASURED: Final = 200
#: Narrower than this no column is made for the sake of the terminal's width.
LEAST: Final = 16
_GAP: Final = "  "
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
#: An id, or an instant as it is shown.
_UNCUT: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(\d{4}-)?\d\d-\d\d \d\d:\d\d:\d\d")


def show_json(answer: Any) -> None:
    click.echo(json.dumps(answer, indent=2))


def show_object(lines: Row) -> None:
    """One object for people: a line a field; null is a dash."""
    width = max(map(len, lines))
    for name, value in lines.items():
        zone = " UTC" if isinstance(value, str) and _INSTANT.fullmatch(value) else ""
        click.echo(f"{_heading(name).ljust(width)}{_GAP}{said(value)}{zone}")


def show_list(
    rows: Iterable[Row],
    columns: Sequence[str],
    *,
    as_json: bool,
    empty: str,
    line: Callable[[Row], Row] = lambda row: row,
) -> None:
    """A list of whatever length, of which little is in memory: `{"data": …}`, or a table of what `line` makes of a row.

    Of nothing there is no table: `empty` tells people what to do next.
    """
    if as_json:
        _stream_json(rows)
    else:
        show_table(map(line, rows), columns, empty=empty)


def show_table(rows: Iterable[Row], columns: Sequence[str], *, empty: str = "") -> None:
    """A table for people, no wider than their terminal: a heading, then a line a row; null is a dash."""
    cells = ([said(row[name]) for name in columns] for row in rows)
    first = list(islice(cells, MEASURED))
    if not first:
        if empty:
            click.echo(empty, err=True)
        return
    heading = [_heading(name).upper() for name in columns]
    widths = [max(_wide(line[i]) for line in (heading, *first)) for i in range(len(columns))]
    terminal = _terminal()
    if terminal:
        widths = _fitting(widths, [_is_whole(name, first, i) for i, name in enumerate(columns)], terminal)
    for line in chain([heading], first, cells):
        fit = (_cut(cell, width) if terminal else cell for cell, width in zip(line, widths, strict=False))
        click.echo(_GAP.join(_filled(cell, width) for cell, width in zip(fit, widths, strict=False)).rstrip())


def said(value: Any) -> str:
    """A value in a word or a few; instants are UTC, to the second."""
    if value is None or value == [] or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(map(said, value))
    text = str(value)
    return second(text) if _INSTANT.fullmatch(text) else text


def second(instant: str) -> str:
    """`2026-11-21 08:00:09` of an instant."""
    return instant[:19].replace("T", " ")


def _heading(name: str) -> str:
    return name.replace("_", " ")


def _terminal() -> int:
    """Its columns; 0 is that nobody looks, and nothing is to fit."""
    context = click.get_current_context(silent=True)
    if context is not None and context.terminal_width is not None:
        return context.terminal_width
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0


def _is_whole(name: str, lines: Sequence[Sequence[str]], i: int) -> bool:
    """Whether nothing may be cut off: ids are copied, and of an instant no part can be missed."""
    return name == "id" or name.endswith("_id") or any(_UNCUT.fullmatch(line[i]) for line in lines)


def _fitting(widths: list[int], whole: list[bool], terminal: int) -> list[int]:
    """The widths of as many columns from the left as there is room for, the widest of them made less."""
    least = [width if keep else min(width, LEAST) for width, keep in zip(widths, whole, strict=True)]
    while len(least) > 1 and _total(least) > terminal:
        least.pop()
    widths = widths[: len(least)]
    while _total(widths) > terminal and widths != least:
        widest = max((i for i in range(len(least)) if widths[i] > least[i]), key=widths.__getitem__)
        widths[widest] -= 1
    return widths


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _cut(cell: str, width: int) -> str:
    if _wide(cell) <= width:
        return cell
    while _wide(cell) >= width:
        cell = cell[: min(width, len(cell)) - 1]
    return f"{cell}…"


def _filled(cell: str, width: int) -> str:
    return cell + " " * (width - _wide(cell))


def _wide(cell: str) -> int:
    """The columns of a terminal that it takes: a Chinese character two, an accent of its own none."""
    if cell.isascii():
        return len(cell)
    return sum(2 if east_asian_width(each) in "WF" else 0 if combining(each) else 1 for each in cell)


def _stream_json(rows: Iterable[Row]) -> None:
    """As `show_json` prints `{"data": [...]}`, a row at a time."""
    before = '{\n  "data": ['
    for row in rows:
        click.echo(before + "\n" + "\n".join(_indented(row)), nl=False)
        before = ","
    click.echo(f"{before}]\n}}" if before.startswith("{") else "\n  ]\n}")


def _indented(row: Row) -> Iterator[str]:
    return (f"    {line}" for line in json.dumps(row, indent=2).splitlines())
