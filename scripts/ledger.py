"""A vendor's documentation line by line, each with the tests that prove it here.

A test says what it proves by `@pytest.mark.proves("line", ...)`, or `"vendor: line"`. A line without a test, or without
a reason why it is not supported, stops the writing, and so does a test that claims to prove a line that there is not.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]


class EmptyLine(Exception):
    """A line has neither a test nor a reason, or a test proves what no line says."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One documented thing."""

    name: str
    says: str
    #: Names under which tests claim it; its own if there are none.
    claims: tuple[str, ...] = ()
    #: Why it is not supported.
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Proof:
    """A test, and what it claims to prove."""

    file: Path
    test: str
    claims: tuple[str, ...]

    def of(self, vendor: str) -> "Proof":
        """With the claims that begin with `vendor: `, without that; of no vendor, those that name none."""
        split = [claim.rpartition(": ") for claim in self.claims]
        return replace(self, claims=tuple(claim for named, _, claim in split if named == vendor))

    def link(self) -> str:
        return f"[{self.file.stem}: {self.test.removeprefix('test_')}](../../{self.file.relative_to(ROOT)})"


@cache
def proofs() -> tuple[Proof, ...]:
    """Every test that is marked, in the order of files and lines."""
    found = []
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        text = file.read_text()
        if "mark.proves(" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                claims = tuple(_claims(node))
                if claims:
                    found.append(Proof(file=file, test=node.name, claims=claims))
    return tuple(found)


def _claims(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith("mark.proves"):
            for argument in decorator.args:
                if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
                    raise EmptyLine(f"{node.name} claims what is no plain text")
                yield argument.value


def page(text: str, sections: Mapping[str, list[Line]], vendor: str = "") -> str:
    """`text` with its sections; of the tests' claims those that begin with `vendor`. Raises EmptyLine."""
    found = [proof.of(vendor) for proof in proofs()]
    known = {claim for lines in sections.values() for line in lines for claim in line.claims or (line.name,)}
    if stray := {claim for proof in found for claim in proof.claims} - known:
        raise EmptyLine(f"no line says what tests claim to prove: {sorted(stray)}")
    return text.format(sections="".join(section(title, lines, found) for title, lines in sections.items()))


def section(title: str, lines: list[Line], found: Sequence[Proof]) -> str:
    """A table of the lines. Raises EmptyLine."""
    rows = "\n".join(_row(line, found) for line in lines)
    return f"\n## {title}\n\n| documented | here | proof |\n|---|---|---|\n{rows}\n"


def _row(line: Line, found: Sequence[Proof]) -> str:
    claims = set(line.claims or (line.name,))
    tests = [proof for proof in found if claims & set(proof.claims)]
    if not tests and not line.reason:
        raise EmptyLine(f"{line.name} has no test, and no reason why it is not supported")
    said = ". ".join(part for part in (line.says, line.reason) if part)
    links = "<br>".join(dict.fromkeys(proof.link() for proof in tests)) or "—"
    return f"| `{line.name}` | {said.replace('|', '&#124;')} | {links} |"
