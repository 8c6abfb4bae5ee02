"""A telephone that answers over TCP or TLS, on connections that others open and on those that it opens itself."""

import contextlib
import re
import socket
import ssl
import threading

from tests.calls.phone import Address, Agent

_END = b"\r\n\r\n"


class StreamAgent(Agent):
    """As Agent, at the same port over TCP; with `context`, over TLS."""

    transport = "TCP"

    def __init__(self, address: str, port: int = 0, name: str = "", context: ssl.SSLContext | None = None) -> None:
        super().__init__(address, port, name)
        self._context = context
        #: The name that each TLS client asked for, in the order of connections.
        self.asked: list[str | None] = []
        if context is not None:
            self.transport = "TLS"
            context.sni_callback = lambda _, asked, __: self.asked.append(asked)
        self._connections: dict[Address, socket.socket] = {}
        self._listener = socket.create_server(self.address, family=self._socket.family)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        super().close()
        # a thread that waits in accept() is woken by nothing else
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up_connections()

    def connect(self, to: Address, context: ssl.SSLContext | None = None, name: str | None = None) -> None:
        """What goes to that address goes by this connection from now on. Raises OSError."""
        made = socket.create_connection(to, 5, source_address=(self.address[0], 0))
        if context is not None:
            made = context.wrap_socket(made, server_hostname=name)
        made.settimeout(None)
        self._connections[to] = made
        threading.Thread(target=self._serve, args=(made, to), daemon=True).start()

    def hang_up_connections(self) -> None:
        """End every connection; new ones are taken."""
        for connection in list(self._connections.values()):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _deliver(self, data: bytes, to: Address) -> None:
        connection = self._connections.get(to)
        if connection is None:
            super()._deliver(data, to)
        else:
            connection.sendall(data)

    def _accept(self) -> None:
        while True:
            try:
                made, peer = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._welcome, args=(made, peer[:2]), daemon=True).start()

    def _welcome(self, made: socket.socket, peer: Address) -> None:
        if self._context is not None:
            try:
                made = self._context.wrap_socket(made, server_side=True)
            except OSError:
                made.close()
                return
        self._connections[peer] = made
        self._serve(made, peer)

    def _serve(self, connection: socket.socket, peer: Address) -> None:
        held = b""
        with contextlib.suppress(OSError):
            while data := connection.recv(65535):
                held += data
                while (length := _length(held.lstrip(b"\r\n"))) is not None:
                    held = held.lstrip(b"\r\n")
                    message, held = held[:length], held[length:]
                    self.heard(self._note(False, peer, message), peer)
        self._connections.pop(peer, None)
        connection.close()


def _length(held: bytes) -> int | None:
    """Of the first message that stands there whole."""
    head, end, rest = held.partition(_END)
    match = re.search(rb"(?im)^(?:content-length|l)\s*:\s*(\d+)", head)
    body = int(match[1]) if match else 0
    return len(head) + len(end) + body if end and len(rest) >= body else None
