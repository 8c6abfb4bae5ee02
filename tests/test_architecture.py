"""The floors, as far as a test can hold them. The import contracts themselves are in pyproject.toml."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "cordboard"

#: Standard library modules that reach outside the process, or tell a different thing each time.
IMPURE = frozenset(
    "asyncio concurrent ctypes fcntl glob http io logging multiprocessing os pathlib platform random "
    "select selectors shutil signal socket sqlite3 ssl subprocess tempfile threading time urllib".split()
)
#: What asks the clock, wherever it is found in an attribute access or a call.
CLOCK = frozenset({"now", "utcnow", "today", "uuid1", "uuid4"})


def files(*parts: str) -> list[Path]:
    """The Python files under a folder of the package."""
    return sorted(PACKAGE.joinpath(*parts).rglob("*.py"))


def imported_modules(path: Path) -> set[str]:
    """The full names that a file imports, wherever in the file it does."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import, the contracts' readers look for full names"
            names.add(node.module or "")
    return names


def lines_with(path: Path, names: frozenset[str]) -> list[str]:
    """Where a file uses one of these attribute names: `file:line name`."""
    return [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.attr}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in names
    ]


def test_the_import_contracts_hold() -> None:
    lint = [Path(sys.executable).parent / "lint-imports", "--no-logo", "--no-cache"]
    run = subprocess.run(lint, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("path", files("domain"), ids=lambda path: path.stem)
def test_the_domain_needs_python_and_phonenumbers_only(path: Path) -> None:
    allowed = (set(sys.stdlib_module_names) - IMPURE) | {"cordboard", "phonenumbers"}
    assert {name.partition(".")[0] for name in imported_modules(path)} <= allowed


def test_rules_and_use_cases_are_told_the_time() -> None:
    told = [path for path in files("domain") + files("usecases") if path.name != "ports.py"]  # the clock itself
    assert [line for path in told for line in lines_with(path, CLOCK)] == []


def test_settings_are_read_from_the_environment_in_one_place() -> None:
    readers = {
        str(path.relative_to(PACKAGE))
        for path in files()
        if lines_with(path, frozenset({"environ", "getenv"})) and path.name != "settings.py"
    }
    assert readers == set()


def test_each_dialect_is_under_the_independence_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (independent,) = (c["modules"] for c in contracts if c["id"] == "dialects")
    packages = {f"cordboard.dialects.{init.parent.name}" for init in PACKAGE.glob("dialects/*/__init__.py")}
    assert set(independent) == packages
