"""Events: what happened, for whoever asks and for webhooks."""

import sqlalchemy as sa
from alembic import op

from cordboard.storage.migrations.types import TEXT

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    texts = ("id", "type", "subject", "at", "data")
    columns = [*(sa.Column(name, TEXT, nullable=False) for name in texts), sa.Column("tenant_id", TEXT)]
    if op.get_bind().dialect.name == "postgresql":
        transaction = sa.text("((pg_current_xact_id())::text)::bigint")
        key = [
            sa.Column("seq", sa.BigInteger, sa.Identity(always=True), nullable=False),
            sa.Column("revision", sa.BigInteger, nullable=False, server_default=transaction),
            sa.PrimaryKeyConstraint("seq", name="event_pkey"),
        ]
    else:
        key = [
            sa.Column("revision", sa.Integer, nullable=False),
            sa.PrimaryKeyConstraint("revision", name="event_pkey"),
        ]
    unique = sa.UniqueConstraint("id", name="event_id_key")
    op.create_table("event", *key, *columns, unique, sqlite_autoincrement=True)
    if op.get_bind().dialect.name == "postgresql":
        op.create_index("event_revision", "event", ["revision"])
    op.create_index("event_tenant", "event", ["tenant_id", "id"])
    op.create_index("event_subject", "event", ["subject", "id"])
