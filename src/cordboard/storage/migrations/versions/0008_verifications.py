"""Verifications of trunks, numbers, agents and accounts."""

import sqlalchemy as sa
from alembic import op

from cordboard.storage.migrations.types import TEXT

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    names = ("id", "kind", "subject_id", "subject_name", "asked", "state", "steps", "actor", "started_at")
    op.create_table(
        "verification",
        *(sa.Column(name, TEXT, nullable=False) for name in names),
        *(sa.Column(name, TEXT) for name in ("tenant_id", "status", "finished_at")),
        sa.PrimaryKeyConstraint("id", name="verification_pkey"),
    )
    when = ["started_at", "id"]
    op.create_index("verification_started", "verification", when)
    op.create_index("verification_tenant", "verification", ["tenant_id", *when])
    op.create_index("verification_subject", "verification", ["kind", "subject_id", *when])
    running = sa.text("state = 'running'")
    op.create_index(
        "verification_running", "verification", ["started_at"], sqlite_where=running, postgresql_where=running
    )
