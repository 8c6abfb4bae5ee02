"""The HTTP client of the native API that the commands use."""

from typing import Any, BinaryIO

import httpx2


class ClientError(Exception):
    """The server refused, or could not be reached. The message is for a person; `problem` is RFC 9457's object."""

    def __init__(self, message: str, problem: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.problem = problem or {}


class Client:
    """A connection to one server's native API."""

    def __init__(self, url: str, token: str) -> None:
        self._http = httpx2.Client(
            base_url=f"{url.rstrip('/')}/cordboard/v1",
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
            trust_env=False,
        )
        self._url = url

    def get(self, path: str, **query: Any) -> Any:
        """Raises ClientError."""
        return self._call("GET", path, params={k: v for k, v in query.items() if v is not None})

    def all(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """Every object of a list that pages by its `next`. Raises ClientError."""
        found: list[dict[str, Any]] = []
        after = None
        while True:
            page = self.get(path, **query, limit=1000, after=after)
            found += page["data"]
            after = page["next"]
            if after is None:
                return found

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Raises ClientError."""
        return self._call("POST", path, json=body)

    def put(self, path: str, body: dict[str, Any]) -> Any:
        """Raises ClientError."""
        return self._call("PUT", path, json=body)

    def patch(self, path: str, body: dict[str, Any]) -> Any:
        """Raises ClientError."""
        return self._call("PATCH", path, json=body)

    def delete(self, path: str) -> None:
        """Raises ClientError."""
        self._call("DELETE", path)

    def download(self, path: str, file: BinaryIO) -> int:
        """Write the answer's body to a file as it comes; how many bytes. Raises ClientError."""
        try:
            with self._http.stream("GET", path) as response:
                if not response.is_success:
                    response.read()
                    raise _refused(response)
                return sum(file.write(part) for part in response.iter_bytes())
        except httpx2.HTTPError as error:
            raise self._no_answer(error) from error

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
