"""Write the pages of docs/ that come from the code, whole or their tables; a test fails when one is behind."""

import dataclasses
from pathlib import Path

from cordboard.settings import Settings, variable
from scripts import (
    call_tables,
    catalogue_page,
    commands,
    coverage_table,
    error_tables,
    llms,
    metric_tables,
    native_tables,
    nebrija_ledger,
    telecom_center_ledger,
)

DOCS = Path(__file__).parents[1] / "docs"

_SETTINGS = """# Settings

Every setting is an environment variable. `cordboard serve --help` shows what the command line takes besides.

| variable | default | meaning |
|---|---|---|
{rows}

The commands other than `serve`, `down`, `migrate`, `secret` and `completion` talk to a running server. They find it by
`--data DIR` (the files `server.url` and `admin.token` that `serve` writes there), or by `CORDBOARD_URL` and
`CORDBOARD_ADMIN_TOKEN` together.
"""


def settings_page() -> str:
    rows = []
    for setting in dataclasses.fields(Settings):
        meaning = setting.metadata["doc"].replace("|", "&#124;")
        rows.append(f"| `{variable(setting.name)}` | {_default(setting.default)} | {meaning} |")
    return _SETTINGS.format(rows="\n".join(rows))


def _default(value: object) -> str:
    if value in (None, (), ""):
        return ""
    text = ",".join(value) if isinstance(value, tuple) else str(value)
    return f"`{text.lower() if isinstance(value, bool) else text}`"


def calls_page() -> str:
    return call_tables.filled((DOCS / "calls.md").read_text())


def native_page() -> str:
    return native_tables.filled((DOCS / "native.md").read_text())


PAGES = {
    "settings.md": settings_page,
    "commands.md": commands.page,
    "calls.md": calls_page,
    "native.md": native_page,
    "errors.md": error_tables.page,
    "metrics.md": metric_tables.page,
    "coverage.md": coverage_table.page,
    "catalogue.md": catalogue_page.page,
    "compat/nebrija.md": nebrija_ledger.page,
    "compat/telecom-center.md": telecom_center_ledger.page,
    "../llms.txt": llms.page,
    # the same once more, for the server: the wheel has nothing from outside the package
    "../src/cordboard/dialects/llms.txt": llms.page,
}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page())
