"""What may become of an object: changed as it was shown, and deleted once it is known what goes with it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import FormData
from starlette.responses import Response

from cordboard.console.api import Answer, Refused
from cordboard.console.forms import Form
from cordboard.console.pages import Visit
from cordboard.console.parts import deletion


@dataclass(frozen=True, kw_only=True)
class Editing:
    """A form of one noun's objects; operations and addresses go by the noun: `account` is `get_account`,
    `update_account` and /accounts/{account_id}."""

    noun: str
    template: str
    form: Form
    #: The body of what was entered; raises Refused.
    read: Callable[[FormData], dict[str, Any]]

    async def edit(self, visit: Visit) -> Response:
        found = await shown(visit, self.noun)
        return await self._page(visit, found, found.etag, self.form.of(found.body))

    async def update(self, visit: Visit) -> Response:
        """Only what is still as it was shown is changed, however often the form is sent."""
        at = _at(visit, self.noun)
        try:
            body, etag = self.read(visit.form), visit.etag
            await visit.api(f"update_{self.noun}", body=body, if_match=etag, **at)
        except Refused as refused:
            found = await shown(visit, self.noun)
            return await self._page(visit, found, visit.etag, self.form.again(visit.form, refused), refused.status)
        return visit.go(_address(visit, self.noun), "Saved.")

    async def _page(self, visit: Visit, found: Answer, etag: str | None, form: Form, status: int = 200) -> Response:
        context = {self.noun: found.body, "etag": etag, "form": form}
        return await visit.show(self.template, status, **context)


@dataclass(frozen=True, kw_only=True)
class Deleting:
    """The deletion of one noun's objects, of which `delete_account` and the like tell first what they touch."""

    noun: str
    #: Told when it is done.
    done: str
    #: The field that says what an object is called.
    called: str = "name"
    query: Mapping[str, str] = field(default_factory=dict)

    async def ask(self, visit: Visit, typed: Form | None = None) -> Response:
        found = await shown(visit, self.noun)
        operation, name, back = f"delete_{self.noun}", found.body[self.called], _address(visit, self.noun)
        return await deletion(visit, operation, found, name, back, self.query, typed=typed, **_at(visit, self.noun))

    async def delete(self, visit: Visit, **onward: Any) -> Response:
        """On to the list; `onward` is of its address."""
        at = _at(visit, self.noun)
        await visit.api(f"delete_{self.noun}", query=self.query, if_match=visit.etag, **at)
        return visit.go(f"/{self.noun}s", self.done, **onward)


async def shown(visit: Visit, noun: str) -> Answer:
    """The object that the page is of. Raises Refused."""
    return await visit.api(f"get_{noun}", **_at(visit, noun))


def _at(visit: Visit, noun: str) -> dict[str, Any]:
    return {f"{noun}_id": visit.path[f"{noun}_id"]}


def _address(visit: Visit, noun: str) -> str:
    return f"/{noun}s/{visit.path[f'{noun}_id']}"
