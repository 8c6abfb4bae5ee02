"""A small SIP telephone over UDP: enough to call, to be called, and to send what no honest telephone would.

It keeps every message with its time, so that a ladder can be drawn (`ladder`).
"""

import itertools
import re
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, Self

from tests.calls.digest import credentials, is_right

Address = tuple[str, int]
_counter = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Message:
    """A SIP message, its headers in order and under their long names as they were written."""

    first: str
    headers: tuple[tuple[str, str], ...]
    body: str = ""

    @classmethod
    def parse(cls, data: bytes) -> "Message":
        head, _, body = data.decode("utf-8", "replace").partition("\r\n\r\n")
        # RFC 3261 section 7.3.1: a line that begins with white space goes on with the one before
        first, *lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")
        pairs = (line.partition(":") for line in lines)
        return cls(first, tuple((name.strip(), value.strip()) for name, _, value in pairs), body)

    @property
    def status(self) -> int | None:
        """None for a request."""
        return int(self.first.split(" ")[1]) if self.first.startswith("SIP/2.0 ") else None

    @property
    def method(self) -> str:
        """Of a request its own, of a response that of its CSeq."""
        return self.first.split(" ")[0] if self.status is None else self.get("CSeq").split(" ")[-1]

    def all(self, name: str) -> list[str]:
        return [value for have, value in self.headers if have.lower() == name.lower()]

    def get(self, name: str) -> str:
        """The first of that name, '' if there is none."""
        return next(iter(self.all(name)), "")

    @property
    def contact(self) -> str:
        match = re.search(r"<([^>]*)>", self.get("Contact"))
        return match[1] if match else self.get("Contact")

    def tag(self, name: Literal["From", "To"]) -> str:
        match = re.search(r";tag=([^;>\s]+)", self.get(name))
        return match[1] if match else ""


@dataclass(frozen=True, slots=True)
class Event:
    """One message as one side saw it."""

    #: time.monotonic()
    time: float
    side: str
    sent: bool
    peer: Address
    message: Message


def ladder(phones: "Iterable[Phone]") -> list[str]:
    """The messages of these phones in the order of time, a line each: seconds, side, direction, first line."""
    events = sorted((event for phone in phones for event in phone.events), key=lambda event: event.time)
    start = events[0].time if events else 0.0
    return [
        f"{event.time - start:8.3f}  {event.side:<16} {'──►' if event.sent else '◄──'} {event.message.first}"
        for event in events
    ]


def sdp(address: str, port: int = 4000, profile: str = "RTP/AVP", extra: str = "") -> str:
    """An offer or answer of one G.711 stream. `extra` holds further lines, each with its CRLF."""
    family = "IP6" if ":" in address else "IP4"
    return (
        f"v=0\r\no=- 1 1 IN {family} {address}\r\ns=-\r\nc=IN {family} {address}\r\nt=0 0\r\n"
        f"m=audio {port} {profile} 0 8\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n{extra}"
    )


#: An SDES key line of a suite that the edge takes (RFC 4568).
CRYPTO = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\n"


def media(body: str) -> tuple[Address, str]:
    """Where an SDP wants its first stream, and that stream's profile."""
    address = re.search(r"c=IN IP[46] (\S+)", body)
    stream = re.search(r"m=\S+ (\d+) (\S+)", body)
    assert address, body
    assert stream, body
    return (address[1], int(stream[1])), stream[2]


class Phone:
    """A UDP socket of one address, a thread that reads it, and a record of what went by."""

    #: As Via names it.
    transport = "UDP"

    def __init__(self, address: str, port: int = 0, name: str = "") -> None:
        self.name = name or address
        self.events: list[Event] = []
        self._changed = threading.Condition()
        self._socket = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._socket.bind((address, port))
        self._socket.settimeout(0.1)
        self.address: Address = self._socket.getsockname()[:2]
        self._open = True
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if not self._open:
            return
        self._open = False
        self._socket.sendto(b"", self.address)  # wakes the reader
        self._thread.join()
        self._socket.close()

    @property
    def at(self) -> str:
        """host:port, as it stands in URIs."""
        host, port = self.address
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def received(self) -> list[Message]:
        return [event.message for event in list(self.events) if not event.sent]

    def send(self, message: str | bytes, to: Address) -> None:
        data = message.encode() if isinstance(message, str) else message
        self._note(True, to, data)
        self._deliver(data, to)

    def wait(self, wanted: Callable[[Message], bool], seconds: float = 5.0, since: int = 0) -> Message | None:
        """The first received message that is wanted, from event number `since` on; None if none came in time."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while True:
                for event in self.events[since:]:
                    if not event.sent and wanted(event.message):
                        return event.message
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(left)

    def ask(self, request: str, to: Address, branch: str, seconds: float = 8.0) -> Message | None:
        """Send a request and wait for its final response, sending it again as over UDP one must."""
        since = len(self.events)

        def final(message: Message) -> bool:
            return (message.status or 0) >= 200 and branch in message.get("Via")

        deadline, pause = time.monotonic() + seconds, 0.5
        while (left := deadline - time.monotonic()) > 0:
            self.send(request, to)
            # once something came, the other side has it
            if (found := self.wait(final, min(pause, left), since)) is not None:
                return found
            if self.wait(lambda m: branch in m.get("Via") and m.status == 100, 0, since) is not None:
                return self.wait(final, deadline - time.monotonic(), since)
            pause *= 2
        return None

    def call(
        self,
        edge: Address,
        user: str,
        *,
        body: str | None = "",
        host: str = "",
        headers: str = "",
        caller: str = "",
        to: str = "",
        credentials: tuple[str, str] | None = None,
        **rest: str,
    ) -> "Call":
        """Place a call and wait for its final answer, which is acknowledged. `body=None` offers no SDP.

        `caller` is the user of its From, `to` the URI of its To if that is not the request's. A challenge
        is answered if there are `credentials`, username and password.
        """
        call = Call(phone=self, edge=edge, uri=_uri(user, host or _host(edge)), credentials=credentials)
        call.caller = caller or call.caller
        call.to = to or call.uri
        if body == "":
            body = sdp(self.address[0])
        call.answer = call.request("INVITE", body=body or "", headers=headers, **rest)
        return call

    def datagram(self, data: bytes) -> None:
        """Called with each message as it came."""

    def heard(self, message: Message, source: Address) -> None:
        """Called for each message; an answering telephone does more."""

    def _deliver(self, data: bytes, to: Address) -> None:
        self._socket.sendto(data, to)

    def _read(self) -> None:
        while self._open:
            try:
                data, source = self._socket.recvfrom(65535)
            except TimeoutError:
                continue
            except OSError:
                return
            self.datagram(data)
            if len(data) < 12:
                continue
            self.heard(self._note(False, source[:2], data), source[:2])

    def _note(self, sent: bool, peer: Address, data: bytes) -> Message:
        message = Message.parse(data)
        with self._changed:
            self.events.append(Event(time.monotonic(), self.name, sent, peer, message))
            self._changed.notify_all()
        return message


@dataclass
class Call:
    """The calling side of a dialog."""

    phone: Phone
    edge: Address
    uri: str
    id: str = field(default_factory=lambda: f"{secrets.token_hex(8)}@cordboard.test")
    tag: str = field(default_factory=lambda: secrets.token_hex(4))
    answer: Message | None = None
    #: The user of From. Any other name is taken for an account's.
    caller: str = "anonymous"
    #: The URI of To; '' is the request's.
    to: str = ""
    credentials: tuple[str, str] | None = field(default=None, repr=False)
    _cseq: int = 0

    @property
    def status(self) -> int | None:
        """Of the final answer; None if there was none."""
        return self.answer.status if self.answer else None

    @property
    def answered(self) -> Message:
        assert self.answer is not None, "no final answer"
        assert self.answer.status == 200, self.answer.first
        return self.answer

    def request(
        self, method: str, *, body: str = "", headers: str = "", content: str = "application/sdp"
    ) -> Message | None:
        """Send the dialog's next request and wait for its final answer; an INVITE's is acknowledged."""
        final = self._request(method, body, headers, content)
        if final is not None and final.status in (401, 407) and self.credentials is not None:
            proxy = "Proxy-" if final.status == 407 else ""
            challenge = final.get("Proxy-Authenticate" if proxy else "WWW-Authenticate")
            self.answer = self.answer if self.answer is not final else None
            right = credentials(challenge, method, self.uri, *self.credentials)
            final = self._request(method, body, f"{headers}{proxy}Authorization: {right}\r\n", content)
        return final

    def _request(self, method: str, body: str, headers: str, content: str) -> Message | None:
        self._cseq += 1
        branch = f"z9hG4bK{secrets.token_hex(8)}"
        text = self.text(method, branch, body=body, headers=headers, content=content)
        final = self.phone.ask(text, self.edge, branch)
        if method == "INVITE" and final is not None:
            self._acknowledge(final, branch)
        return final

    def hang_up(self) -> int | None:
        """BYE; the status of its answer."""
        final = self.request("BYE")
        return final.status if final else None

    def text(
        self, method: str, branch: str, *, body: str = "", headers: str = "", content: str = "", cseq: int = 0
    ) -> str:
        """A request of this call as it stands on the wire."""
        established = self.answer is not None and (self.answer.status or 0) < 300
        uri = self.answer.contact if self.answer and established else self.uri
        to_tag = f";tag={self.answer.tag('To')}" if self.answer and established else ""
        routes = (
            "".join(f"Route: {r}\r\n" for r in reversed(self.answer.all("Record-Route")))
            if self.answer and established
            else ""
        )
        return (
            f"{method} {uri} SIP/2.0\r\n"
            f"Via: SIP/2.0/{self.phone.transport} {self.phone.at};rport;branch={branch}\r\n"
            f"{routes}"
            f"From: <sip:{self.caller}@{self.phone.at}>;tag={self.tag}\r\n"
            f"To: <{self.to or self.uri}>{to_tag}\r\n"
            f"Call-ID: {self.id}\r\n"
            f"CSeq: {cseq or self._cseq} {method}\r\n"
            f"Contact: <sip:caller@{self.phone.at}{_parameter(self.phone.transport)}>\r\n"
            f"Max-Forwards: 70\r\n"
            f"{headers}"
            + (f"Content-Type: {content}\r\n" if body else "")
            + f"Content-Length: {len(body.encode())}\r\n\r\n{body}"
        )

    def _acknowledge(self, final: Message, branch: str) -> None:
        before, self.answer = self.answer, final
        if (final.status or 0) >= 300:
            # hop by hop, within the INVITE's transaction
            to = f"To: <{self.to or self.uri}>"
            ack = self.text("ACK", branch).replace(to, f"{to};tag={final.tag('To')}")
        else:
            ack = self.text("ACK", f"z9hG4bK{secrets.token_hex(8)}")
        self.answer = before or final
        self.phone.send(ack, self.edge)


Answer = tuple[int, str]


def after_a_while(status: int, body: str = "") -> Callable[[Message], Answer]:
    """An answer that no worker of Kamailio's sees before the ringing that went before it."""

    def answers(invite: Message) -> Answer:
        time.sleep(0.1)
        return status, body

    return answers


class Agent(Phone):
    """A telephone that answers: INVITE as told, everything else with 200."""

    def __init__(self, address: str, port: int = 0, name: str = "", *, media_port: int = 4002) -> None:
        self.media_port = media_port
        #: Username and password that INVITEs must come with.
        self.wants: tuple[str, str] | None = None
        #: INVITE → status and SDP of the answer. Raising makes no answer at all.
        self.answers: Callable[[Message], Answer] = lambda invite: (200, sdp(address, self.media_port))
        #: UPDATE with SDP → SDP of the answer.
        self.answers_update: Callable[[Message], str] = lambda update: sdp(address, self.media_port)
        self.answers_options = 200
        #: Of the INVITE that is cancelled.
        self.answers_cancel = 487
        self.ringing = True
        #: Of its answers, in place of the usual ones.
        self.phrase = ""
        self._sent: dict[tuple[str, str], str] = {}
        super().__init__(address, port, name)

    @property
    def calls(self) -> list[Message]:
        """The INVITEs that began a call."""
        seen: dict[str, Message] = {}
        for message in self.received:
            if message.method == "INVITE" and message.status is None and not message.tag("To"):
                seen.setdefault(message.get("Call-ID"), message)
        return list(seen.values())

    def heard(self, message: Message, source: Address) -> None:
        if message.status is not None or message.method == "ACK":
            return
        key = (message.get("Via"), message.method)
        if key in self._sent:
            self.send(self._sent[key], source)
            return
        tag = message.tag("To") or secrets.token_hex(4)
        if message.method == "INVITE" and self.wants is not None and not self._is_right(message):
            challenge = f'Digest realm="{self.name}", nonce="{secrets.token_hex(8)}", algorithm=MD5, qop="auth"'
            self._sent[key] = self.response(message, 407, tag=tag, headers=f"Proxy-Authenticate: {challenge}\r\n")
            self.send(self._sent[key], source)
            return
        if message.method == "INVITE":
            if self.ringing and not message.tag("To"):
                self.send(self.response(message, 180, tag=tag), source)
            status, body = self.answers(message)
        elif message.method == "UPDATE" and message.body:
            status, body = 200, self.answers_update(message)
        elif message.method == "OPTIONS":
            status, body = self.answers_options, ""
        else:
            status, body = 200, ""
        answered = self._sent.get((message.get("Via"), "INVITE"), "SIP/2.0 1")
        if message.method == "CANCEL" and answered.startswith("SIP/2.0 1"):
            invite = next(m for m in self.received if m.method == "INVITE" and m.get("Via") == message.get("Via"))
            self.send(self.response(invite, self.answers_cancel, tag=tag), source)
        self._sent[key] = self.response(message, status, body, tag=tag)
        self.send(self._sent[key], source)

    def _is_right(self, request: Message) -> bool:
        assert self.wants is not None
        username, password = self.wants
        header = request.get("Proxy-Authorization")
        return bool(header) and is_right(header, request.method, username, self.name, password)

    def response(self, request: Message, status: int, body: str = "", *, tag: str, headers: str = "") -> str:
        to = request.get("To") if request.tag("To") else f"{request.get('To')};tag={tag}"
        return (
            f"SIP/2.0 {status:03} {self.phrase or _PHRASES.get(status, 'Answer')}\r\n"
            + "".join(f"Via: {via}\r\n" for via in request.all("Via"))
            + "".join(f"Record-Route: {route}\r\n" for route in request.all("Record-Route"))
            + f"From: {request.get('From')}\r\nTo: {to}\r\nCall-ID: {request.get('Call-ID')}\r\n"
            f"CSeq: {request.get('CSeq')}\r\nContact: <sip:agent@{self.at}{_parameter(self.transport)}>\r\n{headers}"
            + ("Content-Type: application/sdp\r\n" if body else "")
            + f"Content-Length: {len(body.encode())}\r\n\r\n{body}"
        )


_PHRASES = {
    180: "Ringing",
    200: "OK",
    407: "Proxy Authentication Required",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    500: "Server Error",
    603: "Decline",
}


def _parameter(transport: str) -> str:
    return "" if transport == "UDP" else f";transport={transport.lower()}"


def _host(address: Address) -> str:
    return f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"


def _uri(user: str, host: str) -> str:
    return f"sip:{user}@{host}" if user else f"sip:{host}"
