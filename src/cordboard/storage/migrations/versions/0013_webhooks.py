"""Webhooks, what is on its way to them, and how far the feed of events has been followed."""

import sqlalchemy as sa
from alembic import op

from cordboard.storage.migrations.types import TEXT

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    follower = op.create_table(
        "follower",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("mark", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="follower_pkey"),
        sqlite_with_rowid=False,
    )
    op.bulk_insert(follower, [{"name": "webhooks", "mark": 0}])
    texts = ("id", "url", "filters", "secret", "created_at", "updated_at")
    nulls = ("description", "disabled", "failing_since", "previous_secret", "previous_until")
    op.create_table(
        "webhook",
        *(sa.Column(name, TEXT, nullable=False) for name in texts),
        *(sa.Column(name, TEXT) for name in nulls),
        sa.Column("tenant_id", TEXT, sa.ForeignKey("tenant.id", name="webhook_tenant_id_fkey")),
        sa.Column("enabled", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="webhook_pkey"),
    )
    op.create_index("webhook_tenant", "webhook", ["tenant_id", "created_at", "id"])
    op.create_table(
        "webhook_delivery",
        *(sa.Column(name, TEXT, nullable=False) for name in ("id", "webhook_id", "event_id", "state", "attempts")),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("due_at", TEXT),
        sa.PrimaryKeyConstraint("id", name="webhook_delivery_pkey"),
    )
    op.create_index("webhook_delivery_listed", "webhook_delivery", ["webhook_id", "id"])
    waiting, failed = sa.text("due_at is not null"), sa.text("state = 'failed'")
    _partial("webhook_delivery_due", ["webhook_id", "due_at", "id"], waiting)
    _partial("webhook_delivery_pending", ["webhook_id", "id"], waiting)
    _partial("webhook_delivery_failed", ["webhook_id", "id"], failed)


def _partial(name: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, "webhook_delivery", columns, sqlite_where=where, postgresql_where=where)
