"""What rtpengine says of a call, over its control protocol."""

import socket
import time
from typing import Any


def query(port: int, call_id: str) -> dict[str, Any]:
    """The answer to `query`; its `result` is `ok` if rtpengine holds that call."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ng:
        ng.settimeout(2)
        ng.connect(("127.0.0.1", port))
        ng.send(f"{time.monotonic_ns()} d7:call-id{len(call_id.encode())}:{call_id}7:command5:querye".encode())
        _, _, answer = ng.recv(65535).partition(b" ")
    decoded: dict[str, Any] = _decode(answer, 0)[0]
    return decoded


def _decode(data: bytes, at: int) -> tuple[Any, int]:
    """One bencoded value from there on, and where it ends."""
    kind = data[at : at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1 : end]), end + 1
    if kind in (b"l", b"d"):
        values, at = [], at + 1
        while data[at : at + 1] != b"e":
            value, at = _decode(data, at)
            values.append(value)
        return (values if kind == b"l" else dict(zip(values[::2], values[1::2], strict=True))), at + 1
    colon = data.index(b":", at)
    end = colon + 1 + int(data[at:colon])
    return data[colon + 1 : end].decode("utf-8", "replace"), end
