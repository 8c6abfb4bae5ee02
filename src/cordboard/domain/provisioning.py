"""What differs between what we store and what a provider holds for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

#: More than so many deletions, or than such a part of all that is there, must be meant.
MANY: Final = 10
PART: Final = 5
#: Of so few a part is no measure.
FEW: Final = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What has to happen at the provider under one key."""

    key: str
    action: Literal["create", "update", "delete"]
    #: What is missing, differs (`rule.agent`), or is there twice; names alone, since values may be secret.
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Why the provider does not hold an object as it is stored."""

    key: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """What applying would do."""

    changes: Sequence[Change]
    #: Keys of ours that the provider holds something for.
    there: int
    #: What cannot be applied; what stands at the provider for it stays.
    problems: Sequence[Problem] = ()

    @property
    def deleted(self) -> int:
        return sum(change.action == "delete" for change in self.changes)

    @property
    def mass_deletion(self) -> bool:
        return self.deleted > MANY or (self.deleted > FEW and self.deleted * PART > self.there)
