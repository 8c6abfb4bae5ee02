"""What the LiveKit engine is told."""

from dataclasses import dataclass, field

from cordboard.domain.livekit import LiveKitSip


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
