"""Operators: making them, and telling whether a password is theirs."""

import asyncio
import hashlib
import hmac
import secrets
from datetime import datetime
from functools import partial
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from cordboard.domain.errors import OperatorHasCustomers, TooManyLogins, Unauthenticated
from cordboard.domain.operators import Operator, OperatorId, check_operator_name
from cordboard.domain.tenants import Actor
from cordboard.storage import operators
from cordboard.storage.transaction import Transaction
from cordboard.usecases.attempts import Attempts
from cordboard.usecases.ports import Store

#: Passwords checked at a time: each takes a tenth of a second and 64 MiB. More wait.
CHECKS_AT_A_TIME: Final = 2
#: Credentials remembered at most; past it the memory starts afresh.
REMEMBERED: Final = 1_000

_hasher = PasswordHasher()


def hashed(password: str) -> str:
    """argon2id with the library's parameters (RFC 9106). Takes a tenth of a second: not for the event loop."""
    return _hasher.hash(password)


class Logins:
    """Who logs in with HTTP Basic.

    What was right once is known by an HMAC under a key of this process, as long as the operator's stored hash is the
    same: a changed password counts from the next request on, in every process. It is no guess, however many of an
    address are wrong.
    """

    def __init__(self, store: Store, attempts: Attempts) -> None:
        self._store = store
        self._attempts = attempts
        self._key = secrets.token_bytes(32)
        self._known: dict[bytes, str] = {}
        self._checking = asyncio.Semaphore(CHECKS_AT_A_TIME)
        #: Under way, by what is checked: requests at once with the same credentials are one guess.
        self._checks: dict[tuple[bytes, str | None], asyncio.Task[bool]] = {}
        #: What is checked for a name that there is not, so that it takes as long.
        self._nobody: str | None = None

    async def operator(self, name: str, password: str, address: str | None) -> Operator:
        """Who that is. `address` is where it comes from; None: whoever asks holds guesses back itself.

        Raises Unauthenticated, TooManyLogins.
        """
        found = await self._store.read(partial(operators.by_name, name=name))
        proof = hmac.digest(self._key, f"{len(name)}:{name}{password}".encode("utf-8", "surrogateescape"), "sha256")
        if found is not None and hmac.compare_digest(self._known.get(proof, ""), found.password):
            return found
        stored = None if found is None else found.password
        check = self._checks.get((proof, stored)) or self._begin((proof, stored), password, address)
        if not await asyncio.shield(check) or found is None:
            raise Unauthenticated
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[proof] = found.password
        return found

    def _begin(self, what: tuple[bytes, str | None], password: str, address: str | None) -> asyncio.Task[bool]:
        """Raises TooManyLogins."""
        if address is not None and (seconds := self._attempts.begin(address)):
            raise TooManyLogins(seconds)

        async def check() -> bool:
            try:
                right = await self._right(what[1], password)
                if right and address is not None:
                    self._attempts.forgive(address)
                return right
            finally:
                del self._checks[what]

        self._checks[what] = asyncio.create_task(check())
        return self._checks[what]

    async def _right(self, stored: str | None, password: str) -> bool:
        async with self._checking:
            if stored is None and self._nobody is None:
                self._nobody = await asyncio.to_thread(hashed, secrets.token_hex(16))
            return await asyncio.to_thread(_verify, stored or self._nobody or "", password)


def _verify(stored: str, password: str) -> bool:
    # argon2 takes any length; what a stranger sends is made short first
    if len(password) > 1024:
        password = hashlib.sha256(password.encode("utf-8", "surrogateescape")).hexdigest()
    try:
        return _hasher.verify(stored, password.encode("utf-8", "surrogateescape"))
    except VerificationError:
        return False


async def create(
    tx: Transaction, who: Actor, now: datetime, *, id: OperatorId, name: str, password_hash: str
) -> Operator:
    """Raises InvalidUsername, OperatorTaken."""
    operator = Operator(id=id, name=check_operator_name(name), password=password_hash, created_at=now)
    await operators.add(tx, who, operator, now)
    return operator


async def set_password(tx: Transaction, who: Actor, now: datetime, *, ref: str, password_hash: str) -> Operator:
    """The old password is worth nothing from the next request on. Raises UnknownOperator."""
    operator = await operators.find(tx, ref)
    await operators.set_password(tx, who, operator, password_hash, now)
    return operator


async def delete(tx: Transaction, who: Actor, now: datetime, *, ref: str) -> None:
    """Raises UnknownOperator, OperatorHasCustomers."""
    operator = await operators.find(tx, ref)
    customers, _ = await operators.counted(tx, operator.id)
    if customers:
        raise OperatorHasCustomers(operator.name, customers)
    await operators.remove(tx, who, operator, now)
