"""The step `options`: whether anybody is there (RFC 3261 section 11)."""

import ssl
import time

from cordboard.domain.verification_steps import Said, failed, passed, skipped, warning
from cordboard.domain.verifications import Place
from cordboard.engines.edge.names.lookup import Hop
from cordboard.engines.edge.verify.connection import Way, no_connection
from cordboard.engines.edge.verify.sip import Line, Request, Response, Unreached, host_of, printable


def question(place: Place, line: Line) -> Request:
    """An OPTIONS as the edge asks its gateways."""
    return Request(
        method="OPTIONS",
        uri=place.uri,
        caller=f"sip:cordboard@{host_of(line.us.host)}",
        called=place.uri,
        headers=(("Accept", "application/sdp"),),
    )


async def answers(place: Place, hop: Hop, way: Way) -> Said:
    """Any final answer is one, but for 503 and 408, by which the edge takes a place for down."""
    try:
        async with way.to(hop, place.where.host) as line:
            began = time.monotonic()
            heard = await line.ask(question(place, line), way.answer)
            final = next((response for response in heard if response.status >= 200), None)
            if final is None:
                return _silence(place, hop, line, way.answer)
            return _answered(place, final, round((final.came - began) * 1000), str(line.us))
    except Unreached as error:
        return no_connection(hop, way, error)
    except ssl.SSLError as error:
        return skipped("no-tls", f"no TLS connection: {(error.reason or str(error)).lower()}")


def _answered(place: Place, final: Response, ms: int, us: str) -> Said:
    evidence = {
        "sent": "OPTIONS",
        "from": us,
        "answer": final.line,
        "latency_ms": ms,
        **{name: printable(final.get(name)) for name in ("server", "user-agent", "allow", "accept") if final.get(name)},
    }
    if final.status in (408, 503):
        return failed(
            "options-unavailable",
            f"it answers {final.line}: calls are sent there last",
            f"{place.keeper.capitalize()} takes no calls there now, or not from us: ask it, and check that our address "
            "is on its list.",
            **evidence,
        )
    return passed(f"it answers {final.line} after {ms} ms", **evidence)


def _silence(place: Place, hop: Hop, line: Line, seconds: float) -> Said:
    evidence = {"sent": "OPTIONS", "from": str(line.us), "waited_ms": round(seconds * 1000)}
    if line.refused is not None:
        return failed(
            "options-refused",
            f"nobody takes SIP at {hop.address}:{hop.port} by {hop.transport}",
            f"Check the port and the transport with {place.keeper}.",
            **evidence,
        )
    if place.agent:
        otherwise = "an echo call tells whether all is well (`verification.echo`)."
    else:
        otherwise = "switch the asking off (`trunk.probe=false`)."
    if not place.asked:
        return warning(
            "options-silence",
            "no answer to OPTIONS; the edge does not ask here, since probing is off",
            "Nothing is to be done if the carrier is known not to answer OPTIONS.",
            **evidence,
        )
    return failed(
        "options-silence",
        f"no answer to OPTIONS within {seconds:g} s",
        f"Ask {place.keeper} to take SIP from {line.us.host}; if it takes calls but no OPTIONS, {otherwise}",
        **evidence,
    )
