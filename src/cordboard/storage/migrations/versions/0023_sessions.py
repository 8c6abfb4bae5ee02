"""Sessions of the console that have not been ended."""

import sqlalchemy as sa
from alembic import op

from cordboard.storage.migrations.types import TEXT

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.create_table(
        "session",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("expires_at", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="session_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_index("session_expires_at", "session", ["expires_at"])
