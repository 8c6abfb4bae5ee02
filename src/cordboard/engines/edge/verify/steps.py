"""When a step began, and what it then is."""

import time

from cordboard.domain.verification_steps import Said
from cordboard.domain.verifications import Step, StepName
from cordboard.usecases.ports import Clock


class Watch:
    """Started when a step is."""

    def __init__(self, clock: Clock) -> None:
        self._began, self._at = time.monotonic(), clock()

    def step(self, name: StepName, target: str, said: Said) -> Step:
        return said.of(name, target, self._at, round((time.monotonic() - self._began) * 1000))
