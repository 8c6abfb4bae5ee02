"""Sessions: who has logged in to the console, until it ends.

The browser keeps the credentials, sealed, so that no store holds them and each request is judged by what they are worth
now: a revoked key or a changed password ends its sessions. The store keeps which sessions stand, so that logging out
ends one whoever has copied it.
"""

from datetime import datetime, timedelta
from functools import partial
from typing import Final

from cordboard.domain.errors import Unauthenticated
from cordboard.domain.trunks import SealedSecret
from cordboard.storage import sessions
from cordboard.storage.secrets import UnreadableSecret
from cordboard.usecases.attempts import Attempts
from cordboard.usecases.ports import Context, in_bites

#: Old ones that are removed in one transaction.
BITE: Final = 500


class Sessions:
    """Begun, known again, and ended, by the text that the browser keeps."""

    def __init__(self, context: Context, lasting: timedelta) -> None:
        self._context = context
        self.lasting: Final = lasting
        self.attempts: Final = Attempts(context.clock)

    async def begin(self, credentials: str) -> str:
        """What the browser is to keep."""
        id, expires = self._context.new_id(), self._context.clock() + self.lasting
        await self._context.store.write(None, partial(sessions.begin, id=id, expires=expires))
        return f"{id}.{self._context.sealer.seal(credentials, _row(id)).text}"

    async def credentials(self, kept: str) -> str:
        """Those of a session that stands. Raises Unauthenticated."""
        id, _, sealed = kept.partition(".")
        try:
            found = self._context.sealer.unseal(SealedSecret(text=sealed), _row(id))
        except UnreadableSecret as error:
            raise Unauthenticated from error
        if not await self._context.store.read(partial(sessions.stands, id=id, at=self._context.clock())):
            raise Unauthenticated
        return found

    async def end(self, kept: str) -> None:
        """Harmless if it is over."""
        id, _, _ = kept.partition(".")
        await self._context.store.write(None, partial(sessions.end, id=id))


async def forget_old(context: Context) -> None:
    """Remove the sessions that are over."""
    before: datetime = context.clock()
    await in_bites(context.store, partial(sessions.remove_old, before=before, limit=BITE))


def _row(id: str) -> str:
    return f"session:{id}"
