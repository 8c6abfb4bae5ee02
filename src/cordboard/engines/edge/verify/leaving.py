"""An INVITE that was sent does not stay up, whatever becomes of who sent it."""

import contextlib
from typing import Final

from cordboard.engines.edge.verify.sip import Line, Request, Response, Unreached

#: Seconds for the final answer of an INVITE that was taken back, and for that to a BYE.
TAKEN_BACK: Final = 3.0
HUNG_UP: Final = 2.0


async def left(line: Line, invite: Request, final: Response | None) -> Response | None:
    """Take it back if it has no final answer yet, and hang up if it was answered; its final answer.

    `final` has been acknowledged.
    """
    with contextlib.suppress(Unreached):
        final = final or await _taken_back(line, invite)
        if final is not None and final.status < 300:
            await line.ask(invite.within(final, "BYE"), HUNG_UP)
    return final


async def _taken_back(line: Line, invite: Request) -> Response | None:
    """Who answers at that moment has made a call all the same: the answer to the CANCEL does not say."""
    await line.send(invite.cancel(line.transport, line.us))
    async for response in line.responses(invite, TAKEN_BACK, sent=True):
        if response.status >= 200:
            await line.send(invite.ack(response, line.transport, line.us))
            return response
    return None
