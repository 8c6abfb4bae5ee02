"""What differs between what LiveKit must hold and what it holds. Pure, and without any value: those may be secret."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cordboard.domain.provisioning import Change
from cordboard.engines.livekit.objects import Inbound, Outbound, Rule, differing

Object = Inbound | Rule | Outbound

_NAMES: Final[dict[type[Object], str]] = {Inbound: "trunk", Rule: "rule", Outbound: "outbound trunk"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """One object of ours in LiveKit."""

    id: str
    what: Object


def plan(wanted: Mapping[str, Sequence[Object]], found: Mapping[str, Sequence[Found]]) -> list[Change]:
    """In the order of keys."""
    changes = (_change(key, wanted.get(key, ()), found) for key in sorted({*wanted, *found}))
    return [change for change in changes if change is not None]


def _change(key: str, wanted: Sequence[Object], found: Mapping[str, Sequence[Found]]) -> Change | None:
    there = found.get(key, ())
    if not wanted and not there:
        return None
    if not wanted:
        return Change(key=key, action="delete", fields=tuple(_NAMES[type(each.what)] for each in there))
    # in edge mode all rules name one trunk, which has a key of its own
    trunks = [each.id for each in (*there, *found.get("edge", ())) if isinstance(each.what, Inbound)]
    fields = [name for each in wanted for name in _fields(each, there, trunks)]
    if not fields:
        return None
    return Change(key=key, action="update" if there else "create", fields=tuple(fields))


def _fields(wanted: Object, there: Sequence[Found], trunks: Sequence[str]) -> Iterable[str]:
    name = _NAMES[type(wanted)]
    same = [each.what for each in there if type(each.what) is type(wanted)]
    if not same:
        return [name]
    if isinstance(wanted, Rule):
        wanted = replace(wanted, trunks=tuple(trunks[:1]))
    twice = [f"{name} twice"] if len(same) > 1 else []
    return [f"{name}.{field}" for field in differing(same[0], wanted)] + twice
