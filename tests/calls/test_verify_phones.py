"""Whether an account's telephone answers, asked through the edge by a verification."""

import asyncio
from collections.abc import Iterator

import pytest

from cordboard.domain.verification_steps import Said
from cordboard.engines.edge.verify.echo import Booth, telephone
from cordboard.engines.edge.verify.prober import booth_of
from tests.calls.accounts import account, register
from tests.calls.edges import RunningEdge
from tests.calls.phone import Agent, Phone


@pytest.fixture
def booth(edge: RunningEdge) -> Booth:
    return booth_of(edge.options)


@pytest.fixture
def alice(edge: RunningEdge) -> Iterator[Agent]:
    edge.file.rebuild((), "test", edge.revision)
    edge.put(account("alice"))
    with Agent("127.0.3.41", name="alice") as phone:
        assert register(phone, edge, "alice").status == 200
        yield phone
        register(phone, edge, "alice", contact="*", expires=0)


def asked(booth: Booth, username: str = "alice", seconds: float = 6.0) -> Said:
    return asyncio.run(telephone(username, booth, seconds))


def test_a_telephone_that_is_there_answers(booth: Booth, alice: Agent) -> None:
    said = asked(booth)
    assert (said.status, said.evidence["answer"]) == ("passed", "200 OK"), said
    (options,) = [m for m in alice.received if m.method == "OPTIONS" and m.status is None]
    assert booth.word not in "".join(value for _, value in options.headers)


def test_one_that_has_gone_is_told_of(booth: Booth, alice: Agent) -> None:
    alice.heard = lambda message, source: None  # type: ignore[method-assign]
    assert (asked(booth).status, asked(booth).code) == ("failed", "phone-silent")


def test_nobody_else_reaches_a_telephone(edge: RunningEdge, booth: Booth, alice: Agent, stranger: Phone) -> None:
    for phone, word in ((stranger, f"{booth.word}|127.0.0.1||"), (stranger, "0" * 64 + "|127.0.0.1||")):
        text = (
            f"OPTIONS sip:alice@{edge.sip[0]} SIP/2.0\r\nVia: SIP/2.0/UDP {phone.at};rport;branch=z9hG4bK{word[:6]}\r\n"
            f"From: <sip:x@{phone.at}>;tag=a\r\nTo: <sip:alice@{edge.sip[0]}>\r\nCall-ID: {word[:8]}\r\n"
            f"CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nX-Cordboard-Verify: {word}\r\nContent-Length: 0\r\n\r\n"
        )
        phone.send(text, edge.sip)
    assert alice.wait(lambda m: m.method == "OPTIONS", 1.0) is None
    assert asked(booth, "nobody").code == "phone-silent"
