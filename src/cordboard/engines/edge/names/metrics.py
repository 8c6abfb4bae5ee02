"""What Prometheus is told of names."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cordboard.engines.edge.names.watch import Names


class NamesCollector(Collector):
    """Counted when asked."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def collect(self) -> Iterator[Metric]:
        resolved, unresolved = self._names.counts()
        names = GaugeMetricFamily("cordboard_names", "Host names of gateways and agents", labels=["state"])
        names.add_metric(["resolved"], resolved)
        names.add_metric(["unresolved"], unresolved)
        yield names
        lookups = CounterMetricFamily("cordboard_name_lookups", "Looks at names by result", labels=["result"])
        for result in ("resolved", "nothing", "unanswered"):
            lookups.add_metric([result], self._names.lookups[result])
        yield lookups
