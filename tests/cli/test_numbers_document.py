"""The files that docs/numbers.md shows are imported as it says."""

import re
from pathlib import Path

import pytest

from cordboard.dialects.native.import_rows import rows_of
from cordboard.domain.addresses import HostPolicy
from cordboard.domain.imports import COLUMNS, Format, Row
from cordboard.usecases.ports import new_ordered_uuid

PAGE = (Path(__file__).parents[2] / "docs" / "numbers.md").read_text()


@pytest.mark.parametrize(("language", "format"), [("csv", Format.CSV), ("json", Format.NDJSON)])
def test_the_examples_are_rows(language: str, format: Format) -> None:
    (example,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    rows = rows_of(example.encode(), format, HostPolicy(), new_ordered_uuid)
    assert len(rows) == 2
    assert all(isinstance(row, Row) for row in rows)


def test_every_column_is_told_of() -> None:
    table = PAGE.partition("| Column |")[2].partition("\n\n")[0]
    named = [
        name for line in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", line)
    ]
    assert named == list(COLUMNS)
