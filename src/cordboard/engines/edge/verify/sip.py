"""One SIP request and the responses to it (RFC 3261 section 17.1), by UDP, TCP or TLS, from the edge's own address."""

import asyncio
import contextlib
import re
import secrets
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from cordboard.domain.addresses import HostPort, Transport
from cordboard.engines.edge.names.lookup import Hop

#: Seconds that a place has to take a connection, and to say something final.
CONNECT_SECONDS: Final = 3.0
ANSWER_SECONDS: Final = 5.0
#: Of UDP: until a request is sent once more, doubled each time up to the second (RFC 3261 section 17.1.2.1).
T1, T2 = 0.5, 4.0
#: Bytes of a message that is read.
LONGEST: Final = 16384
_END = b"\r\n\r\n"


class Unreached(Exception):
    """No connection; the message says why, and `code` is a word for it."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


@dataclass(frozen=True, slots=True)
class Response:
    """A SIP response; header fields under their long names, in lower case."""

    status: int
    phrase: str
    headers: tuple[tuple[str, str], ...]
    body: str
    #: time.monotonic() when it came.
    came: float = 0.0

    def all(self, name: str) -> list[str]:
        return [value for have, value in self.headers if have == name]

    def get(self, name: str) -> str:
        """The first of that name, '' if there is none."""
        return next(iter(self.all(name)), "")

    def answers(self, request: "Request") -> bool:
        """A CANCEL has the branch of the INVITE that it takes back (RFC 3261 section 17.1.3)."""
        return request.branch in self.get("via") and self.get("cseq").split()[-1:] == [request.method]

    @property
    def line(self) -> str:
        """As it is shown: printable ASCII alone, since it came from anywhere."""
        return f"{self.status} {printable(self.phrase)}".strip()


_LONG: Final = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length"}


def printable(text: str, length: int = 120) -> str:
    return re.sub(r"[^ -~]", "?", text)[:length]


def parse(data: bytes) -> Response | None:
    """None for what is no whole response."""
    head, end, body = data.partition(_END)
    text = re.sub(r"\r\n[ \t]+", " ", head.decode("utf-8", "replace"))
    first, *lines = text.split("\r\n")
    match = re.fullmatch(r"SIP/2\.0 ([1-6][0-9]{2})(?: (.*))?", first)
    if match is None or not end:
        return None
    pairs = (line.partition(":") for line in lines)
    headers = tuple((_long(name), value.strip()) for name, _, value in pairs)
    return Response(int(match[1]), match[2] or "", headers, body.decode("utf-8", "replace"), time.monotonic())


def _long(name: str) -> str:
    name = name.strip().lower()
    return _LONG.get(name, name)


@dataclass(kw_only=True)
class Request:
    """A request in the making; sent again with credentials, it has the next CSeq."""

    method: str
    uri: str
    #: URIs of From and To.
    caller: str
    called: str
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    call_id: str = field(default_factory=lambda: f"{secrets.token_hex(10)}@verify")
    tag: str = field(default_factory=lambda: secrets.token_hex(5))
    to_tag: str = ""
    cseq: int = 1
    branch: str = field(default_factory=lambda: "z9hG4bK" + secrets.token_hex(8))
    #: User of the Contact; '' sends none, as a REGISTER that only asks.
    contact: str = "cordboard"

    def text(self, transport: Transport, us: HostPort) -> bytes:
        lines = [
            f"{self.method} {self.uri} SIP/2.0",
            f"Via: SIP/2.0/{transport.upper()} {us};branch={self.branch};rport",
            "Max-Forwards: 70",
            f"From: <{self.caller}>;tag={self.tag}",
            f"To: <{self.called}>" + (f";tag={self.to_tag}" if self.to_tag else ""),
            f"Call-ID: {self.call_id}",
            f"CSeq: {self.cseq} {self.method}",
            "User-Agent: cordboard",
        ]
        if self.contact:
            by = "" if transport is Transport.UDP else f";transport={transport}"
            lines.append(f"Contact: <sip:{self.contact}@{us}{by}>")
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.body:
            lines.append("Content-Type: application/sdp")
        lines.append(f"Content-Length: {len(self.body.encode())}")
        return ("\r\n".join(lines) + "\r\n\r\n" + self.body).encode()

    def next(self, *headers: tuple[str, str]) -> "Request":
        """The same with further headers, as a transaction of its own."""
        return Request(
            method=self.method,
            uri=self.uri,
            caller=self.caller,
            called=self.called,
            headers=(*self.headers, *headers),
            body=self.body,
            call_id=self.call_id,
            tag=self.tag,
            cseq=self.cseq + 1,
            contact=self.contact,
        )

    def cancel(self, transport: Transport, us: HostPort) -> bytes:
        """Takes it back: its own branch and number (RFC 3261 section 9.1)."""
        return self._beside("CANCEL", self.branch).text(transport, us)

    def ack(self, final: Response, transport: Transport, us: HostPort) -> bytes:
        """Of an INVITE: of its own transaction if it was refused (section 17.1.1.3), else of the call's."""
        if final.status < 300:
            return self.within(final, "ACK").text(transport, us)
        made = self._beside("ACK", self.branch)
        made.to_tag = tag_of(final.get("to"))
        return made.text(transport, us)

    def within(self, answer: Response, method: str) -> "Request":
        """A request of the call that an answer made (section 12.2.1.1)."""
        made = self._beside(method, "z9hG4bK" + secrets.token_hex(8))
        made.to_tag = tag_of(answer.get("to"))
        made.uri = uri_of(answer.get("contact")) or self.uri
        made.headers = tuple(("Route", route) for route in reversed(answer.all("record-route")))
        if method != "ACK":
            made.cseq += 1
        return made

    def _beside(self, method: str, branch: str) -> "Request":
        return Request(
            method=method,
            uri=self.uri,
            caller=self.caller,
            called=self.called,
            call_id=self.call_id,
            tag=self.tag,
            cseq=self.cseq,
            branch=branch,
        )


def answer_to(data: bytes) -> bytes | None:
    """200 to a request of the far side's that stands in a call; None for anything else, and for ACK."""
    head = re.sub(r"\r\n[ \t]+", " ", data.partition(_END)[0].decode("utf-8", "replace"))
    first, *lines = head.split("\r\n")
    if not re.fullmatch(r"[A-Z]+ \S+ SIP/2\.0", first) or first.startswith("ACK "):
        return None
    kept = [line for line in lines if _long(line.partition(":")[0]) in ("via", "from", "to", "call-id", "cseq")]
    return "\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""]).encode()


def tag_of(header: str) -> str:
    """Of From or To; '' if it has none."""
    match = re.search(r";\s*tag=([^;>\s]+)", header)
    return match[1] if match else ""


def uri_of(header: str) -> str:
    """Of a Contact; '' if there is none."""
    match = re.search(r"<([^>]*)>", header)
    return match[1] if match else header.partition(";")[0].strip()


def host_of(host: str) -> str:
    """A host as it stands in a URI."""
    return f"[{host}]" if ":" in host else host


class Line:
    """A way to one place: a UDP socket or a connection, and what came by it."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        #: Ours, as Via and Contact say.
        self.us = HostPort(host="")
        self.heard: asyncio.Queue[bytes] = asyncio.Queue(256)
        #: What the far side's machine said of a datagram that nobody there takes; None as long as nothing did.
        self.refused: Exception | None = None
        self._datagrams: asyncio.DatagramTransport | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def send(self, data: bytes) -> None:
        """Raises Unreached."""
        try:
            if self._datagrams is not None:
                self._datagrams.sendto(data)
            elif self._writer is not None:
                self._writer.write(data)
                await self._writer.drain()
        except OSError as error:
            raise Unreached("unreachable", reason_of(error)) from error

    async def ask(self, request: Request, seconds: float = ANSWER_SECONDS) -> list[Response]:
        """Its responses up to the final one, or those that came in time. Raises Unreached if nothing can be sent."""
        return [response async for response in self.responses(request, seconds)]

    async def responses(self, request: Request, seconds: float, *, sent: bool = False) -> AsyncIterator[Response]:
        """Each as it comes; ends with the final one, or when the time is over. What is `sent` already is only heard."""
        data = request.text(self.transport, self.us)
        deadline, pause = time.monotonic() + seconds, T1
        again = time.monotonic() + pause
        if not sent:
            await self.send(data)
        provisional = sent
        while (left := deadline - time.monotonic()) > 0:
            if self.transport is Transport.UDP and not provisional:
                left = min(left, again - time.monotonic())
            try:
                async with asyncio.timeout(max(0.0, left)):
                    response = parse(await self.heard.get())
            except TimeoutError:
                if self.transport is Transport.UDP and not provisional and time.monotonic() >= again:
                    await self.send(data)
                    pause = min(2 * pause, T2)
                    again = time.monotonic() + pause
                continue
            if response is None or not response.answers(request):
                continue
            yield response
            if response.status >= 200:
                return
            provisional = True

    @property
    def tls(self) -> ssl.SSLObject | None:
        """None without TLS."""
        found: ssl.SSLObject | None = None if self._writer is None else self._writer.get_extra_info("ssl_object")
        return found

    async def close(self) -> None:
        if self._datagrams is not None:
            self._datagrams.close()
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError, TimeoutError, ssl.SSLError):
                async with asyncio.timeout(0.5):
                    await self._writer.wait_closed()

    def on_datagrams(self, transport: asyncio.DatagramTransport) -> None:
        self._datagrams = transport
        self._named(transport.get_extra_info("sockname"))

    def on_stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> "asyncio.Task[None]":
        self._writer = writer
        self._named(writer.get_extra_info("sockname"))
        return asyncio.create_task(self._read(reader))

    def _named(self, name: tuple[str, int]) -> None:
        self.us = HostPort(host=name[0], port=name[1])

    async def _read(self, reader: asyncio.StreamReader) -> None:
        held = b""
        with contextlib.suppress(OSError, ssl.SSLError):
            while len(held) <= LONGEST and (data := await reader.read(LONGEST)):
                held = (held + data).lstrip(b"\r\n")
                while (length := whole(held)) is not None:
                    self.put(held[:length])
                    held = held[length:].lstrip(b"\r\n")

    def put(self, data: bytes) -> None:
        with contextlib.suppress(asyncio.QueueFull):
            self.heard.put_nowait(data)


def whole(held: bytes) -> int | None:
    """Bytes of the first message of a stream if all of it is there."""
    head, end, rest = held.partition(_END)
    match = re.search(rb"(?im)^(?:content-length|l)[ \t]*:[ \t]*([0-9]{1,6})", head)
    body = int(match[1]) if match else 0
    return len(head) + len(end) + body if end and len(rest) >= body else None


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, line: Line) -> None:
        self._line = line

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._line.put(data)

    def error_received(self, exc: Exception) -> None:
        self._line.refused = exc


@contextlib.asynccontextmanager
async def line_to(
    hop: Hop,
    source: str | None,
    tls: ssl.SSLContext | None = None,
    name: str | None = None,
    seconds: float = CONNECT_SECONDS,
) -> AsyncIterator[Line]:
    """A line to `hop` from the address `source`, or from whatever the machine chooses. Raises Unreached.

    A UDP socket is connected: it hears that place alone, and learns that nobody is there.
    """
    line = Line(hop.transport)
    local = None if source is None else (source, 0)
    loop = asyncio.get_running_loop()
    reading = None
    try:
        async with asyncio.timeout(seconds):
            if hop.transport is Transport.UDP:
                made, _ = await loop.create_datagram_endpoint(
                    lambda: _Datagrams(line), local_addr=local, remote_addr=(hop.address, hop.port)
                )
                line.on_datagrams(made)
            else:
                reader, writer = await asyncio.open_connection(
                    hop.address, hop.port, local_addr=local, ssl=tls, server_hostname=name, limit=LONGEST
                )
                reading = line.on_stream(reader, writer)
    except TimeoutError:
        raise Unreached("timeout", f"no answer within {seconds:g} s") from None
    except ssl.SSLError:
        raise
    except OSError as error:
        raise Unreached(
            "refused" if isinstance(error, ConnectionRefusedError) else "unreachable", reason_of(error)
        ) from (error)
    try:
        yield line
    finally:
        if reading is not None:
            reading.cancel()
        await line.close()


def reason_of(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
