"""Style, scripts and pictures."""

import mimetypes
from functools import cache
from importlib.resources import files
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

#: What is served, and nothing else.
ASSETS: Final = ("static/console.css", "static/console.js", "static/icon.svg", "vendor/htmx/htmx.min.js")
_FOR_EVER: Final = "public, max-age=31536000, immutable"


async def serve(request: Request) -> Response:
    """A file of ours; its address changes with it, so a browser asks once."""
    name = request.path_params["name"]
    if name not in ASSETS:
        raise HTTPException(404)
    headers = {"Cache-Control": _FOR_EVER, "X-Content-Type-Options": "nosniff"}
    return Response(_content(name), media_type=mimetypes.guess_type(name)[0], headers=headers)


@cache
def _content(name: str) -> bytes:
    return (files("cordboard.console") / name).read_bytes()
