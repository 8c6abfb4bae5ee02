"""The commands of a page: its fenced blocks of `sh`, each with its line, and why some of them are not run.

What stands behind `sh` says how a block goes: `background` (it goes on while the rest of the page is run), `exit=N`
(its last command ends with N).
"""

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
_FENCE: Final = re.compile(r"^( *)```(.*)$")

_UP: Final = "the server is up already, with this setting, in a data directory and at ports of the test's own"
#: Blocks that are not run, by page and first line: why.
NOT_RUN: Final[dict[tuple[str, str], str]] = {
    (
        "README.md",
        "git clone <this repository> cordboard && cd cordboard",
    ): "this is the repository; tests/documents/test_demo.py runs the demo",
    ("README.md", "make up"): _UP,
    ("docs/quickstart.md", "make demo"): "tests/documents/test_demo.py runs it",
    ("docs/quickstart.md", "CORDBOARD_ALLOW_PRIVATE_HOSTS=true make up"): _UP,
}
#: Pages whose commands are not run from the page: why.
ELSEWHERE: Final[dict[str, str]] = {
    "docs/calls.md": "tests/cli/snapshots/{call,account,trunk}.txt run such commands, with what they print",
    "docs/explain.md": "its calls are an example's; tests/serve/test_explain.py explains such of a running edge",
    "docs/livekit.md": "its settings name a LiveKit project; tests/livekit runs the same against LiveKit's own servers",
    "docs/native.md": "tests/dialects/native/test_isolation.py asks for both lists, as a tenant and as an operator",
    "docs/nebrija.md": "tests/dialects/nebrija/test_sip_trunks.py and test_phone_numbers.py send such requests",
    "docs/numbers.md": "tests/cli/test_numbers_document.py imports its files, tests/cli/test_imports.py by its command",
    "docs/operations.md": "tests/cli/snapshots/audit.txt and tests/serve/test_backup.py run its commands",
    "docs/verify.md": "TRUNK-ID and the like stand for anything; tests/cli/snapshots/verify.txt runs its commands",
    "docs/webhooks.md": "tests/cli/snapshots/{webhook,event}.txt and tests/cli/test_commands.py run such commands",
}


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block: the line of its first command, what stands behind the fence, and its lines."""

    page: str
    #: Under which it stands.
    heading: str
    line: int
    words: tuple[str, ...]
    text: str

    @property
    def is_run(self) -> bool:
        return self.language == "sh" and (self.page, self.first) not in NOT_RUN

    @property
    def first(self) -> str:
        """Its first line, which a reason in NOT_RUN is for."""
        return self.text.partition("\n")[0]

    @property
    def language(self) -> str:
        return self.words[0] if self.words else ""

    @property
    def in_background(self) -> bool:
        return "background" in self.words

    @property
    def code(self) -> int:
        """What its last command ends with."""
        return next((int(word[5:]) for word in self.words if word.startswith("exit=")), 0)


def executed_pages() -> list[str]:
    """README, the quickstart and the how-tos."""
    howtos = sorted((ROOT / "docs/howto").glob("*.md"))
    return ["README.md", "docs/quickstart.md", "docs/tenants.md", *(str(page.relative_to(ROOT)) for page in howtos)]


def blocks(page: str) -> list[Block]:
    """Every fenced block of a page, whatever its language."""
    found: list[Block] = []
    opened: tuple[int, str, list[str]] | None = None
    heading = ""
    for number, line in enumerate((ROOT / page).read_text().splitlines(), 1):
        fence = _FENCE.match(line)
        if opened is None:
            if fence is not None:
                opened = (number, fence[2], [])
            elif line.startswith("#"):
                heading = line.lstrip("# ")
            continue
        start, words, lines = opened
        if fence is None:
            lines.append(line)
            continue
        text = textwrap.dedent("\n".join(lines))
        found.append(Block(page=page, heading=heading, line=start + 1, words=tuple(words.split()), text=text))
        opened = None
    assert opened is None, f"{page}:{opened[0]}: a block has no end"
    return found
