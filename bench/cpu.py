"""CPU time of other processes, to the nanosecond."""

import time
from collections.abc import Iterable


def seconds(pids: Iterable[int]) -> float:
    """User and system time that these processes have used so far, ended threads included.

    Linux numbers the CPU clock of a process `(~pid << 3) | 2` (clock_getcpuclockid(3)). It is what /proc/PID/stat
    tells, without its grain of 10 ms. Raises OSError for a process that is gone.
    """
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)
