"""What became of registrations: of accounts at the edge, and of the edge at carriers."""

import sqlalchemy as sa
from alembic import op

from cordboard.storage.migrations.types import TEXT

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_table(
        "registration",
        *map(_text, ("id", "at", "what", "tenant_id", "account_id", "trunk_id", "username", "reason")),
        sa.Column("code", sa.Integer),
        *map(_text, ("place", "contact", "user_agent")),
        sa.Column("bindings", sa.Integer),
        sa.PrimaryKeyConstraint("id", name="registration_pkey"),
    )
    op.create_index("registration_at", "registration", ["at", "id"])
    op.create_index("registration_tenant", "registration", ["tenant_id", "at", "id"])
    for name in ("account_id", "trunk_id", "username"):
        op.create_index(f"registration_{name}", "registration", [name, "at", "id", "tenant_id"])


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, TEXT, nullable=False)
