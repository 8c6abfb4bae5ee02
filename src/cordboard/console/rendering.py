"""Templates, and how values look on a page."""

import hashlib
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final
from urllib.parse import unquote
from uuid import uuid4

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from cordboard.console.pictures import share
from cordboard.console.words import advised

_HERE: Final = files("cordboard.console")


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(str(_HERE / "templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"advised": advised, "when": when, "count": count, "unquote": unquote, "words": words}
    made.globals |= {"asset": asset, "once": lambda: str(uuid4()), "share": share}
    return made


def render(template: str, context: dict[str, Any]) -> str:
    return _environment().get_template(template).render(context)


@cache
def asset(name: str) -> str:
    """The address of a file of ours, which changes when the file does."""
    return f"/assets/{name}?v={hashlib.sha256((_HERE / name).read_bytes()).hexdigest()[:12]}"


def when(instant: str | None) -> Markup:
    """An instant as the API tells it: `21 Nov 2026, 21:43:05 UTC`; the browser makes it local."""
    if instant is None:
        return Markup("&ndash;")
    at = datetime.fromisoformat(instant)
    return Markup('<time datetime="{}">{}</time>').format(instant, f"{at:%-d %b %Y, %H:%M:%S} UTC")


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 trunk`, `10,000 numbers`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def words(code: Any) -> str:
    """A code as words: `unknown_number` and `unknown-number` are `unknown number`."""
    return str(code).replace("_", " ").replace("-", " ")
