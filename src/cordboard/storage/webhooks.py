"""Webhooks in the store; their secrets are sealed, each for its webhook's id."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from cordboard.domain.errors import UnknownWebhook
from cordboard.domain.tenants import Actor, TenantId
from cordboard.domain.times import from_wire, opt_from_wire, opt_to_wire, to_wire
from cordboard.domain.trunks import SealedSecret
from cordboard.domain.webhooks import Webhook, WebhookId
from cordboard.storage import changes
from cordboard.storage.transaction import Row, Transaction, Value

_NAMES: Final = (
    "id, tenant_id, url, filters, description, enabled, disabled, failing_since, secret, previous_secret, "
    "previous_until, created_at, updated_at"
)
_INSERT = f"""
insert into webhook ({_NAMES}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""
_UPDATE = """
update webhook set url = $2, filters = $3, description = $4, enabled = $5, disabled = $6, failing_since = $7,
secret = $8, previous_secret = $9, previous_until = $10, updated_at = $11
where id = $1
"""
_DELETE = "delete from webhook where id = $1"
_BY_ID = f"select {_NAMES} from webhook where id = $1"
_OF_TENANT = f"select {_NAMES} from webhook where tenant_id = $1 order by created_at, id"
_OF_NOBODY = f"select {_NAMES} from webhook where tenant_id is null order by created_at, id"
_PAGE = f"select {_NAMES} from webhook where id > $1 order by id limit $2"
_FAILING = "update webhook set failing_since = $2 where id = $1 and failing_since is null"
_TAKEN = "update webhook set failing_since = null where id = $1 and failing_since is not null"


async def add(tx: Transaction, who: Actor, webhook: Webhook, now: datetime) -> None:
    tenant, enabled, secret = webhook.tenant, int(webhook.enabled), webhook.secret.text
    values: tuple[Value, ...] = (webhook.id, tenant, webhook.url, json.dumps(webhook.filters), webhook.description)
    times = (to_wire(webhook.created_at), to_wire(webhook.updated_at))
    await tx.run(_INSERT, *values, enabled, None, None, secret, None, None, *times)
    fields = {**changes.difference({}, _logged(webhook)), "secret": ["set"]}
    await changes.record(tx, who, now, "webhook", webhook.id, "create", tenant=tenant, fields=fields)


async def save(tx: Transaction, who: Actor, before: Webhook, after: Webhook, now: datetime, action: str) -> Webhook:
    """As it then is; what changes nothing is neither written nor logged."""
    if after == before:
        return before
    after = replace(after, updated_at=now)
    previous = " ".join(secret.text for secret in after.previous) or None
    await tx.run(
        _UPDATE,
        *(after.id, after.url, json.dumps(after.filters), after.description, int(after.enabled), after.disabled),
        *(opt_to_wire(after.failing_since), after.secret.text, previous, opt_to_wire(after.previous_until)),
        to_wire(after.updated_at),
    )
    fields = changes.difference(_logged(before), _logged(after))
    if after.secret != before.secret:
        fields["secret"] = ["set"]
    await changes.record(tx, who, now, "webhook", after.id, action, tenant=after.tenant, fields=fields)
    return after


async def remove(tx: Transaction, who: Actor, webhook: Webhook, now: datetime) -> None:
    """What was on its way to it is removed later, in bites."""
    await tx.run(_DELETE, webhook.id)
    fields = changes.difference(_logged(webhook), {})
    await changes.record(tx, who, now, "webhook", webhook.id, "delete", tenant=webhook.tenant, fields=fields)


async def note_failing(tx: Transaction, id: WebhookId, since: datetime) -> None:
    await tx.run(_FAILING, id, to_wire(since))


async def note_taken(tx: Transaction, id: WebhookId) -> None:
    await tx.run(_TAKEN, id)


async def find(tx: Transaction, id: str) -> Webhook | None:
    row = await tx.one(_BY_ID, id)
    return None if row is None else _webhook(row)


async def get(tx: Transaction, id: WebhookId) -> Webhook:
    """Raises UnknownWebhook."""
    found = await find(tx, id)
    if found is None:
        raise UnknownWebhook(id)
    return found


async def of(tx: Transaction, tenant: TenantId | None) -> list[Webhook]:
    """A tenant's, or the administrator's: there are never many."""
    rows = await (tx.all(_OF_NOBODY) if tenant is None else tx.all(_OF_TENANT, tenant))
    return _webhooks(rows)


async def page(tx: Transaction, after: str, limit: int) -> list[Webhook]:
    """Everybody's, by id."""
    return _webhooks(await tx.all(_PAGE, after, limit))


def _logged(webhook: Webhook) -> dict[str, Any]:
    """The URL is told without its query, in which some receivers keep a secret."""
    return {
        "url": webhook.url.partition("?")[0],
        "types": list(webhook.filters),
        "description": webhook.description,
        "enabled": webhook.enabled,
        "disabled": webhook.disabled,
    }


def _webhooks(rows: Iterable[Row]) -> list[Webhook]:
    return [_webhook(row) for row in rows]


def _webhook(row: Row) -> Webhook:
    return Webhook(
        id=WebhookId(row["id"]),
        tenant=row["tenant_id"],
        url=row["url"],
        filters=tuple(json.loads(row["filters"])),
        description=row["description"],
        enabled=bool(row["enabled"]),
        disabled=row["disabled"],
        failing_since=opt_from_wire(row["failing_since"]),
        secret=SealedSecret(text=row["secret"]),
        previous=tuple(SealedSecret(text=text) for text in (row["previous_secret"] or "").split()),
        previous_until=opt_from_wire(row["previous_until"]),
        created_at=from_wire(row["created_at"]),
        updated_at=from_wire(row["updated_at"]),
    )
