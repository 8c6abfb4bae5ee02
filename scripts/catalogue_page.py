"""docs/catalogue.md: every entry of the catalogue of carriers and platforms, as it comes with this version."""

import json
from collections.abc import Iterator, Sequence

from cordboard.domain.catalogue import Entry
from cordboard.usecases.catalogue import entries

_PAGE = """# Catalogue

What carriers and AI platforms ask of SIP, each entry with the day on which it was compared with their own pages, and
tried by calls against servers that demand just that. `cordboard catalogue show ID` and
`GET /cordboard/v1/catalogue/{{id}}` have the same; `cordboard trunk create --from ID --set NAME=VALUE` and
`cordboard agent create --from ID` begin with it. What you say besides goes before what an entry sets.

| entry | of | id | checked | how-to |
|---|---|---|---|---|
{rows}
{sections}"""


def _section(entry: Entry) -> str:
    made = "trunk" if entry.kind == "carrier" else "agent"
    parts = [
        f"\n## {entry.name}",
        f"`{entry.id}`, checked on {entry.checked:%Y-%m-%d}. [How to]({_how_to(entry)}).",
        *_parameters(entry),
        f"It makes a {made} with:\n\n```json\n{json.dumps(dict(entry.sets), indent=2)}\n```",
        *_list("There", entry.there),
        *_list("Who is known by what", entry.authentication),
        *_list("Numbers", entry.numbers),
        *_list(
            "Their addresses",
            [
                f"{each.use}, {each.where}: {', '.join(f'`{range}`' for range in each.ranges)}"
                for each in entry.networks
            ],
        ),
        *_list(
            "Hosts that are no more",
            [f"`{each.host}` since {each.since:%Y-%m-%d}: `{each.instead}` instead" for each in entry.retired],
        ),
        *_list("What goes wrong, and what is not known", entry.caveats),
        *_list("Sources", [f"<{source}>" for source in entry.sources]),
    ]
    return "\n\n".join(parts) + "\n"


def _parameters(entry: Entry) -> Iterator[str]:
    if entry.parameters:
        lines = ["| `--set` | means | such as | unless said |", "|---|---|---|---|"]
        for each in entry.parameters:
            default = f"`{each.default}`" if each.default is not None else ""
            lines.append(f"| `{each.name}` | {each.means} | `{each.example}` | {default} |")
        yield "\n".join(lines)


def _list(title: str, items: Sequence[str]) -> Iterator[str]:
    if items:
        yield f"**{title}**\n\n" + "\n".join(f"- {item}" for item in items)


def _how_to(entry: Entry) -> str:
    return entry.page.removeprefix("docs/")


def page() -> str:
    found = sorted(entries().values(), key=lambda entry: (entry.kind, entry.id))
    rows = [
        f"| [{each.name}](#{_anchor(each.name)}) | {each.kind} | `{each.id}` | {each.checked:%Y-%m-%d} | "
        f"[How to]({_how_to(each)}) |"
        for each in found
    ]
    return _PAGE.format(rows="\n".join(rows), sections="".join(map(_section, found)))


def _anchor(heading: str) -> str:
    return "".join(each for each in heading.lower() if each.isalnum() or each in " -").replace(" ", "-")
