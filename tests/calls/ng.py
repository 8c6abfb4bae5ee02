"""What rtpengine says of a call, over its control protocol."""

import asyncio
from typing import Any

from cordboard.engines.edge import ng


def query(port: int, call_id: str) -> dict[str, Any]:
    """The answer to `query`; its `result` is `ok` if rtpengine holds that call."""
    return asyncio.run(ng.query(port, call_id, 2))
