"""README, quickstart and how-tos say what can be done: their commands are run, in their order, and print what is shown.

The pages of the catalogue's entries are run by tests/catalogue, which then place the call.
"""

import itertools
import re

import pytest

from cordboard.usecases.catalogue import entries
from tests.catalogue.test_calls import CARRIERS, PLATFORMS
from tests.documents.installations import fresh
from tests.documents.others import Demands, Other
from tests.documents.pages import ELSEWHERE, NOT_RUN, ROOT, Block, blocks, executed_pages
from tests.documents.shell import Failed, run

#: Hosts that README and quickstart have for anybody's: they answer whatever comes.
ANYBODY = [
    Other(host=host, address=f"127.0.{part}.{30 + n}", demands=(Demands(uri=".*", transport=transport),))
    for part, host, transport, n in ((2, "agent.example.com", "tcp", 0), (1, "sip.carrier.example", "udp", 1))
]
OF_ENTRIES = {entry.page for entry in entries().values()}
#: Pages as they are followed one after another, in one installation.
JOURNEY = ["docs/quickstart.md", "README.md", "docs/howto/twilio.md", "docs/howto/openai.md", "docs/tenants.md"]
#: What a how-to has for those who have no tenant yet.
NO_TENANT_YET = ".venv/bin/cordboard tenant create Acme"
#: What a command of ours begins with.
_COMMAND = re.compile(r"(\$ )?(\.venv/bin/cordboard|cordboard|curl|make|demo/\w+|git|export|[A-Z_]+=\S+ make) ")


@pytest.mark.slow
@pytest.mark.calls
@pytest.mark.parametrize("pages", [["README.md"], JOURNEY], ids=["README.md", "one after another"])
def test_the_commands_of_pages_work_and_print_what_they_show(pages: list[str]) -> None:
    has_tenant = False
    with fresh([*ANYBODY, *CARRIERS["twilio"].others, *PLATFORMS["openai"].others]) as installed:
        for page in pages:
            found = [block for block in blocks(page) if not (has_tenant and block.text == NO_TENANT_YET)]
            assert_shown(found, installed.run(found))
            has_tenant |= any(NO_TENANT_YET in block.text for block in found)


def assert_shown(found: list[Block], told: str) -> None:
    plain = _plain(told)
    for ran, shown in itertools.pairwise(found):
        if ran.is_run and not shown.words:
            missing = [line for line in _plain(shown.text).splitlines() if line not in plain]
            assert missing == [], f"{shown.page}:{shown.line} shows what was not printed:\n{told}"


def test_every_page_of_no_entry_is_followed() -> None:
    assert set(executed_pages()) - OF_ENTRIES <= set(JOURNEY)


@pytest.mark.parametrize("page", executed_pages())
def test_every_block_of_commands_is_marked_as_such(page: str) -> None:
    for block in blocks(page):
        place = f"{page}:{block.line}"
        if not block.words:
            assert not _commands(block), f"{place}: mark it as sh"
        for word in block.words:
            assert re.fullmatch(r"sh|background|exit=[1-9]\d?|json|csv|text", word), f"{place}: {word}?"


def test_what_is_not_run_is_there_and_has_a_reason() -> None:
    there = {(block.page, block.first) for page in executed_pages() for block in blocks(page) if block.language == "sh"}
    assert set(NOT_RUN) <= there
    assert all(len(reason) > 20 for reason in NOT_RUN.values())


def test_every_page_with_commands_is_run_or_says_by_what_else() -> None:
    paths = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    pages = {str(path.relative_to(ROOT)): blocks(str(path.relative_to(ROOT))) for path in paths}
    with_commands = {page for page, found in pages.items() if any(b.language == "sh" or _commands(b) for b in found)}
    assert with_commands - set(executed_pages()) == set(ELSEWHERE)
    assert all(len(reason) > 20 for reason in ELSEWHERE.values())


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        ("true\nfalse", "sh", "page.md:8: ended with 1: false"),
        ("X=$(exit 3)", "sh", "page.md:7: ended with 3"),
        ("false | true", "sh", "page.md:7: ended with 1"),
        ("true", "sh exit=1", "page.md:7: ended with 0, not 1"),
        ("exit 2", "sh exit=1", "page.md:7: ended with 2, not 1"),
        ("echo $NOBODY", "sh", "NOBODY: unbound variable"),
        ("curl -s http://127.0.0.1:9/", "sh", "page.md:7: ended with 7"),
    ],
)
def test_a_command_that_fails_is_told_with_its_line(text: str, words: str, said: str, tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Failed, match=re.escape(said)):
        run([_block(text, words)], tmp_path, {}, {})


def test_a_shell_goes_on_from_block_to_block(tmp_path) -> None:  # type: ignore[no-untyped-def]
    first, second = _block("X=1\nsleep 0 &\ntrue", "sh"), _block("echo got $((X + 1))\nfalse", "sh exit=1", 20)
    assert "got 2" in run([first, second], tmp_path, {}, {})


def _commands(block: Block) -> list[str]:
    return [line for line in block.text.splitlines() if _COMMAND.match(line)]


def _block(text: str, words: str, line: int = 7) -> Block:
    return Block(page="page.md", heading="", line=line, words=tuple(words.split()), text=text)


def _plain(text: str) -> str:
    """Without what is another one each time: numbers, and so addresses and times; codes of answers stay."""
    return re.sub(r"(?<!refused with )(?<!refused: )(?<!\d)\d+", "0", text)
