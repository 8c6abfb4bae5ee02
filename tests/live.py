"""The app behind a real HTTP server, for clients that know nothing of Python's."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import uvicorn

from tests.builders import World


@contextlib.asynccontextmanager
async def served(world: World, app: Any = None) -> AsyncIterator[str]:
    """The base URL of the world's app, or of another one, served on a free port of this event loop."""
    config = uvicorn.Config(
        app or world.app(), host="127.0.0.1", port=0, log_config=None, access_log=False, lifespan="off"
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    try:
        for _ in range(500):
            if server.started or task.done():
                break
            await asyncio.sleep(0.01)
        assert server.started, "the server did not start"
        (port,) = {socket.getsockname()[1] for server_ in server.servers for socket in server_.sockets}
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task
