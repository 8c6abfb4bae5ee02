"""How the story is printed: chapters, API requests as sent and answered, ladders, a table at the end."""

import json
import os
import sys
import textwrap
from collections.abc import Sequence
from typing import Any

WIDTH = 100
_COLOURS = sys.stdout.isatty() and "NO_COLOR" not in os.environ
#: Never printed, whatever the request holds.
_SECRET = {"password"}


def chapter(title: str) -> None:
    print(f"\n{_bold(title)}\n{'─' * len(title)}", flush=True)


def say(text: str) -> None:
    print(textwrap.fill(text, WIDTH), flush=True)


def command(arguments: Sequence[str], answer: str) -> None:
    """A command as typed, and what it printed if that is to be shown."""
    print(f"  $ cordboard {' '.join(_quoted(a) for a in arguments)}")
    if answer:
        print(textwrap.indent(answer.rstrip(), "  "), flush=True)


def request(method: str, path: str, body: Any) -> None:
    print(f"  → {_bold(f'{method} {path}')}")
    if body is not None:
        print(textwrap.indent(_json(_masked(body)), "    "), flush=True)


def answer(status: int, body: Any) -> None:
    print(f"  ← {_bold(str(status))}")
    if body is not None:
        print(textwrap.indent(_json(body), "    "), flush=True)


def outcome(good: bool, text: str) -> None:
    mark = _coloured("✔", 32) if good else _coloured("✘", 31)
    print(f"  {mark} {text}", flush=True)


def table(rows: Sequence[Sequence[str]]) -> None:
    """The first row is the heading."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for number, row in enumerate(rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        print(f"  {_bold(line) if number == 0 else line}")
    sys.stdout.flush()


def _json(value: Any) -> str:
    """JSON in as few lines as fit the width: short fields share a line, so that a phone fits on a screen."""
    text = json.dumps(value, ensure_ascii=False)
    if len(text) <= WIDTH - 10 or not isinstance(value, dict | list):
        return text
    if isinstance(value, list):
        return "[\n" + textwrap.indent(",\n".join(map(_json, value)), "  ") + "\n]"
    lines = [""]
    for key, item in value.items():
        field = f'"{key}": {_json(item)},'
        if lines[-1] and len(lines[-1]) + len(field) > WIDTH - 10:
            lines.append("")
        lines[-1] += f" {field}" if lines[-1] else field
    return "{\n" + textwrap.indent("\n".join(lines).removesuffix(","), "  ") + "\n}"


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: "••••••" if k in _SECRET and v else _masked(v) for k, v in value.items()}
    return value


def _quoted(argument: str) -> str:
    return f"'{argument}'" if any(c in argument for c in " {}*;") else argument


def _bold(text: str) -> str:
    return _coloured(text, 1)


def _coloured(text: str, code: int) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if _COLOURS else text
