"""docs/metrics.md: what `/metrics` has, asked of those who make it. A metric without a line here stops the writing."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric

from cordboard.dialects.server import server
from cordboard.engines.edge.ingest import EventsCollector
from cordboard.engines.edge.names.metrics import NamesCollector
from cordboard.engines.edge.recordings import RecordingsCollector
from cordboard.engines.webhooks.dispatch import WebhooksCollector

_PAGE = """# Metrics

`GET /metrics` on the server's HTTP address, in Prometheus' text format, to whoever reaches it: keep it from the
Internet. It names no tenant, number or address. A server without an edge (`--no-edge`) has those of HTTP and webhooks
and `cordboard_ready` alone. Counters begin at 0 when the server starts, but for what was lost or banned, which the edge
counts. Of the histogram there are `_bucket`, `_count` and `_sum`.

{table}
"""


class Said(NamedTuple):
    """What no code says of a metric."""

    labels: str
    alert: str


_NO_LABELS = ""
_SAID = {
    "cordboard_ready": Said(_NO_LABELS, "0 for a minute: no calls are taken; `/readyz` says why"),
    "cordboard_http_requests": Said(
        "`dialect` (`native`, `diga`, `nebrija`, `telecom.center`, `console`, `other`), `method`, `status`",
        "5xx that go on: the log has each",
    ),
    "cordboard_http_request_seconds": Said("`dialect`, `method`", "a 95th percentile that is far from its usual one"),
    "cordboard_names": Said(
        "`state` (`resolved`, `unresolved`)", "`unresolved` above 0 for ten minutes: a gateway or agent has no address"
    ),
    "cordboard_name_lookups": Said(
        "`result` (`resolved`, `nothing`, `unanswered`)", "`unanswered` rises: the name servers do not answer"
    ),
    "cordboard_events_taken": Said(_NO_LABELS, "flat while calls come in: records are not written; the log says why"),
    "cordboard_events_lost": Said(
        "`kind` (`calls`, `messages`, `refusals`, `unreadable`)",
        "any rise: records have gaps. See [Calls and refusals](operations.md#calls-and-refusals)",
    ),
    "cordboard_banned_messages": Said(_NO_LABELS, "a steep rise: somebody floods; `cordboard ban list` says who"),
    "cordboard_recordings_made": Said(_NO_LABELS, "nothing"),
    "cordboard_recordings_set_aside": Said(
        _NO_LABELS, "any rise: a recording is in `edge/aside`; the log has a line for it"
    ),
    "cordboard_webhook_attempts": Said("`result` (`taken`, `failed`)", "`failed` alone rises: receivers are down"),
    "cordboard_webhook_given_up": Said(
        _NO_LABELS, "any rise: `cordboard webhook deliveries ID --state failed`, then `replay`"
    ),
    "cordboard_webhook_under_way": Said(_NO_LABELS, "100 all the time: that is as many as there can be"),
    "cordboard_webhook_overdue_seconds": Said(_NO_LABELS, "above 60: receivers cannot take what there is"),
}


def metrics() -> list[Metric]:
    """Those of a server with an edge, which need not run to say what they are called."""
    nobody: Any = type("Nobody", (), {})()
    nobody.counts = lambda: (0, 0)
    nobody.lookups = nobody.attempts = Counter()
    nobody.taken = nobody.unreadable = nobody.made = nobody.set_aside = nobody.given_up = nobody.under_way = 0
    nobody.lost = type("Lost", (), {"calls": 0, "messages": 0, "refusals": 0, "banned": 0})
    nobody.overdue_since = nobody.clock = None
    registry = CollectorRegistry()
    server({}, registry, lambda: None)
    for collector in (NamesCollector, EventsCollector, RecordingsCollector):
        registry.register(collector(nobody))
    registry.register(WebhooksCollector(nobody, nobody))
    return sorted(registry.collect(), key=lambda metric: metric.name)


def exposed(metric: Metric) -> str:
    """The name that Prometheus knows it by."""
    return f"{metric.name}_total" if metric.type == "counter" else metric.name


def _rows() -> Iterator[str]:
    yield "| metric | type | labels | what it counts | worth an alert |"
    yield "|---|---|---|---|---|"
    for metric in metrics():
        labels, alert = _SAID[metric.name]
        yield f"| `{exposed(metric)}` | {metric.type} | {labels} | {metric.documentation} | {alert} |"


def page() -> str:
    return _PAGE.format(table="\n".join(_rows()))
