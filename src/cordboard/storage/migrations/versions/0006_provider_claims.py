"""What is being changed at LiveKit, so that a process that dies there leaves word of it."""

import sqlalchemy as sa
from alembic import op

from cordboard.storage.migrations.types import TEXT

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "provider_claim",
        *(sa.Column(name, TEXT, nullable=False) for name in ("object", "holder", "claimed_at")),
        sa.PrimaryKeyConstraint("object", name="provider_claim_pkey"),
        sqlite_with_rowid=False,
    )
