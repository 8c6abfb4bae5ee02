"""Refusals with all that the decision has looked at, and found by their Call-ID."""

import sqlalchemy as sa
from alembic import op

from cordboard.storage.migrations.types import TEXT

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    for name in ("offered", "host", "caller_host", "to_uri", "party", "login"):
        op.add_column("refusal", sa.Column(name, TEXT, nullable=False, server_default=sa.text("''")))
    op.create_index("refusal_call_id", "refusal", ["call_id", "at", "id"])
