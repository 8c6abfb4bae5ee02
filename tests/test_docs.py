"""What the documentation must say, or a test fails."""

import re
from functools import partial
from pathlib import Path

import pytest

from cordboard.dialects.nebrija.advanced import Advanced
from scripts import ledger
from scripts.reference import DOCS, PAGES

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", PAGES)
def test_the_reference_says_what_the_code_does(name: str) -> None:
    assert (DOCS / name).read_text() == PAGES[name](), "run: .venv/bin/python -m scripts.reference"


@pytest.mark.parametrize(("name", "tests"), [("GET /x", False), ("GET /sip_device_routes", True)])
def test_a_line_of_the_ledger_without_a_test_stops_the_writing(name: str, tests: bool) -> None:
    line = ledger.Line(name=name, says="Something")
    section = partial(ledger.section, "Operations", [line], ledger.proofs())
    if tests:
        assert "test_vendor_examples.py" in section()
    else:
        with pytest.raises(ledger.EmptyLine, match="GET /x"):
            section()


def test_every_option_of_a_trunk_is_told_of() -> None:
    told = (DOCS / "nebrija.md").read_text().partition("## Options")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \|", told, re.MULTILINE)
    assert rows == [field.alias for field in Advanced.model_fields.values()]


def test_every_link_between_the_documents_leads_somewhere() -> None:
    for page in [ROOT / "README.md", *DOCS.rglob("*.md")]:
        for target, heading in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", page.read_text()):
            there = page.parent / target if target else page
            assert there.exists(), f"{page.name} links to {target}"
            assert not heading or heading in _headings(there), f"{page.name} links to {target}#{heading}"


def _headings(page: Path) -> set[str]:
    """As links name them."""
    found = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in found}
