"""Where each message of a call stands in its ladder."""

from typing import Any

from cordboard.console.ladder import HEAD, LABEL, ROW, ladder

CALLER, FIRST, SECOND = "udp:192.0.2.1:5060", "udp:198.51.100.1:5060", "udp:198.51.100.2:5060"


def message(says: str, source: str = "", destination: str = "", cseq: str = "1", branch: str = "") -> dict[str, Any]:
    """`INVITE`, or `200 OK INVITE`, of which the last word is the method."""
    *status, method = says.split()
    return {
        "at": "2026-11-21T21:00:01.5Z",
        "method": method,
        "status": int(status[0]) if status else None,
        "phrase": " ".join(status[1:]) or None,
        "cseq": cseq,
        "branch": branch or None,
        "source": source or None,
        "destination": destination or None,
    }


def call(*messages: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """An outbound call of an agent's, answered and not encrypted."""
    legs = [{"side": side, "codec": "PCMU", "encryption": "none"} for side in ("caller", "callee")]
    shown = {"direction": "outbound", "agent_id": "a", "source": CALLER, "started_at": "2026-11-21T21:00:00Z"}
    shown |= {"answered_at": "2026-11-21T21:00:01.5Z", "tries": [], "legs": legs, "messages": list(messages)}
    return {**shown, **changes}


def hops(shown: dict[str, Any]) -> list[str]:
    return [f"{arrow.sender}, {arrow.receiver}: {arrow.says}" for arrow in ladder(shown).arrows]


def test_a_message_that_was_passed_on_is_one_arrow_through_the_edge() -> None:
    made = ladder(call(message("INVITE", CALLER, FIRST, branch="1"), message("200 OK INVITE", FIRST, branch="1")))
    caller, edge, gateway = (lane.x for lane in made.lanes)
    assert [lane.title for lane in made.lanes] == ["Agent", "Edge", "Gateway"]
    assert [(arrow.x1, arrow.via, arrow.x2) for arrow in made.arrows] == [
        (caller, edge, gateway),
        (gateway, edge, caller),
    ]
    assert [arrow.y for arrow in made.arrows] == [HEAD + ROW, HEAD + 2 * ROW]
    assert made.arrows[0].since == "+1.500 s"


def test_what_one_gateway_refused_ends_at_the_edge_and_the_next_try_begins_there() -> None:
    shown = call(
        message("INVITE", CALLER, FIRST, branch="1"),
        message("503 Busy INVITE", FIRST, branch="1"),
        message("INVITE", CALLER, SECOND, branch="2"),
        message("200 OK INVITE", SECOND, branch="2"),
        message("ACK", CALLER, SECOND, branch="3"),
        tries=[{"host": "two.example", "uri": "sip:198.51.100.2:5060;transport=udp"}],
    )
    assert hops(shown) == [
        "Agent, Gateway 1: INVITE",
        "Gateway 1, Edge: 503 Busy",
        "Edge, Gateway 2 two.example: INVITE",
        "Gateway 2 two.example, Agent: 200 OK",
        "Agent, Gateway 2 two.example: ACK",
    ]


def test_what_the_edge_says_of_itself_begins_there() -> None:
    shown = call(
        message("INVITE", CALLER, FIRST, branch="1"),
        message("486 Busy Here INVITE", FIRST, branch="1"),
        message("500 gateways-unreachable INVITE", "", CALLER),
        message("BYE", "", "sip:someone@198.51.100.1:5060;transport=udp", cseq="9"),
    )
    assert hops(shown)[1:] == [
        "Gateway, Edge: 486 Busy Here",
        "Edge, Agent: 500 gateways-unreachable",
        "Edge, Gateway: BYE",
    ]


def test_media_stands_between_the_acknowledged_answer_and_what_follows() -> None:
    messages = (
        message("INVITE", CALLER, FIRST, branch="1"),
        message("200 OK INVITE", FIRST, branch="1"),
        message("ACK", CALLER, FIRST),
        message("BYE", FIRST, CALLER, cseq="5"),
    )
    legs = [
        {"side": "caller", "codec": "PCMU", "encryption": "sdes"},
        {"side": "callee", "codec": None, "encryption": None},
    ]
    made = ladder(call(*messages, legs=legs))
    assert [(phase.says, phase.secure) for phase in made.phases] == [("PCMU · SRTP", True), ("media", False)]
    assert made.arrows[2].y < made.phases[0].y + 12 < made.arrows[3].y
    assert ladder(call(*messages, answered_at=None)).phases == ()


def test_what_the_edge_answered_itself_has_media_on_one_side_alone() -> None:
    shown = call(message("INVITE", CALLER), message("200 OK INVITE", "", CALLER))
    assert len(ladder(shown).phases) == 1


def test_who_speaks_by_tcp_from_another_port_stays_on_its_lane() -> None:
    shown = call(
        message("INVITE", "tcp:192.0.2.1:40000", FIRST, branch="1"),
        message("BYE", "tcp:198.51.100.1:40001", "tcp:192.0.2.1:40000", cseq="5"),
        source="tcp:192.0.2.1:40000",
    )
    assert hops(shown) == ["Agent, Gateway: INVITE", "Gateway, Agent: BYE"]


def test_a_long_name_is_cut_in_the_picture_and_whole_in_the_table() -> None:
    (arrow,) = ladder(call(message(f"500 {'x' * 60} INVITE", "", CALLER))).arrows
    assert len(arrow.label) == LABEL
    assert arrow.says == f"500 {'x' * 60}"


def test_a_call_without_messages_is_two_lanes() -> None:
    assert [lane.title for lane in ladder(call()).lanes] == ["Agent", "Edge"]
