"""Entries of the catalogue: what is read is checked, and what is told fills it."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from cordboard.domain.catalogue import InvalidEntry, Parameter, WrongParameter, entry, filled

DOCUMENT: Mapping[str, Any] = {
    "id": "acme",
    "kind": "platform",
    "name": "Acme",
    "checked": date(2026, 11, 21),
    "sources": ["https://acme.example/sip"],
    "parameters": [{"name": "bot", "means": "the bot's name", "example": "b1", "pattern": "b[0-9]+"}],
    "sets": {"sip_uri": "sip:{number}@{bot}.acme.example", "headers": [{"name": "X-Bot", "value": "{bot}"}]},
    "authentication": [],
    "numbers": [],
    "there": ["Open the gate"],
    "networks": [{"use": "media", "where": "everywhere", "ranges": ["192.0.2.0/24"]}],
    "caveats": [],
}


def test_what_is_told_goes_into_every_text_and_the_called_number_stays_to_be_filled() -> None:
    made = entry(DOCUMENT)
    body = filled(made.sets, made.parameters, {"bot": "b7"})
    assert body == {"sip_uri": "sip:{number}@b7.acme.example", "headers": [{"name": "X-Bot", "value": "b7"}]}


def test_a_parameter_with_a_default_need_not_be_told() -> None:
    parameter = Parameter(name="host", means="the host", example="b", pattern="[ab]", default="a")
    assert filled({"x": ["{host}", 5]}, [parameter], {}) == {"x": ["a", 5]}


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({}, "bot is missing: the bot's name, such as b1"),
        ({"bot": "sip:b7"}, "bot is not of the form of b1: the bot's name"),
        ({"bot": "b7", "bott": "b8"}, "there is no parameter 'bott'; there are bot"),
    ],
)
def test_what_is_told_wrongly_is_named(told: dict[str, str], said: str) -> None:
    made = entry(DOCUMENT)
    with pytest.raises(WrongParameter, match=f"^{said}$"):
        filled(made.sets, made.parameters, told)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "pbx"}, "kind"),
        ({"kind": "carrier"}, "no place to send calls to"),
        ({"checked": "2026-11-21"}, "not a date"),
        ({"sources": []}, "no source"),
        ({"sources": ["acme.example"]}, "https"),
        ({"there": []}, "other side"),
        ({"parameters": []}, "parameters are not those"),
        ({"sets": {"sip_uri": "sip:a@acme.example"}}, "parameters are not those"),
        ({"parameters": [{**DOCUMENT["parameters"][0], "example": "x"}]}, "example"),
        ({"parameters": [{**DOCUMENT["parameters"][0], "pattern": "("}]}, "acme: "),
        ({"networks": [{"use": "media", "where": "here", "ranges": ["192.0.2.1/24"]}]}, "host bits"),
        ({"retired": [{"host": "a.example", "since": "2026", "instead": "b.example"}]}, "not a date"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_an_entry_that_is_not_as_it_must_be_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidEntry, match=said):
        entry({**DOCUMENT, **change})
