"""Where the chance of generated tests comes from.

The same cases each time, so that a failure tells of the change; `SEED=random` makes new ones, `SEED=N` those of a run.
"""

import os
import secrets


def again() -> bool:
    """Whether the cases are those of each run."""
    return "SEED" not in os.environ


def seed() -> int:
    """Of 32 bits, printed."""
    said = os.environ.get("SEED", "1")
    value = secrets.randbits(32) if said == "random" else int(said)
    print(f"SEED={value}")
    return value
