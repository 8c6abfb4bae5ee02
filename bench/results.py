"""The table, on the terminal and in results.md."""

import os
import platform
import re
import sqlite3
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.reasons import REASONS
from bench.rows import Row
from tests.postgres import PROGRAMS

PATH = Path(__file__).with_name("results.md")
HEADINGS = ("row", "floor", "measured", "ratio", "budget", "verdict")
Measured = Sequence[tuple[str, Sequence[Row]]]


def text(measured: Measured) -> str:
    """For a terminal: aligned columns, a section below the other."""
    cells = [(title, [_cells(row) for row in rows]) for title, rows in measured]
    widths = [max(len(line[i]) for line in (HEADINGS, *(c for _, rows in cells for c in rows))) for i in range(6)]
    lines = []
    for title, rows in cells:
        lines += ["", title, _aligned(HEADINGS, widths), *(_aligned(row, widths) for row in rows)]
    lines += ["", *(f"{row.name}: {reason(row)}" for _, rows in measured for row in rows if not row.met)]
    return "\n".join(lines).strip()


def write(measured: Measured) -> None:
    """Write results.md."""
    lines = ["# Measured", "", _where(), "", _HOW]
    for title, rows in measured:
        lines += ["", f"## {title}", "", _markdown(HEADINGS), _markdown(["---", "--:", "--:", "--:", "---", "---"])]
        lines += [_markdown(_cells(row)) for row in rows]
        missed = [row for row in rows if not row.met]
        if missed:
            lines += ["", *(f"- {row.name}: {reason(row)}" for row in missed)]
    PATH.write_text("\n".join(lines) + "\n")


def reason(row: Row) -> str:
    """Why a budget is not met, as far as it was looked into."""
    return next(
        (why for pattern, why in REASONS.items() if re.search(pattern, row.name)), "not met; not looked into yet"
    )


_HOW = (
    "Made by `make bench`. Floors are measured in the same run, by turns with what they are the floor of; every value "
    "is a median of rounds. CPU is user and system time of the whole server process (of PostgreSQL's too where numbers "
    "grow), under 32 keep-alive connections, with the log line and the metrics on; of calls it is that of all of "
    "Kamailio's processes, rtpengine apart, at 250 new calls a second. Ratios travel to other machines; absolute "
    "values do not."
)


def _cells(row: Row) -> tuple[str, ...]:
    measured = (
        row.name,
        f"{_number(row.floor)} {row.unit}",
        f"{_number(row.measured)} {row.unit}",
        f"{row.ratio:.2f} x",
    )
    budget = row.budget
    if budget is None:
        return (*measured, "none", "")
    value = f"{budget.value:g} x" if budget.of == "ratio" else f"{budget.value:g} {row.unit}"
    aim = "" if budget.aim is None else f" (aim {budget.aim:g} x)"
    return (*measured, f"{budget.bound} {value}{aim}", "met" if row.met else "not met")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    name, *numbers, budget, verdict = (
        cell.rjust(width) if 1 <= place <= 3 else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join((name, *numbers, budget, verdict)).rstrip()


def _markdown(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _where() -> str:
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    versions = {
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "PostgreSQL": _version(str(PROGRAMS / "postgres"), "--version"),
        "Kamailio": _version("kamailio", "-v"),
        "rtpengine": _version("rtpengine", "--version"),
    }
    said = ", ".join(f"{name} {version}" for name, version in versions.items())
    cpu = model[1] if model else platform.machine()
    system = f"{platform.system()} {platform.release()}"
    sync = f"fdatasync of 8 kB {_sync_microseconds():.0f} µs"
    return f"{datetime.now(UTC):%d %B %Y}, {os.cpu_count()} cores of {cpu}; {sync}; {system}; {said}."


def _sync_microseconds() -> float:
    """The median of a few hundred, where the stores that were measured lay."""
    taken = []
    with tempfile.TemporaryFile() as file:
        for _ in range(300):
            began = time.perf_counter()
            os.pwrite(file.fileno(), bytes(8192), 0)
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1e6


def _version(*command: str) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=20)
    found = re.search(r"\d+(\.\d+)+\S*", done.stdout + done.stderr)
    return found[0] if found else "unknown"
