"""`python -m bench`: measure, print the table, write results.md."""

import argparse
import json
import logging
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict

import structlog

from bench import (
    api,
    console,
    durable_writes,
    edge,
    events,
    growth,
    imports,
    livekit,
    load,
    registrations,
    results,
    start_up,
    trunks,
    write_to_call,
)
from bench.rows import Row

Measure = Callable[[ProcessPoolExecutor, bool], Iterator[Row]]
SECTIONS: dict[str, tuple[str, Measure]] = {
    "api": ("CPU per request, against a constant body on the same server", api.measure),
    "durable-writes": ("Durable writes on SQLite, against one COMMIT each", durable_writes.measure),
    "start-up": ("Start-up and memory without the edge, against the constant body's server", start_up.measure),
    "write-to-call": (
        "From a write's acknowledgement to its first call, against a call with no write before",
        write_to_call.measure,
    ),
    "imports": ("Imports of numbers by the command, against the bare inserts of what they store", imports.measure),
    "events": ("Events of the edge into the store, against the 2,800 a second of 200 calls a second", events.measure),
    "edge": ("CPU per call at the edge, INVITE to BYE, against a Kamailio that only relays it", edge.measure),
    "registrations": ("Registrations at the edge, against a Kamailio that only registers", registrations.measure),
    "trunks": ("Latency of one client as trunks grow, against 100 trunks, without the edge", trunks.measure),
    "console": ("Pages of the console as numbers grow, against 1,000 numbers, without the edge", console.measure),
    "livekit": ("Trunks and calls beside a real LiveKit's own, on the same machine", livekit.measure),
    "growth": ("CPU per request as numbers grow, against 1,000 numbers", growth.measure),
}


def main() -> int:
    """Exit code 0 whatever was measured: a table is read, not obeyed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, to check the bench itself; no results.md")
    parser.add_argument("--only", action="append", choices=SECTIONS, help="one section; repeat; no results.md")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    # what starts and stops is no part of the table
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    measured: list[tuple[str, list[Row]]] = []
    with load.client() as client:
        for name, (title, measure) in SECTIONS.items():
            if not options.only or name in options.only:
                measured.append((title, list(measure(client, options.quick))))
                if not options.json:
                    print(results.text(measured[-1:]), end="\n\n", flush=True)
    if options.json:
        rows = [{"section": title, **asdict(row), "met": row.met} for title, rows in measured for row in rows]
        json.dump(rows, sys.stdout, indent=2, ensure_ascii=False)
        print()
    if not options.quick and not options.only:
        results.write(measured)
    return 0


if __name__ == "__main__":
    sys.exit(main())
