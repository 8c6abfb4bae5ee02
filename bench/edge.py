"""CPU of a whole call, INVITE to BYE, through the edge, against a Kamailio that only relays it.

What the processes use while nobody calls is taken off.
"""

import contextlib
import random
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

from bench import calls, cpu, relays
from bench.calls import CallsFailed
from bench.relays import Relay
from bench.rounds import progress
from bench.rows import Budget, Row
from tests.calls.sipp import answering

CARRIER, AGENT, GATEWAY = "127.0.1.1", "127.0.2.1", "127.0.1.2"
LOOKUP, FULL, GROWTH = Budget(value=1.8), Budget(value=3), Budget(value=1.6)
#: Dialled by agents; nobody has it.
ELSEWHERE = "+34911234567"
#: Seconds that all which calls leave behind is done in: events deleted, rows of dialogs gone.
SETTLES = 2.5
#: Seconds after which calls that have failed are forgotten: SIPp's agent waits for a BYE so long.
CALMS_DOWN = 15.0
#: Seconds that nobody calls.
IDLE = 5.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much to measure."""

    sizes: tuple[int, ...] = (1000, 100_000, 1_000_000)
    rounds: int = 4
    calls: int = 1000


@dataclass(frozen=True, kw_only=True)
class Side:
    """Whose calls are measured: what carries them, which numbers it knows, and which way they go."""

    relay: Relay
    numbers: int
    outbound: bool = False


@dataclass(frozen=True, kw_only=True)
class Used:
    """Seconds of CPU, of whatever the name says."""

    kamailio: float
    rtpengine: float


def measure(_client: ProcessPoolExecutor, quick: bool) -> Iterator[Row]:
    """Rows of the decision alone, of whole calls in and out, and of what more numbers make of both."""
    plan = Plan(sizes=(1000, 10_000), rounds=1, calls=300) if quick else Plan()
    with contextlib.ExitStack() as stack:
        agent = stack.enter_context(answering(AGENT, trace=False)).at
        gateway = stack.enter_context(answering(GATEWAY, trace=False)).at
        sides = {"bare": Side(relay=stack.enter_context(relays.plain(agent)), numbers=plan.sizes[0])}
        for numbers in plan.sizes:
            progress(f"edge: filling with {numbers:,} numbers")
            whole = stack.enter_context(relays.whole_edge(numbers, agent, gateway))
            lookup = stack.enter_context(relays.plain(agent, whole.file))
            sides[f"lookup {numbers}"] = Side(relay=lookup, numbers=numbers)
            sides[f"full {numbers}"] = Side(relay=whole, numbers=numbers)
        smallest = sides[f"full {plan.sizes[0]}"]
        sides["outbound"] = Side(relay=smallest.relay, numbers=smallest.numbers, outbound=True)
        used = _by_turns(sides, plan)
    yield from _against_bare(used, plan)
    yield from _growing(used, plan)


def _against_bare(used: Mapping[str, Used], plan: Plan) -> Iterator[Row]:
    bare = used["bare"].kamailio
    for title, kind, budget in (("decision alone", "lookup", LOOKUP), ("whole call in", "full", FULL)):
        for numbers in plan.sizes:
            yield _row(f"{title}, {numbers:,} numbers", bare, used[f"{kind} {numbers}"].kamailio, budget)
    first = plan.sizes[0]
    yield _row(f"whole call out, {first:,} numbers", bare, used["outbound"].kamailio, FULL)
    yield _row("rtpengine beside a whole call in", bare, used[f"full {first}"].rtpengine, None)
    yield _row("rtpengine beside a whole call out", bare, used["outbound"].rtpengine, None)


def _growing(used: Mapping[str, Used], plan: Plan) -> Iterator[Row]:
    smallest, *larger = plan.sizes
    for title, kind in (("decision alone", "lookup"), ("whole call in", "full")):
        for numbers in larger:
            floor, measured = used[f"{kind} {smallest}"], used[f"{kind} {numbers}"]
            yield _row(
                f"{title}, {numbers:,} instead of {smallest:,} numbers", floor.kamailio, measured.kamailio, GROWTH
            )


def _row(name: str, floor: float, measured: float, budget: Budget | None) -> Row:
    return Row(name=name, floor=floor * 1e6, measured=measured * 1e6, unit="µs CPU", budget=budget)


def _by_turns(sides: Mapping[str, Side], plan: Plan) -> dict[str, Used]:
    """Of a call, the median of the rounds; the first one warms up and does not count."""
    chance = random.Random(1)
    idle = _idle(sides)
    rounds: dict[str, list[Used]] = {name: [] for name in sides}
    for number in range(plan.rounds + 1):
        for name, side in sides.items():
            progress(f"edge: {name}, {'to warm up' if number == 0 else f'round {number} of {plan.rounds}'}")
            used = _again(partial(_of_a_call, side, plan, chance, idle[name]))
            if number:
                rounds[name].append(used)
    return {name: _combined(statistics.median, some) for name, some in rounds.items()}


def _idle(sides: Mapping[str, Side]) -> dict[str, Used]:
    """Of a second in which nobody calls."""
    time.sleep(SETTLES)
    before = {name: _read(side.relay) for name, side in sides.items()}
    time.sleep(IDLE)
    return {name: _since(before[name], side.relay, IDLE) for name, side in sides.items()}


def _again(measured: Callable[[], Used]) -> Used:
    """A round in which a call failed says nothing: another one is tried, and a third. Raises CallsFailed."""
    for _ in range(2):
        try:
            return measured()
        except CallsFailed as failed:
            progress(f"edge: once more, since not all calls were carried: {str(failed)[:300]}")
            time.sleep(CALMS_DOWN)
    return measured()


def _of_a_call(side: Side, plan: Plan, chance: random.Random, idle: Used) -> Used:
    numbers = [relays.number(chance.randrange(side.numbers)) for _ in range(plan.calls)]
    rows = [f"{ELSEWHERE};{number}" for number in numbers] if side.outbound else [f"{n};{ELSEWHERE}" for n in numbers]
    began, before = time.monotonic(), _read(side.relay)
    calls.place(side.relay.at, rows, AGENT if side.outbound else CARRIER)
    side.relay.done()
    time.sleep(SETTLES)
    seconds = (time.monotonic() - began) / plan.calls
    used = _since(before, side.relay, plan.calls)
    return Used(
        kamailio=used.kamailio - idle.kamailio * seconds,
        rtpengine=used.rtpengine - idle.rtpengine * seconds,
    )


def _read(relay: Relay) -> tuple[dict[int, float], dict[int, float]]:
    return cpu.seconds(relay.kamailio), cpu.seconds(relay.rtpengine)


def _since(before: tuple[dict[int, float], dict[int, float]], relay: Relay, count: float) -> Used:
    """Since that reading, divided by `count`."""
    kamailio, rtpengine = (cpu.between(*pair) / count for pair in zip(before, _read(relay), strict=True))
    return Used(kamailio=kamailio, rtpengine=rtpengine)


def _combined(how: Callable[[Iterable[float]], float], some: Sequence[Used]) -> Used:
    return Used(kamailio=how(used.kamailio for used in some), rtpengine=how(used.rtpengine for used in some))
