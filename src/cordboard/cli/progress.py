"""What is told of work that takes its time: on standard error, and to nobody but a terminal."""

import contextlib
import sys
import threading
from collections.abc import Iterator
from itertools import count
from typing import Final

import click

#: Seconds after which a wait is told of, and between two times.
TICK: Final = 1.0
_BACK: Final = "\r\033[K"


@contextlib.contextmanager
def waiting() -> Iterator[None]:
    """While the server is waited for: for how long, if that is longer than a moment; it is wiped away afterwards."""
    if not sys.stderr.isatty():
        yield
        return
    over = threading.Event()
    teller = threading.Thread(target=_tell, args=(over,), daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()


def _tell(over: threading.Event) -> None:
    for seconds in count(1):
        if over.wait(TICK):
            if seconds > 1:
                click.echo(_BACK, err=True, nl=False)
            return
        click.echo(f"{_BACK}waiting for the server, {seconds} s", err=True, nl=False)
