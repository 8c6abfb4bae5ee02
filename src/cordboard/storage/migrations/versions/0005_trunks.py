"""Trunks with options, of a tenant or of everybody, that carry many numbers; and numbers that have none.

A platform-owned number's trunk is the system's from here on: its tenant sees it and does not change it.
"""

import sqlalchemy as sa
from alembic import op

from cordboard.storage.migrations.types import TEXT

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    for name in ("options", "inbound_username", "inbound_password", "number_id", "provider_id"):
        op.add_column("trunk", sa.Column(name, TEXT))
    op.add_column("gateway", sa.Column("name", TEXT))
    for name in ("priority", "weight"):
        op.add_column("gateway", sa.Column(name, sa.Integer))
    for table in ("trunk", "number"):
        op.add_column(table, sa.Column("updated_at", TEXT, nullable=False, server_default=sa.text("''")))
        op.execute(f"update {table} set updated_at = created_at")
    everybodys = sa.text("system = 1 and tenant_id is null")
    op.create_index("trunk_system", "trunk", ["created_at", "id"], sqlite_where=everybodys, postgresql_where=everybodys)
    op.execute("update trunk set number_id = (select id from number where number.trunk_id = trunk.id)")
    platforms = "select 1 from number n where n.trunk_id = trunk.id and n.provider = 'netelip'"
    op.execute(f"update trunk set system = 1 where tenant_id is not null and exists ({platforms})")
    _let_numbers_have_no_trunk()


def _let_numbers_have_no_trunk() -> None:
    """SQLite makes the table anew; of indexes that would do as well it takes the one made last, so their order stays."""
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("number", "trunk_id", nullable=True, existing_type=TEXT)
        return
    made = "select name, sql from sqlite_master where type = 'index' and tbl_name = 'number' and sql is not null"
    indexes = op.get_bind().execute(sa.text(f"{made} order by rowid")).all()
    with op.batch_alter_table("number") as batch:
        batch.alter_column("trunk_id", nullable=True, existing_type=TEXT)
    for name, sql in indexes:
        op.drop_index(name, "number")
        op.execute(sql)
