"""Names are found among all tenants' too; a number's own trunk is found by the number alone."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    for table, column in (("agent", "name"), ("account", "caller_name")):
        op.create_index(f"{table}_search_of_all", table, [sa.text(f"lower({column})")])
    name, shared = sa.text("lower(name)"), sa.text("number_id is null")
    op.drop_index("trunk_search", "trunk")
    op.create_index("trunk_search", "trunk", ["tenant_id", name], sqlite_where=shared, postgresql_where=shared)
    op.create_index("trunk_search_of_all", "trunk", [name], sqlite_where=shared, postgresql_where=shared)
