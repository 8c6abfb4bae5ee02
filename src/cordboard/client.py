"""The HTTP client of the native API that the commands use."""

import contextlib
import math
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any, BinaryIO, Self
from uuid import UUID

import httpx2

#: What is read as a number, not as a name: +34911234567, or user@domain.
_NUMBER = re.compile(r"\+?\d[\d ().-]*|\S+@\S+")


class ClientError(Exception):
    """The server refused, or could not be reached. The message is for a person; `problem` is RFC 9457's object."""

    def __init__(self, message: str, problem: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.problem = problem or {}


class Client:
    """A connection to one server's native API."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        patience: float = 30,
        during: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
        idempotency_key: str | None = None,
    ) -> None:
        """Answers are waited for so many seconds, `during` each wait. The key goes with each POST: there may be one."""
        self._http = httpx2.Client(
            base_url=f"{url.rstrip('/')}/cordboard/v1",
            headers={"Authorization": f"Bearer {token}"},
            timeout=patience,
            trust_env=False,
        )
        self._url = url
        self._during = during
        self._of_posts = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, **query: Any) -> Any:
        """Raises ClientError."""
        return self._call("GET", path, params={k: v for k, v in query.items() if v is not None})

    def all(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """Every object of a list that pages by its `next`. Raises ClientError."""
        return list(self.each(path, **query))

    def each(self, path: str, *, most: int | None = None, **query: Any) -> Iterator[dict[str, Any]]:
        """As `all`, a page in memory at a time, and at most so many."""
        after, left = None, math.inf if most is None else most
        while left > 0:
            page = self.get(path, **query, limit=min(left, 1000), after=after)
            yield from islice(page["data"], None if most is None else int(left))
            after, left = page["next"], left - len(page["data"])
            if after is None:
                return

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Raises ClientError."""
        return self._call("POST", path, json=body, headers=self._of_posts)

    def put(self, path: str, body: dict[str, Any], **query: Any) -> Any:
        """With `dry_run` what it would touch. Raises ClientError."""
        return self._call("PUT", path, json=body, params=query)

    def send(self, path: str, content: bytes, media_type: str, **query: Any) -> Any:
        """PUT what is no JSON. Raises ClientError."""
        return self._call("PUT", path, content=content, headers={"Content-Type": media_type}, params=query)

    def patch(self, path: str, body: dict[str, Any], **query: Any) -> Any:
        """With `dry_run` what it would touch. Raises ClientError."""
        return self._call("PATCH", path, json=body, params=query)

    def delete(self, path: str, **query: Any) -> Any:
        """With `dry_run` what it would touch. Raises ClientError."""
        return self._call("DELETE", path, params=query)

    def download(self, path: str, file: BinaryIO, came: Callable[[int, int], None]) -> int:
        """Write the answer's body to a file as it comes; how many bytes. Raises ClientError.

        Of each part `came` is told the size, and that of the whole; 0: nobody knows.
        """
        try:
            with self._http.stream("GET", path) as response:
                if not response.is_success:
                    response.read()
                    raise _refused(response)
                whole, size = int(response.headers.get("content-length", 0)), 0
                for part in response.iter_bytes():
                    size += file.write(part)
                    came(len(part), whole)
                return size
        except httpx2.HTTPError as error:
            raise self._no_answer(error) from error

    def trunk(self, ref: str) -> dict[str, Any]:
        """The trunk of that id or name, or of that number. Raises ClientError."""
        if _NUMBER.fullmatch(ref):
            return self.by_number("/trunks", ref)
        found: dict[str, Any] = self.get(f"/trunks/{self.called('trunk', ref)}")
        return found

    def called(self, kind: str, ref: str, tenant_id: str | None = None) -> str:
        """The id behind a name, of that tenant if one is given, or an id. Raises ClientError."""
        with contextlib.suppress(ValueError):
            return str(UUID(ref))
        return self.named(ref, kind, tenant_id=tenant_id)[1]

    def named(self, ref: str, *kinds: str, tenant_id: str | None = None) -> tuple[str, str]:
        """Kind and id of the one thing of these kinds that has that name. Raises ClientError."""
        found = self.get("/search", q=ref, tenant_id=tenant_id)["data"]
        hits = [(hit["kind"], hit["id"]) for hit in found if hit["kind"] in kinds and hit["name"] == ref]
        if len(hits) == 1:
            return hits[0]
        several = f"{kinds[0]}s" if len(kinds) == 1 else "things"
        said = f"{len(hits)} {several} are called {ref}: say by its id which is meant" if hits else None
        noun = ", ".join(kinds[:-1]) + " or " + kinds[-1] if kinds[1:] else kinds[0]
        detail = said or f"no {noun} is called {ref}: give its whole name, or its id"
        raise ClientError(detail, {"detail": detail, "ids": [id for _, id in hits]})

    def by_number(self, path: str, ref: str) -> dict[str, Any]:
        """The object of a list that has that id, or that number. Raises ClientError."""
        try:
            id = UUID(ref)
        except ValueError:
            found: dict[str, Any] = self.get(path, number=ref)["data"][0]
        else:
            found = self.get(f"{path}/{id}")
        return found

    def tenant_id(self, ref: str, operator: str | None = None) -> str:
        """The id behind a tenant's name, reference or id, if given of that operator's. Raises ClientError."""
        operator_id = None if operator is None else self.operator_id(operator)
        found = self.get("/tenants", ref=ref, operator_id=operator_id)["data"]
        return str(found[0]["id"])

    def operator_id(self, ref: str) -> str:
        """The id behind an operator's name or id. Raises ClientError."""
        return str(self.get("/operators", ref=ref)["data"][0]["id"])

    def _call(self, method: str, path: str, **rest: Any) -> Any:
        try:
            with self._during():
                response = self._http.request(method, path, **rest)
        except httpx2.HTTPError as error:
            raise self._no_answer(error) from error
        if response.is_success:
            return response.json() if response.content else None
        raise _refused(response)

    def _no_answer(self, error: Exception) -> ClientError:
        return ClientError(f"no answer from {self._url}: {error}; is `cordboard serve` running?")


def _refused(response: httpx2.Response) -> ClientError:
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    return ClientError(problem.get("detail") or f"the server answered {response.status_code}", problem)
