"""A carrier's registrar (RFC 3261 section 10.3) of the tests' own, which challenges and answers as it is told."""

import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.calls.digest import fields, is_right
from tests.calls.phone import Address, Agent, Message


@dataclass(frozen=True, slots=True)
class Granted:
    """A binding, or the end of one if `expires` is 0."""

    at: float
    contact: str
    expires: int
    address: str


class Registrar(Agent):
    """Also a gateway: an INVITE is answered as an Agent does."""

    def __init__(self, address: str, port: int = 0, name: str = "", **rest: int) -> None:
        self.users: dict[str, str] = {}
        self.algorithms = ["MD5"]
        #: Those that it takes; of another one it says that it is stale.
        self.nonces: set[str] = set()
        #: Of how many challenges the nonce is forgotten at once.
        self.forgets = 0
        self.proxy = False
        self.quality = 'qop="auth", '
        #: What a REGISTER that proved itself is answered with; None is nothing at all.
        self.judges: Callable[[Message], tuple[int, str] | None] = lambda register: (200, "")
        self.grants: Callable[[int], int] = lambda asked: asked
        self.deaf = False
        self.granted: list[Granted] = []
        super().__init__(address, port, name, **rest)

    @property
    def registers(self) -> list[Message]:
        """Those that came, retransmissions left out."""
        found = {m.get("Via"): m for m in self.received if m.method == "REGISTER" and m.status is None}
        return list(found.values())

    def until_granted(self, count: int = 1, seconds: float = 30) -> list[Granted]:
        deadline = time.monotonic() + seconds
        while len(self.granted) < count:
            assert time.monotonic() < deadline, f"{len(self.granted)} of {count} registrations after {seconds} s"
            time.sleep(0.02)
        return self.granted

    def heard(self, message: Message, source: Address) -> None:
        if message.method != "REGISTER" or message.status is not None:
            super().heard(message, source)
            return
        if self.deaf:
            return
        key = (message.get("Via"), "REGISTER")
        if key not in self._sent:
            answer = self._answer_to(message)
            if answer is None:
                return
            self._sent[key] = answer
        self.send(self._sent[key], source)

    def _answer_to(self, register: Message) -> str | None:
        tag = secrets.token_hex(4)
        if self.users and not self._proves(register):
            return self.response(register, 407 if self.proxy else 401, tag=tag, headers=self._challenges(register))
        judged = self.judges(register)
        if judged is None:
            return None
        status, headers = judged
        if status == 200:
            headers += self._grant(register)
        return self.response(register, status, tag=tag, headers=headers)

    def response(self, request: Message, status: int, body: str = "", *, tag: str, headers: str = "") -> str:
        text = super().response(request, status, body, tag=tag, headers=headers)
        # the Contact of a registrar's answer is that of the bindings
        return re.sub(r"Contact: <sip:agent@[^\r]*\r\n", "", text) if request.method == "REGISTER" else text

    def _grant(self, register: Message) -> str:
        if not register.get("Contact"):
            return ""  # it only asks for the bindings (RFC 3261 section 10.2.3)
        asked = int(register.get("Expires"))
        expires = self.grants(asked) if asked else 0
        self.granted.append(Granted(time.monotonic(), register.contact, expires, register.get("To")))
        others = "Contact: <sip:somebody@192.0.2.77>;expires=7\r\n"
        return others + (f"Contact: <{register.contact}>;expires={expires}\r\n" if expires else "")

    def _proves(self, register: Message) -> bool:
        header = register.get("Proxy-Authorization" if self.proxy else "Authorization")
        if not header:
            return False
        given = fields(header)
        if given.get("nonce") not in self.nonces:
            return False
        user = given.get("username", "")
        right = is_right(header, "REGISTER", user, self.name, self.users.get(user, ""))
        return right and user in self.users and given["uri"] == register.first.split(" ")[1]

    def _challenges(self, register: Message) -> str:
        given = fields(register.get("Authorization") or register.get("Proxy-Authorization"))
        stale = ", stale=true" if given and given.get("nonce") not in self.nonces else ""
        nonce = secrets.token_hex(8)
        if self.forgets:
            self.forgets -= 1
        else:
            self.nonces.add(nonce)
        name = "Proxy-Authenticate" if self.proxy else "WWW-Authenticate"
        return "".join(
            f'{name}: Digest realm="{self.name}", nonce="{nonce}", {self.quality}algorithm={algorithm}{stale}\r\n'
            for algorithm in self.algorithms
        )
