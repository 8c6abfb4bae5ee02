"""Another key for the stored secrets: it seals from now on, what is stored is sealed anew, and the old one goes.

Each step may be killed and given again. The key is in the ring before anything is sealed by it, and leaves the ring
only when nothing is; each piece of secrets is sealed anew in a transaction of its own, and only as long as it is still
what was read. So servers go on meanwhile: they read the ring again when it has been changed.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from cordboard.storage import ring_file, sealed
from cordboard.storage.ring_file import Ring, RingUnusable
from cordboard.storage.sealed import Holding, Kind
from cordboard.storage.secrets import KeyRing, UnreadableSecret, key_of
from cordboard.storage.transaction import Transaction
from cordboard.usecases.ports import Store

#: Rows that are looked at together, and sealed anew in one transaction: few, since a server may want the same rows.
PIECE: Final = 200
#: For how long an old key stays at least: a request that it sealed something for is stored by then.
SETTLED: Final = timedelta(minutes=1)

#: Told how many secrets have been sealed anew of how many.
Tell = Callable[[int, int], None]
#: How many secrets of a kind are sealed by a key.
Counts = Mapping[tuple[str, str], int]


@dataclass(frozen=True, kw_only=True)
class Survey:
    """The ring, and what is sealed by which of its keys."""

    ring: Ring
    counts: Counts

    def to_seal(self) -> int:
        """Secrets that another key of the ring has sealed than the active one."""
        others = self.ring.keys.keys() - {self.ring.active}
        return sum(count for (_, key), count in self.counts.items() if key in others)

    def target(self) -> Ring:
        """The ring that a rotation seals by: with its next key, or this one if a rotation was broken off."""
        return self.ring if self.to_seal() else self.ring.with_next_active()


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """What a rotation has done."""

    active: str
    #: The key seals since this rotation, not since one that was broken off.
    begun: bool
    old: tuple[str, ...]
    sealed_anew: int
    #: Kind and row of what does not open, and stays as it is.
    unreadable: tuple[tuple[str, str], ...]


async def survey(store: Store, path: Path) -> Survey:
    """Raises RingUnusable."""
    counts: Counter[tuple[str, str]] = Counter()
    for kind in sealed.KINDS:
        place: tuple[str, ...] | None = sealed.beginning(kind)
        while place is not None:
            piece = await store.read(partial(sealed.piece, kind=kind, after=place, limit=PIECE))
            counts.update((kind.name, key_of(secret)) for holding in piece.holdings for secret in holding.secrets)
            place = piece.next
    return Survey(ring=ring_file.read(path), counts=counts)


async def rotate(store: Store, path: Path, tell: Tell) -> Rotation:
    """Seal everything by the next key; if something is still sealed by another one than the active, by that.

    Raises RingUnusable.
    """
    with ring_file.changing(path):
        found = await survey(store, path)
        ring = found.target()
        begun = ring.active != found.ring.active
        if begun:
            ring_file.put(path, ring)
        work = _Work(store, KeyRing.open(path), tell)
        # a server may have sealed something by the old key just before: until there is no more
        while (left := (await survey(store, path)).to_seal()) and await work.run(left):
            pass
    return Rotation(
        active=ring.active,
        begun=begun,
        old=ring.old,
        sealed_anew=work.done,
        unreadable=tuple(sorted(work.unreadable)),
    )


def prepare(path: Path) -> tuple[str, bool]:
    """The key that a rotation will take, and whether it was made now. Raises RingUnusable."""
    with ring_file.changing(path):
        ring = ring_file.read(path)
        if ring.prepared:
            return ring.prepared[0], False
        ring = ring.with_key()
        ring_file.put(path, ring)
        return ring.prepared[0], True


async def drop_old(store: Store, path: Path, now: datetime, *, dry_run: bool) -> tuple[str, ...]:
    """Remove the old keys from the ring; which ones. Raises RingUnusable as long as anything may be sealed by them."""
    with ring_file.changing(path):
        found = await survey(store, path)
        ring, left = found.ring, sum(n for (_, key), n in found.counts.items() if key in found.ring.old)
        if left:
            raise RingUnusable(
                f"{left} secrets are still sealed by {', '.join(ring.old)}; run `cordboard secret rotate` first"
            )
        if ring.old and now - ring.changed_at < SETTLED:
            raise RingUnusable(
                f"the ring was changed less than {SETTLED.seconds} s ago, and what a request has sealed before that "
                "may not be stored yet; run this again in a minute"
            )
        if ring.old and not dry_run:
            ring_file.put(path, ring.without_old())
        return ring.old


class _Work:
    """Seals anew what the ring's active key has not sealed, from the first kind to the last."""

    def __init__(self, store: Store, ring: KeyRing, tell: Tell) -> None:
        self._store = store
        self._ring = ring
        self._tell = tell
        self.done = 0
        self.unreadable: set[tuple[str, str]] = set()

    async def run(self, expected: int) -> bool:
        """Once over everything; whether anything was sealed anew."""
        before = self.done
        self._tell(self.done, before + expected)
        for kind in sealed.KINDS:
            place: tuple[str, ...] | None = sealed.beginning(kind)
            while place is not None:
                place = await self._piece(kind, place, before + expected)
        return self.done > before

    async def _piece(self, kind: Kind, place: tuple[str, ...], expected: int) -> tuple[str, ...] | None:
        """Where the next one begins."""
        piece = await self._store.read(partial(sealed.piece, kind=kind, after=place, limit=PIECE))
        anew = [(holding, text) for holding in piece.holdings if (text := self._anew(holding)) != holding.text]
        if anew:
            self.done += await self._store.write(None, partial(_replace, anew=anew))
            self._tell(self.done, max(self.done, expected))
        return piece.next

    def _anew(self, holding: Holding) -> str:
        """The holding's text, with everything in it sealed by the active key that opens."""
        texts = []
        for secret in holding.secrets:
            if key_of(secret) != self._ring.active:
                try:
                    secret = self._ring.seal(self._ring.unseal(secret, holding.row), holding.row)
                except UnreadableSecret:
                    self.unreadable.add((holding.kind.name, holding.row))
            texts.append(secret.text)
        return " ".join(texts)


async def _replace(tx: Transaction, anew: list[tuple[Holding, str]]) -> int:
    """How many secrets were; what has been written meanwhile is not touched."""
    done = 0
    for holding, text in anew:
        if await sealed.replace(tx, holding, text):
            done += len(set(text.split()) - set(holding.text.split()))
    return done
