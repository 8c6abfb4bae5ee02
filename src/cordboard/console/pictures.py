"""Pictures as SVG. What they say stands beside them as text too: a table, or a sentence in their label."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from markupsafe import Markup

_WIDTH: Final = 600
_HEIGHT: Final = 120
#: Where a scale may end: these, and ten times these…
_STEPS: Final = (1, 2, 3, 4, 5, 6, 8)

_SVG = Markup('<svg class="{}" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>')
_RECT = Markup('<rect class="{}" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}"/>')


def top_of(values: Sequence[int]) -> int:
    """A round number that none of them is above, and at least 1."""
    most, scale = max(values, default=0), 1
    while True:
        for step in _STEPS:
            if step * scale >= most:
                return step * scale
        scale *= 10


def bars(rows: Sequence[Mapping[str, Any]], kinds: Sequence[str], label: str) -> Markup:
    """A bar for each row, of its counts of each kind one upon the other."""
    top = top_of([sum(row[kind] for kind in kinds) for row in rows])
    step = _WIDTH / max(len(rows), 1)
    parts = []
    for place, row in enumerate(rows):
        base = float(_HEIGHT)
        for kind in kinds:
            height = row[kind] / top * _HEIGHT
            base -= height
            if height:
                parts.append(_RECT.format(kind, place * step + step * 0.1, base, step * 0.8, height))
    return _SVG.format("bars", _WIDTH, _HEIGHT, label, Markup("").join(parts))


def steps(counts: Sequence[int], label: str) -> Markup:
    """A line that goes on at one height until the count changes, with what is below it."""
    top = top_of(counts)
    step = _WIDTH / max(len(counts), 1)
    points = []
    for place, count in enumerate(counts):
        y = _HEIGHT - count / top * _HEIGHT
        points += [f"{place * step:.2f},{y:.2f}", f"{(place + 1) * step:.2f},{y:.2f}"]
    line = " ".join(points)
    drawn = Markup('<polygon points="0,{} {} {},{}"/><polyline points="{}"/>').format(
        _HEIGHT, line, _WIDTH, _HEIGHT, line
    )
    return _SVG.format("steps", _WIDTH, _HEIGHT, label, drawn)


def share(count: int, most: int) -> Markup:
    """A bar beside a number that says the same."""
    return Markup(
        '<svg class="share" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<rect x="0" y="0" width="{:.2f}" height="10"/></svg>'
    ).format(count / max(most, 1) * 100)


def strip(spans: Sequence[Mapping[str, Any]], hours: int, label: str) -> Markup:
    """Spans of states, each as wide as it was long of so many hours; before the first there is nothing."""
    since = datetime.fromisoformat(spans[-1]["to"]) - timedelta(hours=hours)
    whole = hours * 3600
    parts = []
    for span in spans:
        began, ended = (datetime.fromisoformat(span[end]) for end in ("from", "to"))
        x = (began - since).total_seconds() / whole * _WIDTH
        # what was down for a second is to be seen
        width = max((ended - began).total_seconds() / whole * _WIDTH, 2.0 if span["state"] == "down" else 0.0)
        parts.append(_RECT.format(span["state"], min(x, _WIDTH - 2), 0, width, 10))
    return _SVG.format("strip", _WIDTH, 10, label, Markup("").join(parts))


def share_of_time(spans: Sequence[Mapping[str, Any]], state: str) -> float:
    """Of the whole time, from 0 to 1, how much it was in that state."""
    lasted = {True: 0.0, False: 0.0}
    for span in spans:
        began, ended = (datetime.fromisoformat(span[end]) for end in ("from", "to"))
        lasted[span["state"] == state] += (ended - began).total_seconds()
    return lasted[True] / (sum(lasted.values()) or 1.0)


def with_strip(place: Mapping[str, Any], hours: int) -> dict[str, Any]:
    """A gateway with its strip over the last hours, how often it was down, and since when it is, if that is known."""
    spans = place["spans"]
    outages = sum(span["state"] == "down" for span in spans)
    said = f"{place['host']} over the last {hours} hours: up for {share_of_time(spans, 'up'):.1%} of the time"
    said = f"{said}, down {outages} {'time' if outages == 1 else 'times'}; now {place['state']}"
    since = spans[-1]["from"] if len(spans) > 1 and place["state"] == "down" else None
    return {**place, "picture": strip(spans, hours, said), "outages": outages, "down_since": since}
