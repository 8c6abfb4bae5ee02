"""docs/webhooks.md: the check that it gives tells true from false, and it names each type there is."""

import json
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest

from cordboard.domain.events import TYPES
from cordboard.domain.webhooks import new_secret, signatures
from cordboard.storage import changes
from cordboard.usecases import call_events
from cordboard.usecases.change_events import ACTIONS, NUMBERS
from tests.usecases.test_calls import started

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "webhooks.md").read_text()


@pytest.fixture(scope="module")
def check() -> Any:
    """The function as the page has it."""
    (source,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    found: dict[str, Any] = {}
    exec(source, found)
    return found["check"]


SECRET = new_secret()


def message(
    body: bytes = b'{"id":"e1"}', *, id: str = "e1", age: float = 0, secrets: tuple[str, ...] = (SECRET,)
) -> Any:
    at = datetime.fromtimestamp(time.time() - age, UTC)
    headers = {"webhook-id": id, "webhook-timestamp": str(int(at.timestamp()))}
    return headers | {"webhook-signature": signatures(secrets, id, at, body)}, body


def test_a_true_message_is_taken_once(check: Any) -> None:
    seen: set[str] = set()
    assert check(SECRET, *message(), seen) is True
    assert check(SECRET, *message(), seen) is False
    assert check(SECRET, *message(age=120), seen) is False, "a retry has the same id and another timestamp"
    assert check(SECRET, *message(id="e2"), seen) is True


def test_a_message_of_the_day_of_a_new_secret_is_taken_by_either(check: Any) -> None:
    new = new_secret()
    for secret in (SECRET, new):
        assert check(secret, *message(secrets=(new, SECRET)), set())


def test_a_forged_message_is_not_taken(check: Any) -> None:
    headers, body = message()
    another = {
        "body": (headers, body.replace(b"e1", b"e2")),
        "id": (headers | {"webhook-id": "e2"}, body),
        "timestamp": (headers | {"webhook-timestamp": str(int(time.time()) + 1)}, body),
        "secret": message(secrets=(new_secret(),)),
        "no signature": (headers | {"webhook-signature": ""}, body),
        "another scheme": (headers | {"webhook-signature": headers["webhook-signature"].replace("v1,", "v1a,")}, body),
    }
    for what, forged in another.items():
        seen: set[str] = set()
        with pytest.raises(ValueError, match="forged"):
            check(SECRET, *forged, seen)
        assert seen == set(), what


def test_a_message_that_was_kept_is_not_taken(check: Any) -> None:
    for age in (600, -600):
        with pytest.raises(ValueError, match="old"):
            check(SECRET, *message(age=age), set())


def test_every_type_that_is_told_is_in_the_table_and_no_other() -> None:
    table = PAGE.partition("## Types")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `([a-z.]+)` \|", table, re.MULTILINE)
    source = "\n".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    told = re.findall(r'(?:type=|type = |TEST: Final = |if .* else )"([a-z]+(?:\.[a-z]+)+)"', source)
    told += re.findall(r'(?:type =|return) "([a-z]+(?:\.[a-z]+)+)" if', source)
    assert sorted(listed) == sorted(set(told))


def test_a_webhook_may_wait_for_what_is_in_the_tables_and_for_nothing_else() -> None:
    table = PAGE.partition("## Types")[2].partition("\n## ")[0]
    rows = "\n".join(re.findall(r"^\| (?:\w+ \| )?`.*", table, re.MULTILINE))
    nouns = "|".join({type.partition(".")[0] for type in TYPES})
    assert set(re.findall(rf"`((?:{nouns})\.[a-z.]+)`", rows)) == TYPES


def test_the_example_is_what_a_call_is_told_as() -> None:
    of_a_call, of_a_change = map(json.loads, re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))
    assert list(of_a_call["data"]) == list(call_events.of(started()))
    assert list(of_a_call) == list(of_a_change)


def test_every_change_is_in_the_table_of_its_noun() -> None:
    table = PAGE.partition("### Configuration")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| (\w+) \| (`.*) \|$", table, re.MULTILINE))
    assert set(rows) == set(get_args(changes.Kind))
    for noun, types in rows.items():
        told = {*(NUMBERS if noun == "number" else ACTIONS).values(), "updated"}
        assert set(re.findall(r"`([a-z.]+)`", types)) == {f"{noun}.{each}" for each in told}
