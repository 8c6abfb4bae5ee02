"""A DNS server of the tests' own: UDP and TCP on one loopback address, its table changed while it runs."""

import contextlib
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

ADDRESS = "127.0.0.53"
#: What a negative answer may be kept, in seconds (RFC 2308).
NEGATIVE_TTL = 300


class NameServer:
    """Answers for every name there is, from a table. A name that is not in it does not exist."""

    def __init__(self, address: str = ADDRESS, *, port: int = 0) -> None:
        self._udp, self._tcp = _bind(address, port)
        self.address, self.port = self._udp.getsockname()
        self._table: dict[tuple[str, str], tuple[int, tuple[str, ...]]] = {}
        self._lock = threading.Lock()
        #: Names (and all below them) that get no answer at all; "" is every name.
        self.silent: set[str] = set()
        #: Names that are answered SERVFAIL.
        self.failing: set[str] = set()
        #: Seconds before each answer.
        self.delay = 0.0
        self.negative_ttl = NEGATIVE_TTL
        #: Bytes over which an answer by UDP is cut, so that it is asked for by TCP.
        self.largest = 1232
        #: Questions seen: (name, type).
        self.asked: Counter[tuple[str, str]] = Counter()
        #: Those of them that came by TCP.
        self.by_tcp = 0
        self._closing = False
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._serve_udp, self._serve_tcp)]
        for thread in self._threads:
            thread.start()

    @property
    def at(self) -> str:
        return f"{self.address}:{self.port}"

    def set(self, name: str, kind: str, *records: str, ttl: int = 300) -> None:
        """The records of a name and type, in the words of a zone file; without any, there are none."""
        with self._lock:
            self._table.pop((name.lower(), kind), None)
            if records:
                self._table[name.lower(), kind] = (ttl, records)

    def clear(self) -> None:
        with self._lock:
            self._table.clear()
            self.silent.clear()
            self.failing.clear()

    def close(self) -> None:
        self._closing = True
        for kind, sock in ((socket.SOCK_DGRAM, self._udp), (socket.SOCK_STREAM, self._tcp)):
            with socket.socket(socket.AF_INET, kind) as knock:  # wakes the thread
                knock.connect(sock.getsockname())
                with contextlib.suppress(OSError):
                    knock.send(b"")
        for thread in self._threads:
            thread.join(5)
        self._udp.close()
        self._tcp.close()

    def __enter__(self) -> "NameServer":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _serve_udp(self) -> None:
        while True:
            wire, client = self._udp.recvfrom(4096)
            if self._closing:
                return
            answer = self._answer(wire)
            if answer is None:
                continue
            full = answer.to_wire(max_size=65535)
            if len(full) > self.largest:
                cut = dns.message.make_response(dns.message.from_wire(wire))
                cut.flags |= dns.flags.TC
                full = cut.to_wire()
            if self.delay:
                threading.Timer(self.delay, self._udp.sendto, (full, client)).start()
            else:
                self._udp.sendto(full, client)

    def _serve_tcp(self) -> None:
        while True:
            connection, _ = self._tcp.accept()
            with connection, contextlib.suppress(OSError, struct.error):
                if self._closing:
                    return
                connection.settimeout(2)
                (length,) = struct.unpack("!H", connection.recv(2))
                answer = self._answer(connection.recv(length))
                self.by_tcp += 1
                if answer is not None:
                    time.sleep(self.delay)
                    full = answer.to_wire(max_size=65535)
                    connection.sendall(struct.pack("!H", len(full)) + full)

    def _answer(self, wire: bytes) -> dns.message.Message | None:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name, kind = _text(question.name), dns.rdatatype.to_text(question.rdtype)
        with self._lock:
            self.asked[name, kind] += 1
            if any(silent == "" or name == silent or name.endswith(f".{silent}") for silent in self.silent):
                return None
            answer = dns.message.make_response(query)
            answer.flags |= dns.flags.RA
            if name in self.failing:
                answer.set_rcode(dns.rcode.SERVFAIL)
                return answer
            self._fill(answer, question.name, kind)
        return answer

    def _fill(self, answer: dns.message.Message, asked: dns.name.Name, kind: str) -> None:
        """Follow CNAMEs to the records; none of that type, or no such name at all, comes with an SOA."""
        for _ in range(8):
            name = _text(asked)
            for found in (kind, "CNAME"):
                if (name, found) in self._table:
                    ttl, records = self._table[name, found]
                    answer.answer.append(dns.rrset.from_text_list(asked, ttl, "IN", found, records))
                    if found == kind:
                        return
                    asked = dns.name.from_text(records[0])
                    break
            else:
                break
        if not any(name == known or known.endswith(f".{name}") for known, _ in self._table):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        soa = f"ns.test. root.test. 1 3600 600 86400 {self.negative_ttl}"
        answer.authority.append(dns.rrset.from_text(dns.name.root, self.negative_ttl, "IN", "SOA", soa))


@contextlib.contextmanager
def name_server(address: str = ADDRESS) -> Iterator[NameServer]:
    with NameServer(address) as server:
        yield server


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()


def _bind(address: str, port: int) -> tuple[socket.socket, socket.socket]:
    """The same port for UDP and TCP."""
    for _ in range(50):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            udp.bind((address, port))
            tcp.bind((address, udp.getsockname()[1]))
            tcp.listen(64)
        except OSError:
            udp.close()
            tcp.close()
        else:
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            return udp, tcp
    raise AssertionError(f"no port is free at {address}")
