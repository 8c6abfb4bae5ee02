"""Instants: aware datetimes inside, one fixed-width text outside.

The text sorts as the instants do, so stores compare and index it as it is.
"""

from datetime import UTC, datetime, timedelta


def to_wire(instant: datetime) -> str:
    """`2026-11-07T05:31:56.000000Z`: ISO 8601, UTC, always 27 characters. Raises ValueError if not aware."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return instant.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def from_wire(text: str) -> datetime:
    """The instant that `to_wire` wrote."""
    return datetime.fromisoformat(text)


def opt_to_wire(instant: datetime | None) -> str | None:
    return None if instant is None else to_wire(instant)


def opt_from_wire(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def next_monthly(anchor: datetime, after: datetime) -> datetime:
    """The first monthly anniversary of `anchor` later than `after`.

    A month that lacks the anchor's day takes its last day: 31 January, 28 February, 31 March.
    """
    months = (after.year - anchor.year) * 12 + after.month - anchor.month
    while (candidate := _add_months(anchor, months)) <= after:
        months += 1
    return candidate


def _add_months(anchor: datetime, months: int) -> datetime:
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    first = anchor.replace(year=year, month=month + 1, day=1)
    last_day = ((first + timedelta(days=31)).replace(day=1) - timedelta(days=1)).day
    return first.replace(day=min(anchor.day, last_day))
