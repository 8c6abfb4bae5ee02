"""Spans of a gateway's health, made of what was told of it."""

from datetime import UTC, datetime, timedelta

import pytest

from cordboard.domain.strips import Span, State, Turn, spans

SINCE = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


def turn(minute: int, way: str, edge: str = "a") -> Turn:
    return Turn(at=SINCE + timedelta(minutes=minute), edge=edge, down=way == "down")


@pytest.mark.parametrize(
    ("present", "turns", "expected"),
    [
        ("up", [], "up 0-60"),
        ("unknown", [], "unknown 0-60"),
        ("up", [turn(10, "down"), turn(12, "up")], "up 0-10, down 10-12, up 12-60"),
        ("up", [turn(10, "up")], "down 0-10, up 10-60"),
        ("down", [turn(10, "down")], "up 0-10, down 10-60"),
        # told again, as after a restart
        ("down", [turn(10, "down"), turn(20, "down")], "up 0-10, down 10-60"),
        # two edges that find so at different times
        (
            "up",
            [turn(10, "down"), turn(12, "down", "b"), turn(14, "up"), turn(16, "up", "b")],
            "up 0-10, down 10-16, up 16-60",
        ),
        # what began before, and is told of as of then
        ("up", [turn(-5, "down"), turn(5, "up")], "down 0-5, up 5-60"),
    ],
)
def test_spans_follow_each_other_without_a_gap(present: State, turns: list[Turn], expected: str) -> None:
    found = spans(present, turns, SINCE, SINCE + timedelta(minutes=60), SINCE - timedelta(days=30))
    assert said(found) == expected


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ([turn(1, "down")], "unknown 0-1, down 1-60"),
        ([turn(1, "down"), turn(2, "down", "b"), turn(9, "up"), turn(9, "up", "b")], "unknown 0-1, down 1-9, up 9-60"),
        # it has answered for long enough to be known
        ([turn(5, "down")], "up 0-5, down 5-60"),
    ],
)
def test_a_new_place_that_never_answered_is_not_said_to_have_been_up(turns: list[Turn], expected: str) -> None:
    assert said(spans("down", turns, SINCE, SINCE + timedelta(minutes=60), SINCE)) == expected


def said(found: list[Span]) -> str:
    return ", ".join(f"{s.state} {_minute(s.since)}-{_minute(s.until)}" for s in found)


def _minute(at: datetime) -> int:
    return (at - SINCE) // timedelta(minutes=1)
