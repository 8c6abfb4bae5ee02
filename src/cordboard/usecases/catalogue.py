"""The catalogue of carriers and platforms, as it comes with this version: a file each, read once."""

import functools
import tomllib
from collections.abc import Mapping
from importlib import resources

from cordboard.domain import catalogue
from cordboard.domain.catalogue import Entry, Retired
from cordboard.domain.errors import UnknownEntry


@functools.cache
def entries() -> Mapping[str, Entry]:
    """All of them by id, in its order. Raises InvalidEntry."""
    files = resources.files(__package__).joinpath("catalogue_entries").iterdir()
    texts = sorted((file.name, file.read_text()) for file in files if file.name.endswith(".toml"))
    found = [catalogue.entry(tomllib.loads(text)) for _, text in texts]
    return {each.id: each for each in found}


def entry(id: str) -> Entry:
    """Raises UnknownEntry."""
    try:
        return entries()[id]
    except KeyError:
        raise UnknownEntry(id) from None


def retired(host: str) -> tuple[Entry, Retired] | None:
    """Whose host it was, if it is none any more; None for all others."""
    return next(((e, r) for e in entries().values() for r in e.retired if r.host == host), None)
