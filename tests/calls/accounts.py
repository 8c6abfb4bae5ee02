"""Accounts of tests, and telephones that register as them."""

import secrets
from typing import Any

from cordboard.domain.edge import AccountRow
from tests.calls.digest import credentials, ha1
from tests.calls.edges import RunningEdge
from tests.calls.phone import Message, Phone

REALM = "cordboard"


def account(username: str, *, password: str = "right", algorithm: str = "MD5", **more: Any) -> AccountRow:
    values = {"id": f"id-{username}", "tenant": "tenant", "ha1": ha1(username, REALM, password, algorithm)} | more
    return AccountRow(username=username, **values)


def register(
    phone: Phone,
    edge: RunningEdge,
    username: str,
    *,
    password: str | None = "right",
    login: str = "",
    contact: str = "",
    expires: int | None = None,
    headers: str = "",
    call_id: str = "",
    to: tuple[str, int] | None = None,
    seconds: float = 8.0,
) -> Message:
    """Register, and answer a challenge unless there is no password; the final answer."""
    call_id = call_id or f"{secrets.token_hex(8)}@cordboard.test"
    contact = contact or f"<sip:{username}@{phone.at}>"

    def request(cseq: int, more: str) -> Message:
        branch = f"z9hG4bK{secrets.token_hex(8)}"
        answer = phone.ask(
            f"REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/{phone.transport} {phone.at};rport;branch={branch}\r\n"
            f"From: <sip:{username}@127.0.0.1>;tag={secrets.token_hex(4)}\r\nTo: <sip:{username}@127.0.0.1>\r\n"
            f"Call-ID: {call_id}\r\nCSeq: {cseq} REGISTER\r\nMax-Forwards: 70\r\nContact: {contact}\r\n"
            + (f"Expires: {expires}\r\n" if expires is not None else "")
            + f"User-Agent: test phone/1.0\r\n{headers}{more}Content-Length: 0\r\n\r\n",
            to or edge.sip,
            branch,
            seconds,
        )
        assert answer is not None, "no answer"
        return answer

    first = request(1, "")
    if first.status != 401 or password is None:
        return first
    right = credentials(first.get("WWW-Authenticate"), "REGISTER", "sip:127.0.0.1", login or username, password)
    return request(2, f"Authorization: {right}\r\n")
