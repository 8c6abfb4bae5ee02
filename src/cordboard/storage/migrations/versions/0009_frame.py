"""What requests with an Idempotency-Key were answered; what edges say of themselves; operators' customers by id."""

import sqlalchemy as sa
from alembic import op

from cordboard.storage.migrations.types import TEXT

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "idempotency",
        *(sa.Column(name, TEXT, nullable=False) for name in ("actor", "name", "fingerprint", "claimed_at")),
        sa.Column("status", sa.Integer),
        sa.Column("headers", TEXT, nullable=False, server_default="{}"),
        sa.Column("body", TEXT),
        sa.PrimaryKeyConstraint("actor", "name", name="idempotency_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_index("idempotency_claimed_at", "idempotency", ["claimed_at"])
    op.create_table(
        "edge",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("ready", sa.Integer, nullable=False),
        sa.Column("applied", sa.BigInteger, nullable=False),
        *(sa.Column(name, TEXT, nullable=False) for name in ("seen_at", "version", "signalling", "media")),
        sa.PrimaryKeyConstraint("name", name="edge_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_index("tenant_operator_id", "tenant", ["operator_id", "id"])
