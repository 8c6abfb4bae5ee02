"""The operations, with all that the OpenAPI document says of them."""

from collections.abc import Mapping
from typing import Any, Final

from cordboard.dialects.nebrija import wire
from cordboard.dialects.nebrija.errors import Error, Invalid
from cordboard.dialects.openapi import Answer, Operation

PREFIX: Final = "/api/v1"

_TRUNKS, _NUMBERS = f"{PREFIX}/sip-trunks", f"{PREFIX}/phone-numbers"
_TRUNK = Answer(description="The trunk", body=wire.SipTrunk)
_NUMBER = Answer(description="The number", body=wire.PhoneNumber)
_INVALID = {400: Answer(description="What is not as it must be", body=Invalid)}
_ALWAYS = {
    401: Answer(description="Unauthorized", body=Error),
    403: Answer(description="The key lacks the permission, or the trunk is the system's", body=Error),
    500: Answer(description="Internal server error", body=Error),
    503: Answer(description="Too busy, or stored and not yet applied; try again", body=Error),
}
_PROVIDER = {502: Answer(description="LiveKit refused, or did not answer; nothing was changed", body=Error)}
_MISSING = {404: Answer(description="There is no such trunk, number or assistant", body=Error)}
_BODY = {
    **_INVALID,
    409: Answer(description="The object's present state does not allow it", body=Error),
    413: Answer(description="The body is larger than 1 MiB", body=Error),
    **_PROVIDER,
}


def operations(trunks: Any, numbers: Any) -> list[Operation]:
    """Every operation, with the handlers of `trunks` and `numbers`."""
    return [*_trunk_operations(trunks), *_number_operations(numbers)]


def _operation(method: str, path: str, answers: Mapping[int, Answer], **rest: Any) -> Operation:
    return Operation(method=method, path=path, also=(f"{path}/",), answers=answers, **rest)


def _trunk_operations(trunks: Any) -> list[Operation]:
    one = f"{_TRUNKS}/{{id}}"
    return [
        _operation(
            "GET",
            _TRUNKS,
            {200: Answer(description="The newest trunks", body=wire.SipTrunks), **_ALWAYS, **_INVALID},
            name="list_sip_trunks",
            summary="Listar SIP Trunks",
            handler=trunks.list,
            permission="trunks.view",
            query=wire.ListQuery,
        ),
        _operation(
            "POST",
            _TRUNKS,
            {201: _TRUNK, **_ALWAYS, **_BODY},
            name="create_sip_trunk",
            summary="Crear SIP Trunk",
            handler=trunks.create,
            permission="trunks.create",
            body=wire.NewSipTrunk,
        ),
        _operation(
            "GET",
            one,
            {200: _TRUNK, **_ALWAYS, **_MISSING},
            name="get_sip_trunk",
            summary="Obtener SIP Trunk",
            handler=trunks.get,
            permission="trunks.view",
            path_model=wire.IdPath,
        ),
        _operation(
            "PATCH",
            one,
            {200: _TRUNK, **_ALWAYS, **_MISSING, **_BODY},
            name="update_sip_trunk",
            summary="Actualizar SIP Trunk",
            handler=trunks.update,
            permission="trunks.update",
            path_model=wire.IdPath,
            body=wire.SipTrunkUpdate,
        ),
        _operation(
            "DELETE",
            one,
            {204: Answer(description="Deleted"), **_ALWAYS, **_MISSING, **_PROVIDER},
            name="delete_sip_trunk",
            summary="Eliminar SIP Trunk",
            handler=trunks.delete,
            permission="trunks.delete",
            path_model=wire.IdPath,
        ),
    ]


def _number_operations(numbers: Any) -> list[Operation]:
    one = f"{_NUMBERS}/{{id}}"
    return [
        _operation(
            "GET",
            _NUMBERS,
            {200: Answer(description="The newest numbers", body=wire.PhoneNumbers), **_ALWAYS, **_INVALID},
            name="list_phone_numbers",
            summary="Listar números de teléfono",
            handler=numbers.list,
            permission="phones.view",
            query=wire.ListQuery,
        ),
        _operation(
            "GET",
            one,
            {200: _NUMBER, **_ALWAYS, **_MISSING},
            name="get_phone_number",
            summary="Obtener número de teléfono",
            handler=numbers.get,
            permission="phones.view",
            path_model=wire.IdPath,
        ),
        _operation(
            "PATCH",
            one,
            {200: _NUMBER, **_ALWAYS, **_MISSING, **_BODY},
            name="update_phone_number",
            summary="Actualizar número de teléfono",
            handler=numbers.update,
            permission="phones.update",
            path_model=wire.IdPath,
            body=wire.PhoneNumberUpdate,
        ),
    ]
