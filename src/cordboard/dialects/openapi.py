"""OpenAPI 3.1 documents, assembled from the operations that the routes are made of."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.responses import Response

_REF = "#/components/schemas/{model}"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A documented answer: a description, and the model of its body unless it has none; `bytes` is no JSON."""

    description: str
    body: Any = None
    media_type: str = "application/json"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation: where it is, what it takes, what it may answer."""

    method: str
    #: As in the document: `/v1/phone/{phone_id}`.
    path: str
    #: The operation's id: `update_phone`.
    name: str
    summary: str
    handler: Callable[..., Awaitable[Response]]
    path_model: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    #: Header fields that it looks at, and what they are for.
    headers: Mapping[str, str] = field(default_factory=dict)
    body: type[BaseModel] | None = None
    #: Media types of a body that is no JSON, and is read as it comes.
    text: tuple[str, ...] = ()
    #: The permission that a tenant's key needs for it.
    permission: str | None = None
    answers: Mapping[int, Answer] = field(default_factory=dict)
    #: Other spellings of the path that are served as well.
    also: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


def document(
    operations: Iterable[Operation],
    *,
    title: str,
    version: str,
    description: str,
    scheme: str,
    http: str = "bearer",
    more_schemes: Mapping[str, Mapping[str, str]] | None = None,
    media_type: str = "application/json",
) -> dict[str, Any]:
    """The whole document; every operation is behind the `http` scheme called `scheme`, or one of `more_schemes`, and
    takes `media_type`."""
    schemes = {scheme: {"type": "http", "scheme": http}, **(more_schemes or {})}
    listed = list(operations)
    refs, components = _schemas(listed)
    paths: dict[str, dict[str, Any]] = {}
    for operation in listed:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(
            operation, refs, schemes, media_type
        )
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": description},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": schemes,
        },
    }


def _schemas(operations: list[Operation]) -> tuple[dict[Any, Any], dict[str, Any]]:
    """The reference of each (model, mode), and the component schemas."""
    wanted: dict[tuple[type[BaseModel], Any], None] = {}
    for operation in operations:
        if operation.body is not None:
            wanted[(operation.body, "validation")] = None
        for answer in operation.answers.values():
            if answer.body not in (None, bytes):
                wanted[(answer.body, "serialization")] = None
    refs, definitions = models_json_schema(list(wanted), ref_template=_REF)
    return refs, definitions.get("$defs", {})


def _operation(operation: Operation, refs: dict[Any, Any], schemes: Iterable[str], media_type: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "security": [{scheme: []} for scheme in schemes],
        "responses": {str(status): _answer(answer, refs) for status, answer in operation.answers.items()},
    }
    if operation.tags:
        made["tags"] = list(operation.tags)
    parameters = [*_parameters(operation.path_model, "path"), *_parameters(operation.query, "query")]
    parameters += [
        {"name": name, "in": "header", "required": False, "schema": {"type": "string"}, "description": meaning}
        for name, meaning in operation.headers.items()
    ]
    if parameters:
        made["parameters"] = parameters
    if operation.body is not None:
        schema = refs[(operation.body, "validation")]
        made["requestBody"] = {
            "required": True,
            "content": {media_type: {"schema": schema}},
        }
    if operation.text:
        content = {media_type: {"schema": {"type": "string"}} for media_type in operation.text}
        made["requestBody"] = {"required": True, "content": content}
    return made


def _answer(answer: Answer, refs: dict[Any, Any]) -> dict[str, Any]:
    if answer.body is None:
        return {"description": answer.description}
    if answer.body is bytes:
        return {"description": answer.description, "content": {answer.media_type: {}}}
    return {
        "description": answer.description,
        "content": {answer.media_type: {"schema": refs[(answer.body, "serialization")]}},
    }


def _parameters(model: type[BaseModel] | None, place: str) -> list[dict[str, Any]]:
    if model is None:
        return []
    schema = model.model_json_schema()
    definitions = schema.get("$defs", {})
    required = set(schema.get("required", ()))
    return [
        {
            "name": name,
            "in": place,
            "required": name in required,
            "schema": _inlined(part, definitions),
            **({"description": part["description"]} if "description" in part else {}),
        }
        for name, part in schema.get("properties", {}).items()
    ]


def _inlined(part: Any, definitions: dict[str, Any]) -> Any:
    """A parameter's schema with its references resolved and null left out: a query string has no null."""
    if isinstance(part, list):
        return [_inlined(item, definitions) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _inlined(definitions[part["$ref"].rpartition("/")[2]], definitions)
    options = [option for option in part.get("anyOf", ()) if option != {"type": "null"}]
    rest = {k: _inlined(v, definitions) for k, v in part.items() if k not in ("anyOf", "description")}
    if rest.get("default", ...) is None:
        del rest["default"]
    if len(options) == 1:
        return {**_inlined(options[0], definitions), **rest}
    return {**rest, "anyOf": _inlined(options, definitions)} if options else rest
