"""What is told of a call beside its messages: tries, what its sides offered and answered, and how it sounded."""

import sqlalchemy as sa
from alembic import op

from cordboard.storage.migrations.types import TEXT

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "call_detail",
        sa.Column("call_id", TEXT, nullable=False),
        sa.Column("event", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("line", sa.Integer, nullable=False, autoincrement=False),
        *(sa.Column(name, TEXT, nullable=False) for name in ("at", "kind", "told")),
        sa.PrimaryKeyConstraint("call_id", "event", "line", name="call_detail_pkey"),
        sqlite_with_rowid=False,
    )
