"""Calls whose media are gone: rtpengine died, or Kamailio was away when it told of them. They are ended with BYE."""

import asyncio
import contextlib
import socket
import sqlite3
import time
from pathlib import Path
from typing import Final

from cordboard.engines.edge import dialogs
from cordboard.engines.edge.dialogs import Dialog

#: Seconds after the start of an engine at which is looked: the file tells of a call after two to four.
AFTER_START: Final = (0.5, 5.0)
#: Seconds between two looks else.
PERIOD: Final = 60.0
#: A call that has just been answered may not have its media yet.
_YOUNG: Final = 3.0


async def end_orphans(file: Path, ng: int, decide: int, path: str, *, young: float = _YOUNG) -> int:
    """End each standing call that rtpengine does not know; how many there were.

    `file` is dialog.sqlite; rows there of calls that Kamailio does not know either are deleted. `ng` and `decide`
    are ports of 127.0.0.1, `path` is what opens Kamailio's ear. Raises OSError, TimeoutError and sqlite3.Error.
    """
    standing = await asyncio.to_thread(dialogs.standing, file)
    old = [dialog for dialog in standing if dialog.began < time.time() - young]
    stale, ended = [], 0
    with _ng(ng) as udp:
        for dialog in old:
            if not await _has_media(udp, dialog.call_id):
                if await end(decide, path, dialog):
                    ended += 1
                else:
                    stale.append(dialog.call_id)
    if stale:
        await asyncio.to_thread(dialogs.forget, file, stale)
    await asyncio.to_thread(dialogs.tidy, file)
    return ended


async def forget_ended(file: Path, ng: int, since: float) -> None:
    """Delete the calls that ended when nobody could write it down, before a Kamailio takes them for standing ones.

    Those are the calls that began after `since`, when rtpengine started, and have no media there. Raises like
    end_orphans.
    """
    with _ng(ng) as udp:
        standing = await asyncio.to_thread(dialogs.standing, file)
        gone = [
            dialog.call_id
            for dialog in standing
            # in whole seconds
            if dialog.began + 1 > since and not await _has_media(udp, dialog.call_id)
        ]
    if gone:
        await asyncio.to_thread(dialogs.forget, file, gone)


def _ng(port: int) -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    udp.connect(("127.0.0.1", port))
    return udp


async def _has_media(udp: socket.socket, call_id: str) -> bool:
    """Ask rtpengine, whose answers bear the cookie of their question."""
    loop = asyncio.get_running_loop()
    cookie = str(time.monotonic_ns()).encode()
    name = call_id.encode()
    udp.send(cookie + b" d7:call-id%d:%b7:command5:querye" % (len(name), name))
    async with asyncio.timeout(1.0):
        while not (answer := await loop.sock_recv(udp, 65535)).startswith(cookie):
            pass
    return b"Unknown call-id" not in answer


async def end(port: int, path: str, dialog: Dialog, *, by_hand: bool = False) -> bool:
    """Tell Kamailio to end a call, whose media are lost or which somebody wants to end: whether it knew the call.

    It is told in hexadecimal digits. Raises OSError and TimeoutError.
    """
    why = "&by=hand" if by_hand else ""
    call, sender, answerer = (text.encode().hex() for text in (dialog.call_id, dialog.from_tag, dialog.to_tag))
    async with asyncio.timeout(2.0):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.closing(writer):
            writer.write(
                f"GET {path}?call={call}&from={sender}&to={answerer}{why} HTTP/1.1\r\nHost: edge\r\n\r\n".encode()
            )
            return b" 200 " in await reader.readline()


async def watch(file: Path, ng: int, decide: int, path: str, started: asyncio.Event) -> None:
    """Look after each start of an engine, of which `started` tells, and now and then. Ends by cancellation."""
    while True:
        try:
            async with asyncio.timeout(PERIOD):
                await started.wait()
            pauses = list(AFTER_START)
        except TimeoutError:
            pauses = [0.0]
        started.clear()
        for pause in pauses:
            await asyncio.sleep(pause)
            with contextlib.suppress(OSError, TimeoutError, sqlite3.Error):
                await end_orphans(file, ng, decide, path)
