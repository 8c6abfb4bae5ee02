"""When verifications are run by themselves."""

import sqlalchemy as sa
from alembic import op

from cordboard.storage.migrations.types import TEXT

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    names = ("id", "kind", "subject_id", "subject_name", "next_at", "actor", "created_at")
    op.create_table(
        "verification_schedule",
        *(sa.Column(name, TEXT, nullable=False) for name in names),
        *(sa.Column(name, TEXT) for name in ("tenant_id", "steps")),
        sa.Column("minutes", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="verification_schedule_pkey"),
    )
    op.create_index("verification_schedule_subject", "verification_schedule", ["kind", "subject_id"], unique=True)
    op.create_index("verification_schedule_next", "verification_schedule", ["next_at", "id"])
    op.create_index("verification_schedule_tenant", "verification_schedule", ["tenant_id", "created_at", "id"])
    op.create_index("verification_schedule_created", "verification_schedule", ["created_at", "id"])
