"""What the documentation must say, or a test fails."""

import re
from functools import partial
from pathlib import Path

import click
import pytest

from cordboard.cli import main
from cordboard.console.routes import NAVIGATION
from cordboard.dialects.native.operation import PREFIX
from cordboard.dialects.nebrija.advanced import Advanced
from cordboard.settings import Settings, variable
from scripts import coverage_table, ledger, metric_tables, native_tables
from scripts.commands import every_command
from scripts.coverage_table import Gap, cell
from scripts.reference import DOCS, PAGES

ROOT = Path(__file__).parents[1]
PAGES_BY_HAND = [page for page in (*ROOT.glob("*.md"), *DOCS.rglob("*.md")) if page.name != "commands.md"]
#: What commands read of the environment, besides the settings.
OF_COMMANDS = {"CORDBOARD_URL", "CORDBOARD_ADMIN_TOKEN"}


@pytest.mark.parametrize("name", PAGES)
def test_the_reference_says_what_the_code_does(name: str) -> None:
    assert (DOCS / name).read_text() == PAGES[name](), "run: .venv/bin/python -m scripts.reference"


@pytest.mark.parametrize(("name", "tests"), [("GET /x", False), ("GET /sip_device_routes", True)])
def test_a_line_of_the_ledger_without_a_test_stops_the_writing(name: str, tests: bool) -> None:
    line = ledger.Line(name=name, says="Something")
    section = partial(ledger.section, "Operations", [line], ledger.proofs())
    if tests:
        assert "test_vendor_examples.py" in section()
    else:
        with pytest.raises(ledger.EmptyLine, match="GET /x"):
            section()


def test_an_operation_without_a_command_stops_the_writing_unless_it_is_said_why() -> None:
    assert cell("ban", "command", ["ban add"], {}) == "`ban add`"
    assert cell("ban", "command", [], {"ban": "why"}) == "why"
    with pytest.raises(Gap, match="ban has no command"):
        cell("ban", "command", [], {})
    with pytest.raises(Gap, match="ban has a command now"):
        cell("ban", "command", ["ban add"], {"ban": "why"})


def test_every_option_of_a_trunk_is_told_of() -> None:
    told = (DOCS / "nebrija.md").read_text().partition("## Options")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \|", told, re.MULTILINE)
    assert rows == [field.alias for field in Advanced.model_fields.values()]


def test_every_link_between_the_documents_leads_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]:
        for target, heading in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", page.read_text()):
            there = page.parent / target if target else page
            assert there.exists(), f"{page.name} links to {target}"
            assert not heading or heading in _headings(there), f"{page.name} links to {target}#{heading}"


def test_every_command_and_every_option_says_what_it_does() -> None:
    for path, command in every_command(main, "cordboard"):
        assert command.help, path
        for each in command.params:
            assert not isinstance(each, click.Option) or each.help, f"{path} {each.opts[0]}"


def test_every_page_that_the_console_leads_to_is_told_of() -> None:
    told = re.findall(r"^\| .+ \(`(/[a-z]*)`\) \|", (DOCS / "console.md").read_text(), re.MULTILINE)
    assert told == [path for _, paths in NAVIGATION for path in paths]


def test_every_hard_choice_says_what_it_costs() -> None:
    for page in (DOCS / "discussions").glob("*.md"):
        parts = re.findall(r"^(?:\*\*(Status)\*\*|## (.+)$)", page.read_text(), re.MULTILINE)
        assert ["".join(each) for each in parts] == ["Status", "Context", "Decision", "What it costs"], page.name


def test_every_metric_that_the_source_names_is_told_of() -> None:
    source = "".join(file.read_text() for file in (ROOT / "src").rglob("*.py"))
    told = {metric.name for metric in metric_tables.metrics()}
    assert set(re.findall(r'"(cordboard_[a-z_]+)"', source)) == told


def test_every_picture_is_shown_and_made_by_a_test() -> None:
    shown = set(re.findall(r"console/([\w-]+)\.png", (DOCS / "console.md").read_text()))
    made = re.findall(r'is_sound\("([\w-]+)", documented=True\)', _text_of(ROOT / "tests" / "console"))
    there = {picture.stem for picture in (DOCS / "console").glob("*.png")}
    assert there == shown == {f"{name}-{kind}" for name in made for kind in ("desktop-light", "phone-dark")}


def _text_of(folder: Path) -> str:
    return "".join(path.read_text() for path in sorted(folder.glob("*.py")))


def test_the_index_leads_to_every_page() -> None:
    led_to = set(re.findall(r"\]\(([^)#:]+\.md)", (DOCS / "README.md").read_text()))
    pages = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")} - {"README.md"}
    assert pages <= led_to


def test_the_native_api_s_page_can_be_read_in_a_terminal() -> None:
    lines = (DOCS / "native.md").read_text().splitlines()
    assert not [line for line in lines if len(line) > native_tables.WIDTH]


def test_llms_txt_has_a_sentence_for_every_page() -> None:
    told = re.findall(r"^- \[[^]]+\]\(([^)#]+)[^)]*\): \S", (ROOT / "llms.txt").read_text(), re.MULTILINE)
    assert {str(page.relative_to(ROOT)) for page in DOCS.rglob("*.md")} - {"docs/README.md"} <= set(told)
    assert all((ROOT / page).exists() for page in told)


def test_the_glossary_is_in_alphabetical_order() -> None:
    words = re.findall(r"^## (.+)$", (DOCS / "glossary.md").read_text(), re.MULTILINE)
    assert words == sorted(words, key=str.lower)
    assert len(words) == len(set(words))


#: What the native API calls by another word than people do.
SAID = {"keys": "API key", "audit": "Audit log", "explain": "Explanation", "verification-schedules": "Schedule"}
#: Who calls is no object.
NO_OBJECT = {"me"}


def test_the_glossary_has_every_object_of_the_native_api() -> None:
    words = re.findall(r"^## (.+)$", (DOCS / "glossary.md").read_text(), re.MULTILINE)
    nouns = {each.path.removeprefix(PREFIX).split("/")[1] for each in native_tables.every_operation()}
    for noun in nouns - NO_OBJECT:
        assert SAID.get(noun, noun.removesuffix("s").capitalize()).lower() in map(str.lower, words)


#: `cordboard` and what stands behind it, in a page's blocks and spans.
COMMAND = re.compile(r"(?:^|[`$ (]|bin/)cordboard ([a-z-][^`\n#|&;>)]*)", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES_BY_HAND, ids=lambda page: page.name)
def test_every_command_that_a_page_names_is_there_with_its_options(page: Path) -> None:
    for said in COMMAND.findall(page.read_text().replace("\\\n", " ")):
        command: click.Command = main
        path, words = ["cordboard"], said.rstrip(".,:").split()
        while isinstance(command, click.Group) and words and not words[0].startswith("-"):
            name, found, words = command.resolve_command(click.Context(command), words)
            assert found is not None
            assert name is not None
            path, command = [*path, name], found
        options = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
        named = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert named <= {*options, "--help", "--version"}, f"{page.name}: {' '.join(path)}"


@pytest.mark.parametrize("page", PAGES_BY_HAND, ids=lambda page: page.name)
def test_every_setting_that_a_page_names_is_there(page: Path) -> None:
    named = set(re.findall(r"CORDBOARD_[A-Z_]*[A-Z]", page.read_text()))
    assert named <= {*map(variable, Settings.__dataclass_fields__), *OF_COMMANDS}


def _headings(page: Path) -> set[str]:
    """As links name them."""
    found = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in found}


def test_where_only_a_button_leads_and_what_is_only_looked_up_are_no_pages_of_an_operation() -> None:
    rows = {line.split("`")[1]: line.split(" | ")[-1] for line in coverage_table.page().splitlines() if "| `" in line}
    assert rows["unban"].startswith("`POST /bans/{address}/lift`")
    assert "revoke" not in rows["get_key"]
