"""rtpengine's ng protocol: a cookie, a space, and a bencoded dictionary; and what its answers say of a call's audio."""

import asyncio
import socket
import time
from collections.abc import Mapping
from typing import Any, Final

from cordboard.domain.call_details import SIDES, Audio, Side, Stream

#: Bytes of an answer at most.
LONGEST: Final = 65535


async def query(port: int, call_id: str, timeout: float = 1.0) -> dict[str, Any]:
    """What rtpengine says of a call. Raises OSError, TimeoutError and ValueError."""
    loop = asyncio.get_running_loop()
    cookie, name = str(time.monotonic_ns()).encode(), call_id.encode()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as udp:
        udp.connect(("127.0.0.1", port))
        udp.send(cookie + b" d7:call-id%d:%b7:command5:querye" % (len(name), name))
        async with asyncio.timeout(timeout):
            while not (answer := await loop.sock_recv(udp, LONGEST)).startswith(cookie):
                pass
    return decoded(answer.partition(b" ")[2])


def decoded(data: bytes) -> dict[str, Any]:
    """The dictionary. Raises ValueError."""
    try:
        value, _ = _value(data, 0)
    except (IndexError, RecursionError) as error:
        raise ValueError("it ends too soon") from error
    if not isinstance(value, dict):
        raise ValueError("it is no dictionary")
    return value


def audio(answer: Mapping[str, Any], caller: str) -> Audio | None:
    """What an answer tells of the two sides, of which one has the tag `caller`; None if it knows no such call.

    Raises ValueError if it is not as rtpengine writes it.
    """
    try:
        last: dict[Side, Mapping[str, Any]] = {}
        for tag in answer.get("tags", {}).values():
            media = next((media for media in tag["medias"] if media["type"] == "audio" and media["streams"]), None)
            side: Side = "caller" if tag["tag"] == caller else "callee"
            # of several places that rang, it is the one that was heard
            if media is not None and (side not in last or _packets(last[side]) < _packets(media)):
                last[side] = media
        sources = answer.get("SSRC", {})
        return Audio(streams=tuple(_stream(side, last, sources) for side in SIDES if side in last)) if last else None
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it has no {error}") from error


def _packets(media: Mapping[str, Any]) -> int:
    return int(media["streams"][0]["stats"]["packets"])


def _stream(side: Side, medias: Mapping[Side, Mapping[str, Any]], sources: Mapping[str, Any]) -> Stream:
    media, other = medias[side], medias.get("callee" if side == "caller" else "caller")
    first = media["streams"][0]
    # what somebody says of what it hears stands under its own SSRC
    heard = {} if other is None else sources.get(str(other["streams"][0].get("SSRC")), {})
    average = heard.get("average MOS", {})
    lowest = heard.get("lowest MOS", {}).get("MOS")
    return Stream(
        side=side,
        codec=str(media.get("codec", "")),
        profile=str(media["protocol"]),
        suite=str(first.get("crypto suite", "")),
        packets=int(first["stats"]["packets"]),
        bytes=int(first["stats"]["bytes"]),
        errors=int(first["stats"]["errors"]),
        loss_percent=average.get("packet loss"),
        jitter_ms=average.get("jitter"),
        round_trip_ms=None if "round-trip time" not in average else average["round-trip time"] / 1000,
        mos=None if "MOS" not in average else average["MOS"] / 10,
        lowest_mos=None if lowest is None else lowest / 10,
    )


def _value(data: bytes, at: int) -> tuple[Any, int]:
    """One bencoded value from there on, and where it ends."""
    kind = data[at : at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1 : end]), end + 1
    if kind in (b"l", b"d"):
        values, at = [], at + 1
        while data[at] != 0x65:
            value, at = _value(data, at)
            values.append(value)
        return (values if kind == b"l" else dict(zip(values[::2], values[1::2], strict=True))), at + 1
    colon = data.index(b":", at)
    end = colon + 1 + int(data[at:colon])
    return data[colon + 1 : end].decode("utf-8", "replace"), end
