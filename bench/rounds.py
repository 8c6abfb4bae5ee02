"""Rounds of load on several servers by turns, so that a noisy neighbour troubles them alike."""

import statistics
import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from bench.load import Round, play
from bench.requests import Operation, Requests
from bench.servers import Target


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How long to measure."""

    rounds: int = 9
    requests: int = 3000


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def cpu_per_request(
    client: ProcessPoolExecutor,
    operation: Operation,
    targets: Mapping[str, Target],
    effort: Effort,
    *,
    with_backends: bool = False,
) -> dict[str, float]:
    """Microseconds of CPU a request, the median of the rounds; the first round warms up and does not count.

    A target without a layout of its own is sent what the first target with one is sent. `with_backends` counts
    PostgreSQL's processes too.
    """
    layouts = [t.layout for t in targets.values() if t.layout.numbers]
    sources = {n: Requests(operation, t.layout if t.layout.numbers else layouts[0], 1) for n, t in targets.items()}
    spent: dict[str, list[float]] = {name: [] for name in targets}
    for number in range(effort.rounds + 1):
        for name, target in targets.items():
            requests = sources[name].take(effort.requests)
            backends = target.backends() if with_backends else ()
            wanted = Round(
                port=target.port,
                pids=(target.pid, *backends),
                warm_up=requests.pop(),
                requests=requests,
            )
            used = client.submit(play, wanted).result()
            if number:
                spent[name].append(used.cpu * 1e6)
    return {name: statistics.median(values) for name, values in spent.items()}
