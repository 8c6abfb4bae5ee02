"""The floor of the API rows: a constant body on the product's own server (uvicorn, uvloop, httptools), nothing else.

Run as `python -m bench.constant FD`, where FD is a listening socket.
"""

import asyncio
import json
import socket
import sys
from typing import Any

import uvicorn
import uvloop

#: As long as a phone is.
BODY = json.dumps({"id": "0" * 36, "filler": "x" * 560}).encode()
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())],
}


async def app(_scope: Any, _receive: Any, send: Any) -> None:
    await send(START)
    await send({"type": "http.response.body", "body": BODY})


async def serve(listener: socket.socket) -> None:
    config = uvicorn.Config(
        app, http="httptools", lifespan="off", access_log=False, log_config=None, server_header=False
    )
    await uvicorn.Server(config).serve(sockets=[listener])


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(socket.socket(fileno=int(sys.argv[1]))))
