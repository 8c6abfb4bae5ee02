"""What people call trunks, agents, accounts and tenants is found by how it begins."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    for table, column in (("trunk", "name"), ("agent", "name"), ("account", "caller_name")):
        op.create_index(f"{table}_search", table, ["tenant_id", sa.text(f"lower({column})")])
    op.create_index("account_username", "account", ["tenant_id", "username"])
    op.create_index("tenant_search", "tenant", [sa.text("lower(name)")])
    op.create_index("tenant_search_of_operator", "tenant", ["operator_id", sa.text("lower(name)")])
