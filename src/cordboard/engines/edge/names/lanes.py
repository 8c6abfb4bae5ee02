"""Names in the order in which they are due, a bounded number of them under way."""

import heapq
from itertools import count

from cordboard.engines.edge.names.state import Watched

_tickets = count(1)


class Lane:
    """Those who wait and the room for those under way. A name is in one lane at a time, by its newest ticket."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._busy = 0
        self._heap: list[tuple[float, int, Watched]] = []
        self._tidy_at = 64

    @property
    def has_room(self) -> bool:
        return self._busy < self._room

    def put(self, name: Watched, due: float) -> None:
        """Let it wait until `due`, and nowhere else."""
        name.due, name.ticket = due, next(_tickets)
        heapq.heappush(self._heap, (due, name.ticket, name))
        if len(self._heap) > self._tidy_at:  # tickets given back lie about until they are due
            self._heap = [entry for entry in self._heap if entry[1] == entry[2].ticket]
            heapq.heapify(self._heap)
            self._tidy_at = 64 + 2 * len(self._heap)

    def next_due(self) -> float | None:
        """When the first of them is due; None if nobody waits."""
        while self._heap and self._heap[0][1] != self._heap[0][2].ticket:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take(self) -> Watched:
        """The one that `next_due` spoke of, now under way; `give_back` follows."""
        name = heapq.heappop(self._heap)[2]
        name.ticket = 0
        self._busy += 1
        return name

    def give_back(self) -> None:
        self._busy -= 1

    def __len__(self) -> int:
        return len(self._heap)
