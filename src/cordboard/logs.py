"""Log lines: one JSON object each, to standard error."""

import logging
import sys
from typing import Any

import structlog
from pydantic_core import to_json


def configure(level: str) -> None:
    """Log from `level` (debug, info, warning, error) up. Raises KeyError for another word."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_encoded),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )


def _encoded(event: Any, **_: Any) -> bytes:
    """An event as one line of JSON; what JSON does not know stands as its repr."""
    return to_json(event, fallback=repr)
