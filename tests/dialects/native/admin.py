"""The administrator's client, as the native API's tests use it."""

from dataclasses import dataclass
from typing import Any, Literal

import httpx2
from pydantic import BaseModel, ConfigDict, Field

from tests.builders import World, dump

BASE = "/cordboard/v1"


class Problem(BaseModel):
    """https://www.rfc-editor.org/rfc/rfc9457: problem details, with our code and what belongs to it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: Literal["about:blank"]
    title: str = Field(min_length=1)
    status: int
    code: str = Field(pattern=r"^[a-z]+(-[a-z]+)*$")
    detail: str = Field(min_length=1)
    errors: list[dict[str, str]] | None = None
    ids: list[str] | None = None
    position: int | None = None


@dataclass
class Admin:
    """The administrator's client."""

    world: World
    http: httpx2.AsyncClient

    async def send(self, method: str, path: str, body: Any = ..., **options: Any) -> httpx2.Response:
        if body is not ...:
            options["json"] = body
        answer = await self.http.request(method, BASE + path, **options)
        if not answer.is_success:
            assert answer.headers["content-type"] == "application/problem+json"
            assert Problem.model_validate(answer.json()).status == answer.status_code
        return answer

    async def done(self, method: str, path: str, body: Any = ..., status: int = 201) -> Any:
        answer = await self.send(method, path, body)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def refused(self, method: str, path: str, body: Any = ..., *, status: int, code: str, **options: Any) -> Any:
        """The problem of an operation that must fail, and change nothing."""
        before = await dump(self.world)
        answer = await self.send(method, path, body, **options)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert await dump(self.world) == before
        return answer.json()


def pointers(problem: Any) -> list[str]:
    """The places that a problem complains of."""
    return [error["pointer"] for error in problem["errors"]]
