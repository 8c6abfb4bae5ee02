"""Bodies of POST and PATCH: the form of a JSON:API document first (400), then the values of its attributes (422).

The order in which things are refused is the vendor's: data, id, type, what may not be there, and values at last.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic_core import from_json

from cordboard.dialects.telecom_center.errors import (
    BAD_REQUEST,
    DATA_NOT_OBJECT,
    INVALID_ID,
    INVALID_LINKAGE,
    INVALID_RESOURCE,
    KEY_NOT_IN_URL,
    KEY_REQUIRED,
    MISSING_PARAMETER,
    PARAM_NOT_ALLOWED,
    TYPE_MISMATCH,
    Fault,
    Faulty,
    invalid,
)
from cordboard.dialects.telecom_center.resources import Resource
from cordboard.domain.accounts import networks
from cordboard.domain.errors import Invalid
from cordboard.domain.tenants import Language, Termination, check_name, check_reference

#: Largest limit, so that each store can hold it.
MAX_LIMIT = 2**31 - 1

#: Raises ValueError, whose text is the message of the 422.
Read = Callable[[Any], Any]
Json = dict[str, Any]


def parse_update(body: bytes, resource: Resource, id: str, readers: Mapping[str, Read]) -> Json:
    """The attributes that a PATCH of the object `id` wants changed, as `readers` made them. Raises Faulty."""
    data = _data(body)
    if data.get("id") is None:
        raise Faulty(KEY_REQUIRED.fault())
    if _key(data["id"]) != id:
        raise Faulty(KEY_NOT_IN_URL.fault(_said(data["id"])))
    return _attributes(data, resource, readers)


@dataclass(frozen=True, kw_only=True, slots=True)
class New:
    """What a POST wants made; without an id the server makes one."""

    id: str | None
    attributes: Json


def parse_new(body: bytes, resource: Resource, readers: Mapping[str, Read], required: str) -> New:
    """Raises Faulty, also if the attribute `required` is not there."""
    data = _data(body)
    id = data.get("id")
    if id is not None:
        try:
            check_reference(_key(id) or "")
        except Invalid as error:
            raise Faulty(INVALID_ID.fault(_said(id))) from error
    attributes = _attributes(data, resource, readers, required)
    return New(id=None if id is None else _key(id), attributes=attributes)


def _data(body: bytes) -> Json:
    if not body.strip():
        raise Faulty(MISSING_PARAMETER.fault("data"))
    try:
        document = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise Faulty(BAD_REQUEST.fault(error)) from error
    data = document.get("data") if isinstance(document, dict) else None
    if data is None or data == {}:
        raise Faulty(MISSING_PARAMETER.fault("data"))
    if not isinstance(data, dict):
        raise Faulty(DATA_NOT_OBJECT.fault())
    return data


def _key(id: Any) -> str | None:
    """An id as text; clients may send numbers."""
    return str(id) if isinstance(id, str | int) and not isinstance(id, bool) else None


def _said(value: Any) -> str:
    """What a message repeats of a body: no more than is needed to find it."""
    return str(value)[:80]


def _attributes(data: Json, resource: Resource, readers: Mapping[str, Read], required: str | None = None) -> Json:
    """The attributes of a resource object, read. Raises Faulty."""
    if data.get("type") is None:
        raise Faulty(MISSING_PARAMETER.fault("type"))
    if data["type"] != resource.type:
        raise Faulty(INVALID_RESOURCE.fault(_said(data["type"])))
    attributes, relationships = _members(data, "attributes"), _members(data, "relationships")
    refused = [name for name in data if name not in ("id", "type", "attributes", "relationships", "links", "meta")]
    refused += [name for name in attributes if name not in readers]
    faults = [PARAM_NOT_ALLOWED.fault(_said(name)) for name in refused]
    faults += [_unwritable(resource, name, value) for name, value in relationships.items()]
    if faults:
        raise Faulty(*faults)
    wanted = attributes if required is None else {required: None, **attributes}
    read: Json = {}
    for name, value in wanted.items():
        try:
            read[name] = readers[name](value)
        except ValueError as error:
            faults.append(invalid(name, str(error)))
    if faults:
        raise Faulty(*faults)
    return read


def _members(data: Json, name: str) -> Json:
    members = data.get(name)
    if members is None:
        return {}
    if not isinstance(members, dict):
        raise Faulty(DATA_NOT_OBJECT.fault())
    return members


def _unwritable(resource: Resource, name: str, value: Any) -> Fault:
    """What is wrong with a relationship in a body: at least that no relationship here can be written."""
    type = resource.relationships.get(name)
    if type is None:
        return PARAM_NOT_ALLOWED.fault(_said(name))
    linkage = value.get("data") if isinstance(value, dict) and "data" in value else value
    if linkage is not None:
        if not isinstance(linkage, dict) or not linkage.keys() >= {"type", "id"}:
            return INVALID_LINKAGE.fault()
        if linkage["type"] != type:
            return TYPE_MISMATCH.fault(_said(linkage["type"]))
        if _key(linkage["id"]) is None:
            return INVALID_ID.fault(_said(linkage["id"]))
    return PARAM_NOT_ALLOWED.fault(name)


def boolean(value: Any) -> bool:
    """true and false, also as text, and 1 and 0 likewise. Raises ValueError."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str | int) and str(value) in ("true", "1"):
        return True
    if isinstance(value, str | int) and str(value) in ("false", "0"):
        return False
    raise ValueError("must be true or false")


def allowed_ips(value: Any) -> str | None:
    """A comma list of addresses and CIDR ranges, as it came; null and an empty text are none. Raises ValueError."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("must be a string")
    networks(value)
    return value


def name(value: Any) -> str:
    """Raises ValueError."""
    if value is None or value == "":
        raise ValueError("can't be blank")
    if not isinstance(value, str):
        raise ValueError("must be a string")
    return check_name(value)


def limit(value: Any) -> int | None:
    """A whole number, also as text; null is no limit. Raises ValueError."""
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 10:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("is not a number")
    if not 0 <= value <= MAX_LIMIT:
        raise ValueError(f"must be 0 to {MAX_LIMIT}")
    return value


def language(value: Any) -> Language:
    """Raises ValueError."""
    _require_listed(Language, value)
    return Language(value)


def termination(value: Any) -> Termination:
    """Raises ValueError."""
    _require_listed(Termination, value)
    return Termination(value)


def _require_listed(kind: type[StrEnum], value: Any) -> None:
    if value not in list(kind):
        raise ValueError(f"is not included in the list: {', '.join(kind)}")


#: What a PATCH of an account may change.
ACCOUNT_READERS: Mapping[str, Read] = {"use_allowed_ips": boolean, "allowed_ips": allowed_ips}
#: What a customer is made of.
CUSTOMER_READERS: Mapping[str, Read] = {
    "name": name,
    "language": language,
    "trm_mode": termination,
    "termination_mode": termination,
    "capacity_limit": limit,
    "sip_account_limit": limit,
}
