"""llms.txt: the index of the documentation as language models are given one (<https://llmstxt.org>).

It is made of docs/README.md, whose test says that it leads to every page.
"""

import re
from collections.abc import Iterator
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"

_PAGE = """# Cordboard

> A self-hosted SIP control plane for voice AI agents: it stores and guards phone numbers, SIP trunks and SIP accounts,
> carries real calls between carriers and agents through Kamailio and rtpengine, and explains why a call failed. It
> answers in the words of three public APIs (Diga, Nebrija, telecom.center), of a native API, by a command line, and in
> a console in the browser.

Start it with `make demo` or `make up` on Debian 12. `cordboard --help` lists the commands; a running server describes
its APIs at `/v1/openapi.json`, `/api/v1/openapi.json`, `/api/rest/public/operator/openapi.json` and
`/cordboard/v1/openapi.json`, and has this page at `/llms.txt`. The pages below are files of the repository, which a
server does not have.

{sections}
## Optional

- [README](README.md): what it is, with a demo told step by step.
- [Contributing](CONTRIBUTING.md): where things are, and what a change brings along.
- [Changelog](CHANGELOG.md): what there is.
"""


def _sections() -> Iterator[str]:
    index = (DOCS / "README.md").read_text()
    for section in re.split(r"^## ", index, flags=re.MULTILINE)[1:]:
        title, _, text = section.partition("\n")
        items = re.findall(r"^- \[([^]]+)\]\(([^)]+)\): (.+?)$(?=\n-|\n\n|\n*\Z)", text, re.MULTILINE | re.DOTALL)
        lines = [f"- [{name}]({_from_root(target)}): {' '.join(said.split())}" for name, target, said in items]
        yield "\n".join([f"## {title}", "", *lines, ""])


def _from_root(target: str) -> str:
    return target.removeprefix("../") if target.startswith("../") else f"docs/{target}"


def page() -> str:
    return _PAGE.format(sections="\n".join(_sections()))
