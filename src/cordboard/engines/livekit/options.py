"""What the LiveKit engine is told."""

from dataclasses import dataclass, field
from typing import Final

from cordboard.domain.livekit import LiveKitSip

#: Rows of an import that are taken in one transaction at most: LiveKit is told of each number before it is stored.
IMPORT_ROWS: Final = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveKitOptions:
    """One LiveKit project, and how it is used."""

    url: str
    key: str
    secret: str = field(repr=False)
    #: Where its SIP side is: `edge` mode. None: `per-number`.
    sip: LiveKitSip | None = None
    #: Addresses that our edges call it from.
    edges: tuple[str, ...] = ()
    #: Where it calls our edge, `host` or `host:port`.
    edge_at: str = ""
    room_prefix: str = "call-"
    #: For one request.
    timeout: float = 5.0
    #: Seconds between two looks at everything.
    interval: float = 300.0
