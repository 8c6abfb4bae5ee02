"""What advice calls a field of the API, as the form that sets it calls it."""

import re
from typing import Final

from markupsafe import Markup

from cordboard.console import trunk_forms
from cordboard.domain.wording import worded

_CODE: Final = re.compile(r"`([^`]+)`")
_TRUNK: Final = {
    f"trunk.{field.name.replace('/', '.')}": (heading, field)
    for heading, fields, _ in trunk_forms.SECTIONS
    for field in fields
}
#: A test compares them with the forms and with what advice names.
LABELS: Final = {
    **{name: f"{heading}: {field.label}" if heading else field.label for name, (heading, field) in _TRUNK.items()},
    "account.allowed_ips": "Addresses",
    "import.on_conflict": "A number that is there already",
    "import.trunk": "Trunk of rows that name none",
    "verification.echo": "Place an echo call, too",
    "verification.echo.to": "Number to call",
}


def advised(advice: str) -> Markup:
    """Advice with the labels of forms in place of fields; what else stands in backticks is code."""
    code = Markup("<code>{}</code>")
    parts = _CODE.split(worded(advice, _label))
    return Markup("").join(code.format(part) if place % 2 else part for place, part in enumerate(parts))


def _label(name: str, value: str | None) -> str:
    if name not in LABELS:
        return f"`{name}`"
    chosen = dict(_TRUNK[name][1].options) | {"true": "ticked", "false": "not ticked"} if name in _TRUNK else {}
    return f"“{LABELS[name]}”" + ("" if value is None else f": {chosen.get(value, value)}")
