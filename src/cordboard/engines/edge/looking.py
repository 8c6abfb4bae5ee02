"""Looking again and again at something of the edge's, for as long as the service runs."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from cordboard.domain.errors import CordboardError


class Log(Protocol):
    """As much of a structlog logger as is used here."""

    def warning(self, event: str, **values: Any) -> Any: ...
    def exception(self, event: str, **values: Any) -> Any: ...


async def keep_looking(step: Callable[[], Awaitable[object]], period: float, log: Log, failed: str) -> None:
    """Never ends of itself; what fails is logged as `failed`, and tried again after as many seconds."""
    while True:
        try:
            await step()
        except (sqlite3.Error, CordboardError) as error:
            log.warning(f"{failed} now", error=str(error))
        except Exception:  # a loop that must outlive any one failure: logged, and tried again
            log.exception(failed)
        await asyncio.sleep(period)
