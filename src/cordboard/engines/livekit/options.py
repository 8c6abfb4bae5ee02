"""What the LiveKit engine is told."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveKitOptions:
    """One LiveKit project, and how it is used."""

    url: str
    key: str
    secret: str = field(repr=False)
    #: `per-number` or `edge`.
    mode: str = "per-number"
    #: Where its SIP side is, `host` or `host:port`; None is unknown.
    sip: str | None = None
    #: Addresses that our edges call it from.
    edges: tuple[str, ...] = ()
    room_prefix: str = "call-"
    #: For one request.
    timeout: float = 5.0
    #: Seconds between two looks at everything.
    interval: float = 300.0
