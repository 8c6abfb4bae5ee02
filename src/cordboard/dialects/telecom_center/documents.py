"""JSON:API documents: resource objects, lists with their links, and what hangs together with them.

Key order is data, included, meta, links. An object shows its relationships only where they are included.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from cordboard.dialects.telecom_center.query import ListQuery, Page, View


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """An object with all it may show."""

    type: str
    id: str
    attributes: Mapping[str, Any]
    #: The objects that it leads to, by the relationship's name.
    related: Mapping[str, "Shown"] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """Where the API is, as the client that asks sees it: `https://api.telecom.center/api/rest/public/operator`."""

    base: str

    def one(self, type: str, id: str) -> str:
        return f"{self.base}/{type}/{quote(id, safe='')}"

    def page(self, type: str, page: Page, repeated: Sequence[tuple[str, str]]) -> str:
        """A page of the list with the same parameters, in alphabetical order, brackets percent-encoded."""
        paged = (("page[number]", str(page.number)), ("page[size]", str(page.size)))
        return f"{self.base}/{type}?{urlencode(sorted((*repeated, *paged)))}"


def one(site: Site, shown: Shown, view: View) -> dict[str, Any]:
    """The document of one object."""
    return {"data": _resource(site, shown, view), **_included(site, [shown], view)}


def many(site: Site, type: str, shown: Sequence[Shown], total: int, asked: ListQuery) -> dict[str, Any]:
    """The document of a page; `total` counts all pages."""
    return {
        "data": [_resource(site, each, asked.view) for each in shown],
        **_included(site, shown, asked.view),
        "meta": {"record_count": total},
        "links": _links(site, type, total, asked),
    }


def _links(site: Site, type: str, total: int, asked: ListQuery) -> dict[str, str]:
    number, size = asked.page.number, asked.page.size
    last = max(1, -(-total // size))
    there = {"first": 1}
    if number > 1:
        there["prev"] = number - 1
    if number < last:
        there["next"] = number + 1
    there["last"] = last
    return {name: site.page(type, Page(number=to, size=size), asked.repeated) for name, to in there.items()}


def _resource(site: Site, shown: Shown, view: View) -> dict[str, Any]:
    made: dict[str, Any] = {"id": shown.id, "type": shown.type, "links": {"self": site.one(shown.type, shown.id)}}
    wanted = view.fields.get(shown.type)
    attributes = shown.attributes
    if wanted is not None:
        attributes = {name: value for name, value in attributes.items() if name in wanted}
    if attributes:
        made["attributes"] = attributes
    relationships = {
        name: {"data": {"type": other.type, "id": other.id}}
        for name, other in shown.related.items()
        if name in view.include and view.shows(shown.type, name)
    }
    if relationships:
        made["relationships"] = relationships
    return made


def _included(site: Site, shown: Iterable[Shown], view: View) -> dict[str, Any]:
    """Each object that is led to, once, in the order in which it is first met."""
    found = {
        (other.type, other.id): other for each in shown for name, other in each.related.items() if name in view.include
    }
    return {"included": [_resource(site, other, view) for other in found.values()]} if found else {}
