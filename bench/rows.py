"""A line of the table: what was measured against what floor, and whether the budget is met."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Budget:
    """A bound on the ratio of measured to floor, or on the measured value itself."""

    bound: Literal["at most", "at least"] = "at most"
    value: float
    of: Literal["ratio", "measured"] = "ratio"
    #: The ratio that would be good, where the design names one.
    aim: float | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measurement in the unit that it names."""

    name: str
    floor: float
    measured: float
    unit: str
    #: None: nothing was promised.
    budget: Budget | None

    @property
    def ratio(self) -> float:
        return self.measured / self.floor

    @property
    def met(self) -> bool:
        if self.budget is None:
            return True
        value = self.ratio if self.budget.of == "ratio" else self.measured
        return value <= self.budget.value if self.budget.bound == "at most" else value >= self.budget.value
