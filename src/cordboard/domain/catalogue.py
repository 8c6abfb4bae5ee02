"""What carriers and AI platforms ask of SIP: an entry each, with the day on which it was checked, and where."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from ipaddress import ip_network
from typing import Any, Final, Literal

Kind = Literal["carrier", "platform"]

#: What stands for a parameter's value in the texts of `sets`. `{number}` is the agent's own, filled call by call.
_PLACE: Final = re.compile(r"\{(\w+)\}")
_OURS: Final = frozenset({"number"})
_ID: Final = re.compile(r"[a-z][a-z0-9-]{1,31}")
#: What the body that an entry sets must have in it.
_NEEDED: Final[dict[Kind, str]] = {"carrier": "gateways", "platform": "sip_uri"}


class InvalidEntry(ValueError):
    """An entry of the catalogue is not as it must be."""


class WrongParameter(ValueError):
    """A value is missing, is one of nothing, or is not of the form that the entry asks for."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(detail)
        #: The parameter's.
        self.name = name


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """What an entry has to be told."""

    name: str
    #: What it is, and where the other side shows it.
    means: str
    example: str
    #: A regular expression that the whole value matches.
    pattern: str
    default: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """Addresses that the other side publishes."""

    #: `signalling to it`: it takes calls there, and calls from elsewhere.
    use: Literal["signalling", "signalling to it", "media", "signalling and media"]
    where: str
    ranges: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Retired:
    """A host at which the other side was, and is no more."""

    host: str
    since: date
    instead: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One carrier or platform."""

    id: str
    kind: Kind
    name: str
    #: The day on which all of it was compared with the sources.
    checked: date
    sources: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    #: The body of a trunk (carrier) or of an agent's version (platform), as the native API takes it, with `{name}` in
    #: its texts where a parameter's value goes.
    sets: Mapping[str, Any]
    #: How the other side knows us, and we it.
    authentication: tuple[str, ...]
    #: How numbers are written, each way.
    numbers: tuple[str, ...]
    #: What to set at the other side; at a platform, what has to be open there before a call is taken.
    there: tuple[str, ...]
    networks: tuple[Network, ...]
    retired: tuple[Retired, ...]
    #: What goes wrong, and what could not be verified.
    caveats: tuple[str, ...]

    @property
    def page(self) -> str:
        """The how-to about it."""
        return f"docs/howto/{self.id}.md"


def entry(document: Mapping[str, Any]) -> Entry:
    """An entry as it stands in its file. Raises InvalidEntry."""
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
    }
    try:
        fields["parameters"] = tuple(Parameter(**each) for each in document.get("parameters", ()))
        fields["networks"] = tuple(
            Network(**{**each, "ranges": tuple(each["ranges"])}) for each in document.get("networks", ())
        )
        fields["retired"] = tuple(Retired(**each) for each in document.get("retired", ()))
        made = Entry(**fields)
    except (TypeError, KeyError) as error:
        raise InvalidEntry(f"{document.get('id')}: {error}") from error
    _check(made)
    return made


def _check(made: Entry) -> None:
    """Raises InvalidEntry."""
    try:
        wrong = [
            not _ID.fullmatch(made.id) and "its id is not a word",
            made.kind not in _NEEDED and "its kind is neither carrier nor platform",
            type(made.checked) is not date and "`checked` is not a date",
            not made.sources and "it names no source",
            any(not source.startswith("https://") for source in made.sources) and "a source is not an https URL",
            _NEEDED.get(made.kind) not in made.sets and "it sets no place to send calls to",
            not made.there and "it does not say what to set at the other side",
            _places(made.sets) - _OURS != {each.name for each in made.parameters}
            and "its parameters are not those that its texts have",
            any(type(each.since) is not date for each in made.retired) and "the day of a retirement is not a date",
            any(not re.fullmatch(each.pattern, each.example) for each in made.parameters)
            and "an example is not of its parameter's form",
        ]
        for network in made.networks:
            for each in network.ranges:
                ip_network(each)
    except (re.error, ValueError) as error:
        raise InvalidEntry(f"{made.id}: {error}") from error
    for said in wrong:
        if said:
            raise InvalidEntry(f"{made.id}: {said}")


def filled(sets: Mapping[str, Any], parameters: Sequence[Parameter], values: Mapping[str, str]) -> dict[str, Any]:
    """What an entry sets, with these values. Raises WrongParameter."""
    known = {each.name: each for each in parameters}
    for name in values.keys() - known.keys():
        raise WrongParameter(name, f"there is no parameter {name!r}; there are {', '.join(known) or 'none'}")
    chosen = {name: _value(each, values.get(name, each.default)) for name, each in known.items()}
    made: dict[str, Any] = _fill(dict(sets), chosen)
    return made


def _value(parameter: Parameter, value: str | None) -> str:
    if value is None:
        missing = f"{parameter.name} is missing: {parameter.means}, such as {parameter.example}"
        raise WrongParameter(parameter.name, missing)
    if not re.fullmatch(parameter.pattern, value):
        wrong = f"{parameter.name} is not of the form of {parameter.example}: {parameter.means}"
        raise WrongParameter(parameter.name, wrong)
    return value


def _fill(part: Any, chosen: Mapping[str, str]) -> Any:
    if isinstance(part, str):
        return _PLACE.sub(lambda found: chosen.get(found[1], found[0]), part)
    if isinstance(part, dict):
        return {name: _fill(each, chosen) for name, each in part.items()}
    return [_fill(each, chosen) for each in part] if isinstance(part, list) else part


def _places(part: Any) -> set[str]:
    if isinstance(part, str):
        return set(_PLACE.findall(part))
    inner = part.values() if isinstance(part, Mapping) else part if isinstance(part, list) else ()
    return set().union(*(_places(each) for each in inner))
