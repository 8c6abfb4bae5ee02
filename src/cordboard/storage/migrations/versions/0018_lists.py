"""Numbers are listed by their trunk, and by how they begin."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.drop_index("number_trunk", "number")
    op.create_index("number_trunk", "number", ["trunk_id", "tenant_id", "created_at", "id"])
    live = sa.text("status <> 'finished'")
    op.create_index("number_named", "number", ["tenant_id", "number"], sqlite_where=live, postgresql_where=live)
