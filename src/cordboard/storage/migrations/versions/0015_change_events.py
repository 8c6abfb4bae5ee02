"""Changes are told of as events, from now on: what was changed before is in the log of changes alone."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        newest = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
    else:
        newest = "(select coalesce(max(revision), 0) + 1 from change)"
    op.execute(sa.text(f"insert into follower (name, mark) values ('changes', {newest})"))
