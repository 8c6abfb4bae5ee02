"""Lists that page by key: the one place where a WHERE clause is put together.

Conditions come from a whitelist of SQL texts; values are always bound.
"""

from dataclasses import dataclass, field

from cordboard.storage.transaction import Value


@dataclass(slots=True)
class Where:
    """A WHERE clause in the making. `add("n.status = {}", value)` binds the value in place of the braces."""

    conditions: list[str] = field(default_factory=list)
    args: list[Value] = field(default_factory=list)

    def add(self, condition: str, *values: Value) -> None:
        self.conditions.append(condition.format(*(self.bind(v) for v in values)))

    def bind(self, value: Value) -> str:
        """The placeholder of a value that the statement needs elsewhere."""
        self.args.append(value)
        return f"${len(self.args)}"

    def __str__(self) -> str:
        return "where " + " and ".join(self.conditions) if self.conditions else ""
