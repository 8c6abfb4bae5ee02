"""Counts by minute, of which pictures are drawn; from now on, since what was before is not counted again."""

import sqlalchemy as sa
from alembic import op

from cordboard.storage.migrations.types import TEXT

revision = "0022"
down_revision = "0021"


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, TEXT, nullable=False) for name in names]


def _counts(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer, nullable=False, server_default=sa.text("0")) for name in names]


def upgrade() -> None:
    op.create_table(
        "tally",
        *_texts("owner", "at"),
        *_counts("calls", "answered", "failed", "refused", "registered"),
        sa.PrimaryKeyConstraint("owner", "at", name="tally_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_index("tally_at", "tally", ["at"])
    op.create_table(
        "refusal_tally",
        *_texts("owner", "at", "reason"),
        *_counts("refused"),
        sa.PrimaryKeyConstraint("owner", "at", "reason", name="refusal_tally_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_index("refusal_tally_at", "refusal_tally", ["at"])
    op.create_table(
        "registered",
        *_texts("edge", "owner"),
        sa.Column("accounts", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("edge", "owner", name="registered_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_index("registered_owner", "registered", ["owner"])
