"""The requests of the API rows, each of which does real work: a write changes what is stored."""

import itertools
import random
from collections.abc import Callable
from typing import Literal, get_args

from bench import fill
from bench.fill import Layout

Operation = Literal["get", "rename", "assign", "list"]
OPERATIONS: tuple[Operation, ...] = get_args(Operation)
TITLES: dict[Operation, str] = {
    "get": "GET by id",
    "rename": "PATCH nickname",
    "assign": "PATCH version",
    "list": "list of 20",
}
#: Tenants that call in one round; other ones in the next.
CALLERS = 20
PAGE = 20


class Requests:
    """Endless requests of one operation on an installation."""

    def __init__(self, operation: Operation, layout: Layout, seed: int) -> None:
        self._layout = layout
        self._random = random.Random(seed)
        self._make: Callable[[int, int], bytes] = getattr(self, f"_{operation}")
        self._names = itertools.count()
        self._assigned: dict[int, int] = {}

    def take(self, count: int) -> list[bytes]:
        """The requests of one round, all by the same few tenants."""
        tenants = self._layout.tenants
        callers = self._random.sample(range(tenants), min(CALLERS, tenants))
        return [self._make(self._random.choice(callers), self._some()) for _ in range(count)]

    def _some(self) -> int:
        """The place of a number among its tenant's."""
        return self._random.randrange(self._layout.numbers // self._layout.tenants)

    def _number(self, tenant: int, place: int) -> int:
        return place * self._layout.tenants + tenant

    def _get(self, tenant: int, place: int) -> bytes:
        return _request("GET", f"/v1/phone/{fill.number_id(self._number(tenant, place))}", tenant)

    def _rename(self, tenant: int, place: int) -> bytes:
        body = f'{{"nickname":"Desk {next(self._names)}"}}'
        return _request("PATCH", f"/v1/phone/{fill.number_id(self._number(tenant, place))}", tenant, body)

    def _assign(self, tenant: int, place: int) -> bytes:
        number = self._number(tenant, place)
        which = self._assigned[number] = 1 - self._assigned.get(number, 0)
        body = f'{{"inbound_version_id":"{fill.version_id(tenant, which)}"}}'
        return _request("PATCH", f"/v1/phone/{fill.number_id(number)}", tenant, body)

    def _list(self, tenant: int, place: int) -> bytes:
        """The newest come first: after a number stand those of lower places, at least a page of them."""
        after = self._number(tenant, max(place, PAGE))
        return _request("GET", f"/v1/phone/?limit={PAGE}&after={fill.number_id(after)}", tenant)


def _request(method: str, target: str, tenant: int, body: str = "") -> bytes:
    head = (
        f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {fill.key(tenant)}\r\n"
        "Accept: */*\r\nAccept-Encoding: gzip, deflate\r\nUser-Agent: bench\r\n"
    )
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}\r\n{body}".encode()
