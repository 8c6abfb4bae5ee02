"""Who calls the native API: the administrator, an operator, or a tenant by its key."""

import hmac
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import Request

from cordboard.dialects.app import address_of, basic_credentials, bearer_token
from cordboard.dialects.native.operation import ADMINISTRATOR, OPERATOR, NativeOperation
from cordboard.dialects.openapi import Operation
from cordboard.domain.errors import MissingPermission, NotForCaller
from cordboard.domain.tenants import ADMIN, Actor
from cordboard.usecases.keys import Keyholders
from cordboard.usecases.operators import Logins

_LEAST: Final = {OPERATOR: "an operator or the administrator", ADMINISTRATOR: "the administrator"}


@dataclass(frozen=True, kw_only=True)
class Callers:
    """Whom the native API knows."""

    admin_token: str = field(repr=False)
    keyholders: Keyholders
    logins: Logins

    async def authorise(self, request: Request, operation: Operation) -> Actor:
        """Who calls. Raises Unauthenticated, TooManyLogins, NotForCaller, MissingPermission."""
        assert isinstance(operation, NativeOperation)
        shown = request.headers.get("authorization", "")
        if shown.partition(" ")[0].lower() == "basic":
            who = (await self.logins.operator(*basic_credentials(shown), address_of(request))).actor
            if operation.least == ADMINISTRATOR:
                raise NotForCaller(_LEAST[operation.least])
            return who
        token = bearer_token(request)
        if hmac.compare_digest(token.encode("utf-8", "surrogateescape"), self.admin_token.encode()):
            return ADMIN
        key = await self.keyholders.holder(token)
        if operation.least in _LEAST:
            raise NotForCaller(_LEAST[operation.least])
        if operation.unrestricted:
            return key.actor
        if operation.permission is None:
            raise MissingPermission("of an unrestricted key")
        key.require(operation.permission)
        return key.actor
