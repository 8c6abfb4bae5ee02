"""Imports of many numbers: how far each is, and what became of each row. Trunks and agents are found by name."""

import sqlalchemy as sa
from alembic import op

from cordboard.storage.migrations.types import TEXT

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "number_import",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("tenant_id", TEXT, nullable=False),
        sa.Column("created_at", TEXT, nullable=False),
        sa.Column("source", TEXT),
        sa.Column("format", TEXT, nullable=False),
        sa.Column("on_conflict", TEXT, nullable=False),
        sa.Column("dry_run", sa.Integer, nullable=False),
        *(sa.Column(name, TEXT) for name in ("trunk", "inbound_agent", "outbound_agent")),
        *(
            sa.Column(name, sa.Integer, nullable=False)
            for name in ("position", "imported", "updated", "unchanged", "skipped", "failed")
        ),
        sa.Column("finished_at", TEXT),
        sa.PrimaryKeyConstraint("id", name="number_import_pkey"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="number_import_tenant_id_fkey"),
        sqlite_with_rowid=False,
    )
    op.create_index("number_import_tenant", "number_import", ["tenant_id", "created_at", "id"])
    op.create_index("number_import_begun", "number_import", ["created_at"])
    op.create_table(
        "number_import_row",
        sa.Column("import_id", TEXT, nullable=False),
        sa.Column("place", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("number", TEXT),
        sa.Column("outcome", TEXT, nullable=False),
        sa.Column("number_id", TEXT),
        sa.Column("problems", TEXT),
        sa.PrimaryKeyConstraint("import_id", "place", name="number_import_row_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_index("number_import_row_number", "number_import_row", ["number"])
    failed = sa.text("outcome = 'failed'")
    op.create_index(
        "number_import_row_failed",
        "number_import_row",
        ["import_id", "place"],
        sqlite_where=failed,
        postgresql_where=failed,
    )
    op.create_index("trunk_name", "trunk", ["tenant_id", "name"])
    op.create_index("agent_name", "agent", ["tenant_id", "name"])
