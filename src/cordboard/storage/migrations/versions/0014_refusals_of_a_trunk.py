"""Refusals are found by the trunk whose number was called."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_index("refusal_trunk", "refusal", ["trunk_id", "at", "id"])
