"""docs/calls.md against the code. That its tables are the generated ones is test_docs.py's to say."""

import re
from pathlib import Path

from cordboard.domain.calls import EXPLAINED
from cordboard.domain.reasons import CODES, NO_TRUNK_OUT
from cordboard.settings import Settings, variable
from scripts.call_tables import ADVICE, TABLES

PAGE = (Path(__file__).parents[1] / "docs" / "calls.md").read_text()
#: `word` after a SIP code, as the tables of decisions have them.
CODED = re.compile(r"\b([1-6][0-9]{2}) (`[a-z0-9-]+`(?:(?:, | or )`[a-z0-9-]+`)*)")


def test_every_reason_stands_in_its_table_with_its_code() -> None:
    table = PAGE.partition("<!-- table: reasons -->")[2].partition("<!-- /table -->")[0]
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| ([^|]*) \|", table, re.MULTILINE)
    assert [word for word, _ in rows] == list(EXPLAINED)
    for word, code in rows:
        if code.isdigit() and word != "cancelled":
            assert CODES.get(word) == int(code), word  # type: ignore[call-overload]
    coded = {word for word, code in rows if code.isdigit()}
    assert coded - {"cancelled"} == set(CODES) - {"accepted"} - {
        w for w, (where, _) in ADVICE.items() if where == "ended"
    }


def test_there_is_advice_for_each_reason_and_for_no_other() -> None:
    assert set(ADVICE) == set(EXPLAINED)


def test_a_word_behind_a_code_has_that_code() -> None:
    found = CODED.findall(PAGE)
    assert len(found) > 20
    for code, words in found:
        for word in re.findall("`(.*?)`", words):
            right = {CODES.get(word), NO_TRUNK_OUT if word == "no-trunk" else None}
            assert int(code) in right, f"{code} {word}"


def test_each_table_of_the_code_stands_there_once() -> None:
    assert re.findall(r"<!-- table: ([a-z]+) -->", PAGE) == ["premium", "times", "media", "reasons"]
    assert set(TABLES) == {"premium", "times", "media", "reasons"}


def test_the_settings_that_it_names_exist() -> None:
    named = set(re.findall(r"CORDBOARD_[A-Z_]+", PAGE))
    assert named
    assert named <= {variable(name) for name in Settings.__dataclass_fields__}
