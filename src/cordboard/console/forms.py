"""Forms: what is asked, how it becomes the body of an operation, and where a problem is shown."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Literal

from starlette.datastructures import FormData

from cordboard.console.api import Refused

Kind = Literal["text", "password", "number", "select", "checkbox", "checkboxes", "lines", "area"]


@dataclass(frozen=True, kw_only=True)
class Field:
    """One thing that a form asks."""

    #: Its place in the operation's body; `/` leads into an object: `limits/calls`.
    name: str
    label: str
    kind: Kind = "text"
    help: str = ""
    required: bool = False
    #: Of a choice: value and label of each.
    options: Sequence[tuple[str, str]] = ()
    #: An empty one is left out of the body rather than sent as null.
    absent_if_empty: bool = False
    #: From a line of a `lines` field to what the body holds, and back.
    read: Callable[[str], Any] = str
    write: Callable[[Any], str] = str
    autocomplete: str = "off"

    def value(self, form: FormData) -> Any:
        """What was entered, as the body holds it. What is no number stays text, for the API to refuse."""
        entered = str(form.get(self.name, "")).strip()
        if self.kind == "checkbox":
            return entered == "true"
        if self.kind == "checkboxes":
            return [str(each) for each in form.getlist(self.name)]
        if self.kind == "lines":
            return [self.read(line.strip()) for line in entered.splitlines() if line.strip()]
        if self.kind == "number" and entered.lstrip("-").isdecimal():
            return int(entered)
        return entered or None

    def entered(self, form: FormData) -> Any:
        """What was entered, as the form shows it again."""
        if self.kind == "password":
            return ""
        if self.kind in ("checkbox", "checkboxes"):
            return self.value(form)
        return str(form.get(self.name, ""))

    def plainly(self, form: FormData, *, wrong: bool) -> str | None:
        """What somebody at a form is told in place of the API's words, which are for programs."""
        entered = str(form.get(self.name, "")).strip()
        if self.kind == "password" and entered:
            return "Enter it again: what you entered is not kept."
        if wrong and self.required and not entered:
            return "Fill this in."
        if wrong and self.kind == "number" and entered and not entered.lstrip("-").isdecimal():
            return "Write a whole number."
        return None

    def shown(self, value: Any) -> Any:
        """What the body holds, as the form shows it."""
        if self.kind in ("checkbox", "checkboxes"):
            return value
        if self.kind == "lines":
            return "\n".join(map(self.write, value or ()))
        return "" if value is None else str(value)


@dataclass(frozen=True, kw_only=True)
class Form:
    """Fields in their order, and what was entered in them."""

    fields: tuple[Field, ...]
    values: Mapping[str, Any] = field(default_factory=dict)
    #: Messages by the name of the field.
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: What is wrong with none of the fields in particular.
    problem: str | None = None
    #: What it changes is not as it was shown any more.
    stale: bool = False

    @property
    def filled(self) -> bool:
        """Whether anything stands in it."""
        return any(self.values.values())

    def of(self, shown: Mapping[str, Any]) -> "Form":
        """The form filled with an object as the API shows it."""
        return Form(fields=self.fields, values={f.name: f.shown(_find(shown, f.name)) for f in self.fields})

    def choosing(self, **options: Sequence[tuple[str, str]] | None) -> "Form":
        """The form with what there is to choose from in some of its fields; of too many one is written."""
        fields = tuple(_choosing(f, options[f.name]) if f.name in options else f for f in self.fields)
        return replace(self, fields=fields)

    def body(self, form: FormData) -> dict[str, Any]:
        """The body of the operation. A password that is left empty is left out: it stays as it is."""
        made: dict[str, Any] = {}
        for each in self.fields:
            value = each.value(form)
            if value in (None, []) and (each.absent_if_empty or each.kind == "password"):
                continue
            *folders, last = each.name.split("/")
            inner = made
            for folder in folders:
                inner = inner.setdefault(folder, {})
            inner[last] = value
        return made

    def again(self, form: FormData, refused: Refused) -> "Form":
        """The form as it was entered, each problem at the field that it is of."""
        errors: dict[str, list[str]] = {}
        others = []
        for error in refused.problem.get("errors") or ():
            name = self._field_at(error["pointer"].removeprefix("/"))
            if name is None:
                others.append(f"{error['pointer'].removeprefix('/')}: {error['detail']}".removeprefix(": "))
            else:
                errors.setdefault(name, []).append(self._line(name, error))
        if not errors and not others:
            others.append(str(refused))
        for each in self.fields:
            if (plain := each.plainly(form, wrong=each.name in errors)) is not None:
                errors[each.name] = [plain]
        values = {each.name: each.entered(form) for each in self.fields}
        stale = refused.status == HTTPStatus.PRECONDITION_FAILED
        problem = "; ".join(others) or None
        return Form(fields=self.fields, values=values, errors=errors, problem=problem, stale=stale)

    def _line(self, name: str, error: Mapping[str, str]) -> str:
        """What is wrong, and in which line if there are some."""
        rest = error["pointer"].removeprefix("/").removeprefix(f"{name}/").partition("/")[0]
        lines = any(each.name == name and each.kind == "lines" for each in self.fields)
        return f"line {int(rest) + 1}: {error['detail']}" if lines and rest.isdecimal() else error["detail"]

    def _field_at(self, pointer: str) -> str | None:
        """The field at a pointer into the body, or the one that the pointer leads into."""
        found = [f.name for f in self.fields if pointer == f.name or pointer.startswith(f"{f.name}/")]
        return max(found, key=len, default=None)


def _choosing(field: Field, options: Sequence[tuple[str, str]] | None) -> Field:
    if options is None:
        return replace(
            field, kind="text", help=f"Its name or id, of more than can be listed here. {field.help}".strip()
        )
    return replace(field, options=options)


def wrong(messages: Mapping[str, str]) -> Refused:
    """What makes no sense at these fields, as if the API had refused it."""
    return Refused(422, {"errors": [{"pointer": f"/{name}", "detail": each} for name, each in messages.items()]})


def _find(shown: Mapping[str, Any], name: str) -> Any:
    found: Any = shown
    for part in name.split("/"):
        found = None if found is None else found.get(part)
    return found
