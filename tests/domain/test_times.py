"""Instants and billing months."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.domain.times import from_wire, next_monthly, to_wire

#: In UTC, since instants arrive from everywhere; away from the ends of the calendar, where a zone leads out of it.
INSTANTS = st.datetimes(
    min_value=datetime(2, 1, 1),  # noqa: DTZ001
    max_value=datetime(9998, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-11)), timezone(timedelta(hours=5, minutes=45))]),
)


@given(INSTANTS)
def test_an_instant_survives_the_wire(instant: datetime) -> None:
    text = to_wire(instant)
    assert len(text) == 27
    assert from_wire(text) == instant


@given(INSTANTS, INSTANTS)
def test_the_text_sorts_as_the_instants_do(one: datetime, other: datetime) -> None:
    assert (to_wire(one) < to_wire(other)) == (one < other)


def test_an_instant_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        to_wire(datetime(2026, 1, 1))  # noqa: DTZ001


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("anchor", "after", "anniversary"),
    [
        ("2026-01-10T12:00", "2026-01-10T12:00", "2026-02-10T12:00"),  # at once: a month from now
        ("2026-01-10T12:00", "2026-02-10T11:59", "2026-02-10T12:00"),  # a minute before
        ("2026-01-10T12:00", "2026-02-10T12:00", "2026-03-10T12:00"),  # at the anniversary: the next one
        ("2026-01-31T00:00", "2026-02-01T00:00", "2026-02-28T00:00"),  # February has no 31st
        ("2026-01-31T00:00", "2026-02-28T00:00", "2026-03-31T00:00"),  # and March has its 31st again
        ("2024-01-31T00:00", "2024-02-01T00:00", "2024-02-29T00:00"),  # a leap year
        ("2024-02-29T00:00", "2025-02-01T00:00", "2025-02-28T00:00"),  # an anchor that comes every four years
        ("2026-03-31T00:00", "2026-04-01T00:00", "2026-04-30T00:00"),  # April
        ("2026-12-31T23:00", "2026-12-31T23:30", "2027-01-31T23:00"),  # over the new year
        ("2020-01-15T08:00", "2026-11-20T00:00", "2026-12-15T08:00"),  # years later
    ],
)
def test_the_billing_month_ends_on_the_day_it_began(anchor: str, after: str, anniversary: str) -> None:
    assert next_monthly(at(anchor), at(after)) == at(anniversary)


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001
    st.timedeltas(timedelta(0), timedelta(days=4000)),
)
def test_the_next_anniversary_is_later_and_at_most_a_month_away(anchor: datetime, elapsed: timedelta) -> None:
    anchor = anchor.replace(tzinfo=UTC)
    after = anchor + elapsed
    found = next_monthly(anchor, after)
    assert after < found <= after + timedelta(days=31)
    assert (found.day == anchor.day) or (found + timedelta(days=1)).day == 1
    assert found.timetz() == anchor.timetz()
