"""Query strings: `include`, `fields[type]`, `sort`, `page[...]` and `filter[...]`, read as the contract says.

Other parameters are ignored, and of a repeated one the last counts. All faults of a query string are told at once.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from cordboard.dialects.telecom_center.errors import (
    FIELDS_NOT_KEYED,
    FILTER_NOT_ALLOWED,
    FILTER_NOT_KEYED,
    INVALID_FIELD,
    INVALID_FILTER_VALUE,
    INVALID_INCLUDE,
    INVALID_PAGE_VALUE,
    INVALID_RESOURCE,
    INVALID_SORT,
    PAGE_NOT_ALLOWED,
    PAGE_TOO_LARGE,
    Fault,
    Faulty,
)
from cordboard.dialects.telecom_center.resources import BY_TYPE, Kind, Resource

PAGE_SIZE = 50
#: Larger page numbers are read as this one, which is past every end.
LAST_PAGE = 10**12

_KEYED = re.compile(r"(\w+)\[(.*)\]", re.DOTALL)
_NUMBER = re.compile(r"[0-9]+")

Pairs = Iterable[tuple[str, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sort:
    """One criterion; ties are broken by the next, and in the end by id."""

    field: str
    descending: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Counted from 1."""

    number: int = 1
    size: int = PAGE_SIZE

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What of an object, and of those that it leads to, is wanted."""

    include: tuple[str, ...] = ()
    #: By type; a type that is not named is shown with all it has.
    fields: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def shows(self, type: str, name: str) -> bool:
        wanted = self.fields.get(type)
        return wanted is None or name in wanted


@dataclass(frozen=True, kw_only=True, slots=True)
class ListQuery:
    """What list is wanted, and how it is to be shown."""

    view: View
    sort: tuple[Sort, ...]
    page: Page
    #: By name; an object fits a filter that has any of its values, and has to fit all filters.
    filters: Mapping[str, tuple[str, ...]]
    #: The parameters that the links to other pages repeat, as they came.
    repeated: tuple[tuple[str, str], ...]


def parse_view(pairs: Pairs, resource: Resource) -> View:
    """The parameters of one object; those of lists are ignored. Raises Faulty."""
    families = _families(pairs)
    faults: list[Fault] = []
    view = _view(families, resource, faults)
    _refuse(faults)
    return view


def parse_list(pairs: Pairs, resource: Resource, largest_page: int) -> ListQuery:
    """The parameters of a list. Raises Faulty."""
    families = _families(pairs)
    faults: list[Fault] = []
    asked = ListQuery(
        view=_view(families, resource, faults),
        sort=_sort(families.get("sort", {}), resource, faults),
        page=_page(families.get("page", {}), largest_page, faults),
        filters=_filters(families.get("filter", {}), resource, faults),
        repeated=tuple(_repeated(families)),
    )
    _refuse(faults)
    return asked


#: The values of a family by the key in brackets; None is the key of one without.
Family = dict[str | None, str]


def _families(pairs: Pairs) -> dict[str, Family]:
    found: dict[str, Family] = {}
    for name, value in pairs:
        keyed = _KEYED.fullmatch(name)
        family, key = (keyed[1], keyed[2]) if keyed else (name, None)
        found.setdefault(family, {})[key] = value
    return found


def _repeated(families: Mapping[str, Family]) -> Iterator[tuple[str, str]]:
    for name in ("fields", "filter"):
        yield from ((f"{name}[{key}]", value) for key, value in families.get(name, {}).items())
    for name in ("include", "sort"):
        yield from ((name, value) for key, value in families.get(name, {}).items() if key is None)


def _refuse(faults: list[Fault]) -> None:
    if faults:
        raise Faulty(*faults)


def _listed(text: str) -> list[str]:
    """The parts of a comma list, each once."""
    return list(dict.fromkeys(part for part in map(str.strip, text.split(",")) if part))


def _view(families: Mapping[str, Family], resource: Resource, faults: list[Fault]) -> View:
    return View(
        include=_include(families.get("include", {}), resource, faults),
        fields=_fields(families.get("fields", {}), faults),
    )


def _include(family: Family, resource: Resource, faults: list[Fault]) -> tuple[str, ...]:
    paths = _listed(family.get(None, ""))
    for path in paths:
        at = resource
        for name in path.split("."):
            if name not in at.relationships:
                faults.append(INVALID_INCLUDE.fault(name, at.type))
                break
            at = BY_TYPE[at.relationships[name]]
    return tuple(paths)


def _fields(family: Family, faults: list[Fault]) -> dict[str, frozenset[str]]:
    wanted: dict[str, frozenset[str]] = {}
    for type, value in family.items():
        if type is None:
            faults.append(FIELDS_NOT_KEYED.fault())
        elif type not in BY_TYPE:
            faults.append(INVALID_RESOURCE.fault(type))
        else:
            names = _listed(value)
            unknown = [name for name in names if name not in BY_TYPE[type].fields]
            faults += [INVALID_FIELD.fault(name, type) for name in unknown]
            wanted[type] = frozenset(names)
    return wanted


def _sort(family: Family, resource: Resource, faults: list[Fault]) -> tuple[Sort, ...]:
    found: dict[str, Sort] = {}
    for part in _listed(family.get(None, "")):
        name = part.removeprefix("-")
        if name not in resource.sorts:
            faults.append(INVALID_SORT.fault(name, resource.type))
        found.setdefault(name, Sort(field=name, descending=part != name))
    return tuple(found.values())


def _page(family: Family, largest: int, faults: list[Fault]) -> Page:
    found = {"number": 1, "size": min(PAGE_SIZE, largest)}
    for key, value in family.items():
        name = "number" if key is None else key
        if name not in found:
            faults.append(PAGE_NOT_ALLOWED.fault(name))
            continue
        digits = value.lstrip("0") if _NUMBER.fullmatch(value) else ""
        if not digits:
            faults.append(INVALID_PAGE_VALUE.fault(value, name))
            continue
        found[name] = LAST_PAGE if len(digits) > 12 else int(digits)
        if name == "size" and found[name] > largest:
            faults.append(PAGE_TOO_LARGE.fault(largest))
    return Page(**found)


def _filters(family: Family, resource: Resource, faults: list[Fault]) -> dict[str, tuple[str, ...]]:
    wanted: dict[str, tuple[str, ...]] = {}
    for name, value in family.items():
        if name is None:
            faults.append(FILTER_NOT_KEYED.fault(value))
        elif name not in resource.filters:
            faults.append(FILTER_NOT_ALLOWED.fault(name))
        else:
            # not trimmed: names of callers may begin with a space
            values = tuple(dict.fromkeys(value.split(",")))
            wrong = [one for one in values if not _fits(resource.filters[name], one)]
            faults += [INVALID_FILTER_VALUE.fault(one, name) for one in wrong]
            wanted[name] = values
    return wanted


def _fits(kind: Kind, value: str) -> bool:
    if kind is Kind.BOOLEAN:
        return value in ("true", "false")
    if kind is Kind.INTEGER:
        return _NUMBER.fullmatch(value) is not None
    return True
