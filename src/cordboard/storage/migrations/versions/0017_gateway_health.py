"""Gateways that have stopped answering, and what of that has been told."""

import sqlalchemy as sa
from alembic import op

from cordboard.storage.migrations.types import TEXT

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.create_table(
        "gateway_health",
        *(sa.Column(name, TEXT, nullable=False) for name in ("edge", "uri", "changed_at")),
        sa.Column("down", sa.Integer, nullable=False),
        *(sa.Column(name, sa.Integer, nullable=False, server_default=sa.text("0")) for name in ("told_down", "tells")),
        sa.Column("told_at", TEXT),
        sa.PrimaryKeyConstraint("edge", "uri", name="gateway_health_pkey"),
        sqlite_with_rowid=False,
    )
    untold = sa.text("down <> told_down")
    op.create_index(
        "gateway_health_untold",
        "gateway_health",
        ["edge", "changed_at"],
        sqlite_where=untold,
        postgresql_where=untold,
    )
