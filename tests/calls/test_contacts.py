"""Contacts and Record-Routes that are names: nobody looks them up, and the call's requests arrive all the same."""

import socket
import time

import pytest

from tests.calls.edges import RunningEdge, agent, number, running_edge, trunk
from tests.calls.phone import Agent, Call, Message, Phone


class NamedAgent(Agent):
    """An agent whose Contact is a name that leads nowhere; with a `proxy`, so is the Record-Route before it."""

    proxy = ""

    def response(self, request: Message, status: int, body: str = "", *, tag: str, headers: str = "") -> str:
        text = super().response(request, status, body, tag=tag, headers=headers)
        text = text.replace(f"Contact: <sip:agent@{self.at}>", "Contact: <sip:agent@agent.invalid:5099>")
        return (
            text.replace("Record-Route: ", f"Record-Route: {self.proxy}\r\nRecord-Route: ", 1) if self.proxy else text
        )


class NamedPhone(Phone):
    """A caller whose Contact is a name."""

    def send(self, message: str | bytes, to: tuple[str, int]) -> None:
        assert isinstance(message, str)
        super().send(message.replace(f"Contact: <sip:caller@{self.at}>", "Contact: <sip:caller@caller.invalid>"), to)


@pytest.mark.parametrize("proxy", ["", "<sip:proxy.invalid;lr>"])
def test_requests_go_to_where_the_far_side_spoke_from(edge: RunningEdge, proxy: str) -> None:
    with NamedPhone("127.0.1.7") as caller, NamedAgent("127.0.2.7") as ai:
        ai.proxy = proxy
        edge.put(number(), trunk(), agent(uri=f"sip:{{number}}@{ai.at}"))
        began = time.monotonic()
        call = caller.call(edge.sip, "+34911234567")
        assert call.status == 200
        ack = ai.wait(lambda m: m.method == "ACK")
        assert ack is not None
        assert ack.first == "ACK sip:agent@agent.invalid:5099 SIP/2.0"
        ai.send(bye_from(ai, call), edge.sip)
        bye = caller.wait(lambda m: m.method == "BYE" and m.status is None)
        assert bye is not None
        assert bye.first == "BYE sip:caller@caller.invalid SIP/2.0"
        assert time.monotonic() - began < 1


@pytest.mark.parametrize("proxy", ["", "<sip:proxy.invalid;lr>"])
def test_a_bye_of_the_edges_own_goes_there_too(proxy: str) -> None:
    with (
        running_edge(media_timeout=1) as edge,
        NamedPhone("127.0.1.7") as caller,
        NamedAgent("127.0.2.7") as ai,
    ):
        ai.proxy = proxy
        edge.put(number(), trunk(), agent(uri=f"sip:{{number}}@{ai.at}"))
        assert caller.call(edge.sip, "+34911234567").status == 200
        bye = ai.wait(lambda m: m.method == "BYE")
        assert bye is not None
        assert bye.first == "BYE sip:agent@agent.invalid:5099 SIP/2.0"
        assert caller.wait(lambda m: m.method == "BYE" and m.status is None)


def bye_from(ai: Agent, call: Call) -> str:
    """A BYE of the called side's."""
    invite = ai.calls[0]
    answer = next(event.message for event in ai.events if event.sent and event.message.status == 200)
    return (
        f"BYE {invite.contact} SIP/2.0\r\nVia: SIP/2.0/UDP {ai.at};rport;branch=z9hG4bKcalled\r\n"
        + "".join(f"Route: {route}\r\n" for route in invite.all("Record-Route"))
        + f"From: {answer.get('To')}\r\nTo: {answer.get('From')}\r\nCall-ID: {call.id}\r\n"
        "CSeq: 1 BYE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    )


class Steering(Phone):
    """A caller whose Contact is a place that is nobody's business to reach through us."""

    contact = ""
    acknowledges = True

    def send(self, message: str | bytes, to: tuple[str, int]) -> None:
        assert isinstance(message, str)
        if message.startswith("ACK ") and not self.acknowledges:
            return
        super().send(message.replace(f"Contact: <sip:caller@{self.at}>", f"Contact: <{self.contact}>"), to)


@pytest.mark.parametrize("direction", ["in", "out"])
@pytest.mark.parametrize("acknowledged", [True, False])
@pytest.mark.parametrize("contact", ["sip:x@127.0.9.77:5077", "sip:x@127.0.9.77:5077;transport=tcp"])
def test_nobody_is_reached_through_us_by_a_contact(
    edge: RunningEdge, contact: str, acknowledged: bool, direction: str
) -> None:
    with (
        Steering("127.0.1.7") as caller,
        Agent("127.0.2.7") as ai,
        Phone("127.0.9.77", 5077) as victim,
        socket.create_server(("127.0.9.77", 5077)) as listener,
    ):
        listener.settimeout(0.2)
        caller.contact, caller.acknowledges = contact, acknowledged
        if direction == "in":
            edge.put(number(), trunk(), agent(uri=f"sip:{{number}}@{ai.at}"))
            call = caller.call(edge.sip, "+34911234567")
        else:
            edge.put(number(agent_out="agent"), trunk(gateways=[ai.at]), agent(sources="127.0.1.7/32"))
            call = caller.call(edge.sip, "+15125550100", caller="+34911234567")
        assert call.status == 200
        ai.send(bye_from(ai, call), edge.sip)
        assert caller.wait(lambda m: m.method == "BYE" and m.status is None), "it goes to where the caller spoke from"
        assert not victim.received
        with pytest.raises(TimeoutError):
            listener.accept()
