"""Lists of one tenant by a number or an address step over no rows of others."""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    for name, table, columns in (
        ("call_number", "call", ["number", "started_at", "id", "tenant_id"]),
        ("refusal_called", "refusal", ["called", "at", "id", "tenant_id"]),
        ("refusal_address", "refusal", ["address", "at", "id", "tenant_id"]),
    ):
        op.drop_index(name, table)
        op.create_index(name, table, columns)
