"""An engine's process as the operating system sees it: it must outlive us, and be found again.

It starts in its own session, writes to a file (a pipe whose reader hangs would stop it), and holds a lock on a
descriptor that all its children inherit. Descriptors below 32 are closed by Kamailio.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_LOWEST_LOCK_FD = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    """A process that is told from a later one with the same pid by its start time."""

    pid: int
    #: Clock ticks after boot, field 22 of /proc/PID/stat.
    started: int
    #: Of the configuration that it was started with: config.fingerprint.
    fingerprint: str

    def alive(self) -> bool:
        return start_time(self.pid) == self.started

    def since(self) -> float:
        """When it started, in seconds since the epoch, to a few hundredths."""
        ago = time.clock_gettime(time.CLOCK_BOOTTIME) - self.started / os.sysconf("SC_CLK_TCK")
        return time.time() - ago


def start_time(pid: int) -> int | None:
    """None if there is no such process, or it is dead and not yet waited for."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where an engine leaves its traces, and as whom it runs."""

    #: Its working directory.
    folder: Path
    log: Path
    lock: Path
    uid: int
    gid: int

    def spawn(self, command: list[str], fingerprint: str) -> Process:
        """Start it. Raises OSError, and BlockingIOError if another one holds the lock."""
        root = os.geteuid() == 0
        with _opened(self.lock, os.O_RDWR | os.O_CREAT) as lock, _opened(self.log, _APPEND) as log:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            high = fcntl.fcntl(lock, fcntl.F_DUPFD_CLOEXEC, _LOWEST_LOCK_FD)
            try:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self.folder,
                    env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(self.folder), "LC_ALL": "C"},
                    pass_fds=(high,),
                    start_new_session=True,
                    umask=0o077,
                    user=self.uid if root else None,
                    group=self.gid if root else None,
                    extra_groups=() if root else None,
                )
            finally:
                os.close(high)
        # It is waited for by pidfd, perhaps by a later process: subprocess must not miss it.
        process.returncode = 0
        return Process(pid=process.pid, started=start_time(process.pid) or 0, fingerprint=fingerprint)

    def held(self) -> bool:
        """Whether any process of the engine is left."""
        with _opened(self.lock, os.O_RDWR | os.O_CREAT) as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def signal(self, number: signal.Signals) -> None:
        """To all processes of the engine, by their groups."""
        for group in {_group(pid) for pid in self._holders()} - {None, os.getpgrp()}:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, number)  # type: ignore[arg-type]

    def end(self, grace: float) -> bool:
        """End all processes of the engine, by force after `grace` seconds. Blocks. False: there were none."""
        if not self.held():
            return False
        for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, 5.0)):
            if seconds > 0:
                self.signal(number)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                if not self.held():
                    return True
                time.sleep(0.005)
        raise TimeoutError(f"the processes that hold {self.lock} do not end")

    def tail(self, lines: int = 5) -> str:
        """The last lines of its log."""
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace")[-4000:].splitlines()[-lines:])
        return ""

    def bound_log(self, limit: int) -> None:
        """Begin the log anew past `limit` bytes, one old part being kept as `*.1`. It is open for appending."""
        with contextlib.suppress(OSError):
            if self.log.stat().st_size <= limit:
                return
            with _opened(self.log, os.O_RDWR) as log:
                os.lseek(log, -limit, os.SEEK_END)
                old = self.log.with_name(self.log.name + ".1")
                with _opened(old, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as kept:
                    os.sendfile(kept, log, None, limit)
                os.ftruncate(log, 0)

    def _holders(self) -> Iterator[int]:
        """Who has the lock file open: the recorded pid may be gone while its children live."""
        want = self.lock.stat()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            with contextlib.suppress(OSError), os.scandir(entry / "fd") as descriptors:
                for descriptor in descriptors:
                    if int(descriptor.name) < _LOWEST_LOCK_FD:
                        continue
                    with contextlib.suppress(OSError):
                        have = descriptor.stat()
                        if (have.st_dev, have.st_ino) == (want.st_dev, want.st_ino):
                            yield int(entry.name)
                            break


_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND


def reap(pid: int) -> None:
    """Wait for a dead child; of somebody else's there is nothing to wait for."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


@contextlib.contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
