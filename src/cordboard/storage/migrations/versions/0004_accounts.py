"""SIP accounts, and operators who see their own customers.

A tenant's reference was unique in the installation; it is unique among its operator's customers from here on. The
usernames of agents move to where those of accounts stand, too, so that nobody has another's.
"""

import sqlalchemy as sa
from alembic import op

from cordboard.storage.migrations.types import TEXT

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    _operator()
    _tenant()
    _login()
    _account()
    # what was done to a tenant is told when it is gone
    with op.batch_alter_table("change", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.drop_constraint("change_tenant_id_fkey", type_="foreignkey")
    for name in ("agent_version", "agent_source"):
        op.create_index(f"{name}_tenant", name, ["tenant_id"])
    op.add_column("number", sa.Column("account_id", TEXT))
    given = sa.text("account_id is not null")
    op.create_index("number_account", "number", ["account_id"], sqlite_where=given, postgresql_where=given)


def _operator() -> None:
    op.create_table(
        "operator",
        *(sa.Column(name, TEXT, nullable=False) for name in ("id", "name", "password", "created_at")),
        *(_counter(name) for name in ("customers", "accounts", "last_reference")),
        sa.PrimaryKeyConstraint("id", name="operator_pkey"),
        sa.UniqueConstraint("name", name="operator_name_key"),
    )


def _tenant() -> None:
    for column in (
        sa.Column("operator_id", TEXT),
        sa.Column("language", TEXT, nullable=False, server_default="EN"),
        sa.Column("capacity_limit", sa.BigInteger),
        sa.Column("account_limit", sa.BigInteger),
        sa.Column("termination", TEXT, nullable=False, server_default="operator"),
        _counter("accounts"),
    ):
        op.add_column("tenant", column)
    with op.batch_alter_table("tenant") as table:
        table.drop_constraint("tenant_reference_key", type_="unique")
    op.create_index("tenant_reference", "tenant", ["reference", "operator_id"], unique=True)
    alone = sa.text("operator_id is null")
    op.create_index(
        "tenant_own_reference", "tenant", ["reference"], unique=True, sqlite_where=alone, postgresql_where=alone
    )
    for name in ("name", "language", "capacity_limit", "account_limit", "termination"):
        _listed("tenant", name, "reference")
    op.create_index("tenant_operator", "tenant", ["operator_id", "reference"])


def _login() -> None:
    op.create_table(
        "login",
        sa.Column("username", TEXT, nullable=False),
        sa.Column("owner_id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("username", name="login_pkey"),
        sqlite_with_rowid=False,
    )
    op.execute("insert into login (username, owner_id) select username, agent_id from agent_login")
    op.drop_table("agent_login")


def _account() -> None:
    op.create_table(
        "account",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("tenant_id", TEXT, sa.ForeignKey("tenant.id", name="account_tenant_id_fkey"), nullable=False),
        sa.Column("operator_id", TEXT),
        sa.Column("username", TEXT, nullable=False),
        sa.Column("password", TEXT, nullable=False),
        sa.Column("caller_name", TEXT),
        sa.Column("extension", sa.BigInteger),
        sa.Column("external_number", sa.BigInteger),
        *(_counter(name) for name in ("may_call_outside", "restricted")),
        sa.Column("allowed", TEXT),
        *(_counter(name) for name in _RECORDING),
        sa.Column("created_at", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="account_pkey"),
        sa.UniqueConstraint("username", name="account_username_key"),
        sa.UniqueConstraint("tenant_id", "extension", name="account_tenant_id_extension_key"),
    )
    op.create_index("account_tenant", "account", ["tenant_id", "created_at", "id"])
    op.create_index("account_operator", "account", ["operator_id", "id"])
    for name in (
        *("username", "caller_name", "extension", "external_number", "may_call_outside", "restricted"),
        *_RECORDING,
    ):
        _listed("account", name, "id")
    _listed("account", "allowed", "id", length=64)
    filters = ["operator_id", "tenant_id", "may_call_outside", "caller_name", "extension", "external_number"]
    op.create_index("account_filtered", "account", [*filters, "username", "id"])


_RECORDING = (
    *("record_incoming_internal", "record_incoming_external", "record_outgoing_internal", "record_outgoing_external"),
    "record_on_demand",
)


def _counter(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default=sa.text("0"))


def _listed(table: str, column: str, key: str, *, length: int | None = None) -> None:
    """What an operator's list is sorted by; null goes first on both stores."""
    sorted_by = column if length is None else f"substr({column}, 1, {length})"
    first = f"{sorted_by} NULLS FIRST" if op.get_bind().dialect.name == "postgresql" else sorted_by
    columns = ["operator_id", column if first == column else sa.text(first), key]
    op.create_index(f"{table}_by_{column}", table, columns)
