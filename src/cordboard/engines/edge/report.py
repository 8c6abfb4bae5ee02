"""What this machine's edge says of itself to the rest of the installation."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

from cordboard.domain.edge import EdgeReport
from cordboard.engines.edge.config import EdgeOptions, shown_at
from cordboard.engines.edge.folder import named
from cordboard.engines.edge.supervisor import Edge
from cordboard.usecases.ports import Clock


@dataclass(frozen=True, kw_only=True)
class Reporter:
    """Called, it says how the edge is now."""

    edge: Edge
    options: EdgeOptions
    name: str
    #: The newest revision in the edge's file.
    applied: Callable[[], int]
    clock: Clock
    release: str

    @classmethod
    def of(cls, edge: Edge, options: EdgeOptions, applied: Callable[[], int], clock: Clock) -> "Reporter":
        """Raises EdgeFailed."""
        _, name = named(options)
        return cls(edge=edge, options=options, name=name, applied=applied, clock=clock, release=version("cordboard"))

    def __call__(self) -> EdgeReport:
        options = self.options
        media = (options.media_advertise,) if options.media_advertise else options.media
        return EdgeReport(
            name=self.name,
            ready=self.edge.ready,
            applied=self.applied(),
            seen_at=self.clock(),
            version=self.release,
            signalling=shown_at(options),
            media=tuple(f"{_bracketed(address)}:{options.rtp_min}-{options.rtp_max}" for address in media),
        )


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
