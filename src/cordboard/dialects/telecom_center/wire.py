"""The operator API's words for accounts, their customers and what lists of them are asked for."""

from collections.abc import Mapping, Sequence
from typing import Final

from cordboard.dialects.telecom_center.bodies import Json
from cordboard.dialects.telecom_center.documents import Shown
from cordboard.dialects.telecom_center.errors import Faulty, invalid
from cordboard.dialects.telecom_center.query import ListQuery
from cordboard.dialects.telecom_center.resources import CUSTOMERS, SIP_ACCOUNTS
from cordboard.domain.accounts import Account, Recording
from cordboard.domain.edge import Binding
from cordboard.domain.tenants import Tenant
from cordboard.storage.sorted import Sort
from cordboard.storage.transaction import Value
from cordboard.usecases import accounts, customers
from cordboard.usecases.ports import UNCHANGED

#: Numbers of more digits are nobody's, and no store could compare them.
_MAX_DIGITS: Final = 18
_RECORDING: Final = {
    "incoming_internal": Recording.INCOMING_INTERNAL,
    "incoming_external": Recording.INCOMING_EXTERNAL,
    "outgoing_internal": Recording.OUTGOING_INTERNAL,
    "outgoing_external": Recording.OUTGOING_EXTERNAL,
    "on_demand": Recording.ON_DEMAND,
}
#: The store's word for each attribute, where it is another.
_STORED: Final = {
    **{name: f"record_{switch.replace('-', '_')}" for name, switch in _RECORDING.items()},
    "customer.id": "customer",
    "caller_id_name": "caller_name",
    "internal_caller_id": "extension",
    "external_caller_id": "external_number",
    "allow_external_calls": "may_call_outside",
    "use_allowed_ips": "restricted",
    "allowed_ips": "allowed",
}
_STORED_OF_CUSTOMERS: Final = {"id": "reference", "trm_mode": "termination", "sip_account_limit": "account_limit"}


def account(shown: Account, owner: Shown, *, password: str | None, bindings: Sequence[Binding]) -> Shown:
    """An account as its operator sees it, with its customer; `bindings` are what is registered, the newest first."""
    return Shown(
        type=SIP_ACCOUNTS.type,
        id=shown.id,
        attributes={
            "username": shown.username,
            "password": password,
            **{name: switch in shown.recording for name, switch in _RECORDING.items()},
            "caller_id_name": shown.caller_name,
            "internal_caller_id": shown.extension,
            "external_caller_id": shown.external_number,
            "allow_external_calls": shown.may_call_outside,
            "is_online": bool(bindings),
            "user_agent": bindings[0].user_agent if bindings else None,
            "use_allowed_ips": shown.restricted,
            "allowed_ips": None if shown.allowed is None else ",".join(shown.allowed),
        },
        related={"customer": owner},
    )


def customer(shown: Tenant) -> Shown:
    """A tenant under the id that its operator knows it by."""
    return Shown(
        type=CUSTOMERS.type,
        id=str(shown.reference),
        attributes={
            "name": shown.name,
            "language": shown.language,
            "trm_mode": shown.termination,
            "capacity_limit": shown.capacity_limit,
            "sip_account_limit": shown.account_limit,
        },
    )


def account_change(attributes: Json) -> accounts.Change:
    return accounts.Change(
        restricted=attributes.get("use_allowed_ips", UNCHANGED), allowed=attributes.get("allowed_ips", UNCHANGED)
    )


def customer_change(attributes: Json) -> customers.Change:
    """The termination mode goes by two names. Raises Faulty if they say different things."""
    modes = {attributes[name] for name in ("trm_mode", "termination_mode") if name in attributes}
    if len(modes) > 1:
        raise Faulty(invalid("termination_mode", "differs from trm_mode"))
    return customers.Change(
        name=attributes.get("name", UNCHANGED),
        language=attributes.get("language", UNCHANGED),
        capacity_limit=attributes.get("capacity_limit", UNCHANGED),
        account_limit=attributes.get("sip_account_limit", UNCHANGED),
        termination=next(iter(modes), UNCHANGED),
    )


def account_sort(asked: ListQuery) -> tuple[Sort, ...]:
    return tuple(Sort(by=_STORED.get(one.field, one.field), descending=one.descending) for one in asked.sort)


def customer_sort(asked: ListQuery) -> tuple[Sort, ...]:
    names = _STORED_OF_CUSTOMERS
    return tuple(Sort(by=names.get(one.field, one.field), descending=one.descending) for one in asked.sort)


def account_filters(asked: ListQuery) -> dict[str, list[Value]]:
    """In the store's words; `customer` has the operator's own ids."""
    found = {_STORED.get(name, name): _storable(values) for name, values in asked.filters.items()}
    for name in ("extension", "external_number"):
        if name in found:
            found[name] = [int(str(value)) for value in found[name] if len(str(value)) <= _MAX_DIGITS]
    if "may_call_outside" in found:
        found["may_call_outside"] = [int(value == "true") for value in found["may_call_outside"]]
    return found


def customer_filters(asked: ListQuery) -> Mapping[str, list[Value]]:
    return {_STORED_OF_CUSTOMERS.get(name, name): _storable(values) for name, values in asked.filters.items()}


def _storable(values: Sequence[str]) -> list[Value]:
    """Those that a row can hold: PostgreSQL takes no U+0000."""
    return [value for value in values if "\0" not in value]
