"""The log of changes is read by tenant and by object, newest first, and by one name for its order on both stores."""

from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    postgres = op.get_bind().dialect.name == "postgresql"
    behind = ["seq"] if postgres else []  # SQLite has the row's number, which is the revision, in each index
    op.create_index("change_tenant", "change", ["tenant_id", *behind])
    op.create_index("change_object", "change", ["object_id", *behind])
    seq = "seq" if postgres else "revision as seq"
    op.execute(f"create view audit as select {seq}, tenant_id, kind, object_id, actor, action, fields, at from change")
