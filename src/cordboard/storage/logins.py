"""Whose a digest username is: one agent's or one account's, in the whole installation."""

from cordboard.domain.errors import UsernameTaken
from cordboard.storage.transaction import Transaction, UniqueViolation

_OWNER = "select owner_id from login where username = $1"
_CLAIM = "insert into login (username, owner_id) values ($1, $2)"
_RELEASE = "delete from login where username = $1 and owner_id = $2"


async def claim(tx: Transaction, username: str, owner: str) -> None:
    """The owner's from now on; again is no error. Raises UsernameTaken."""
    row = await tx.one(_OWNER, username)
    if row is None:
        try:
            await tx.run(_CLAIM, username, owner)
        except UniqueViolation as error:
            raise UsernameTaken(username) from error
    elif row["owner_id"] != owner:
        raise UsernameTaken(username)


async def release(tx: Transaction, username: str, owner: str) -> None:
    """Anybody's again."""
    await tx.run(_RELEASE, username, owner)
