"""Calls that stand, as the engines know them: how they sound now, and their end by somebody's hand."""

from typing import Any, Final

from cordboard.domain.call_details import Audio
from cordboard.domain.calls import Call, State
from cordboard.domain.errors import CallNotStanding, EdgeUnavailable
from cordboard.engines.edge import ng
from cordboard.engines.edge.dialogs import Dialog
from cordboard.engines.edge.lines import MOST_CHARACTERS
from cordboard.engines.edge.rpc import RpcFailed, RpcRefused
from cordboard.engines.edge.supervisor import Edge

#: Kamailio's states of a dialog that was answered and is not over.
_ANSWERED: Final = (3, 4)


class Live:
    """One edge's calls."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def audio(self, call: Call) -> Audio | None:
        """What both sides have sent so far; None if nobody here can say."""
        try:
            found = await self._dialog(call)
            if found is None:
                return None
            answer = await ng.query(self._edge.ports.ng, found["call-id"])
            return ng.audio(answer, found["caller"]["tag"])
        except (OSError, TimeoutError, ValueError, EdgeUnavailable):
            return None

    async def end(self, call: Call) -> None:
        """Both sides get a BYE. Raises CallNotStanding and EdgeUnavailable."""
        found = await self._dialog(call)
        if found is None:
            raise EdgeUnavailable(f"this server's edge does not know call {call.id}: it is over, or at another edge")
        if found["state"] not in _ANSWERED:
            raise CallNotStanding(call.id, call.state)
        dialog = Dialog(
            call_id=found["call-id"],
            from_tag=found["caller"]["tag"],
            to_tag=found["callee"]["tag"],
            began=found["start_ts"],
        )
        try:
            known = await self._edge.hang_up(dialog)
        except (OSError, TimeoutError) as error:
            raise EdgeUnavailable(f"the edge does not answer: {error}") from error
        if not known:
            raise CallNotStanding(call.id, State.ENDED)

    async def _dialog(self, call: Call) -> dict[str, Any] | None:
        """As Kamailio lists it; None if it is not there. Raises EdgeUnavailable."""
        if not self._edge.ready:
            raise EdgeUnavailable("the edge is not ready")
        # what is known of a long Call-ID, or of one with bytes that are no text, is how it begins
        known = call.call_id.partition("\\x")[0]
        whole = known == call.call_id and len(known.encode()) < MOST_CHARACTERS
        try:
            found = await self._edge.rpc.call("dlg.list_match", "callid", "eq" if whole else "sw", known)
        except RpcRefused:
            return None
        except RpcFailed as error:
            raise EdgeUnavailable(str(error)) from error
        # an agent that calls itself may have two of one Call-ID
        return next((each for each in found if {"call": call.id} in each["variables"]), None)
