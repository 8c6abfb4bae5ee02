"""Tenants, keys, agents, trunks, numbers and the log of changes."""

import uuid

import sqlalchemy as sa
from alembic import op

from cordboard.storage.migrations.types import TEXT

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "installation",
        sa.Column(
            "id",
            sa.Integer,
            sa.CheckConstraint("id = 1", name="one_row"),
            nullable=False,
            autoincrement=False,
        ),
        sa.Column("epoch", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="installation_pkey"),
    )
    op.create_table(
        "tenant",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("reference", TEXT),
        sa.Column("listed_numbers", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("created_at", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="tenant_pkey"),
        sa.UniqueConstraint("reference", name="tenant_reference_key"),
    )
    op.create_index("tenant_name", "tenant", ["name"])
    op.create_table(
        "api_key",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("tenant_id", TEXT, sa.ForeignKey("tenant.id", name="api_key_tenant_id_fkey"), nullable=False),
        sa.Column("name", TEXT),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("last_four", TEXT, nullable=False),
        sa.Column("permissions", TEXT),
        sa.Column("created_at", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="api_key_pkey"),
        sa.UniqueConstraint("digest", name="api_key_digest_key"),
    )
    op.create_index("api_key_tenant", "api_key", ["tenant_id", "created_at", "id"])
    op.create_table(
        "agent",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("tenant_id", TEXT, sa.ForeignKey("tenant.id", name="agent_tenant_id_fkey"), nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("published_version_id", TEXT),
        sa.Column("created_at", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="agent_pkey"),
    )
    op.create_index("agent_tenant", "agent", ["tenant_id", "created_at", "id"])
    op.create_table(
        "agent_version",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("agent_id", TEXT, sa.ForeignKey("agent.id", name="agent_version_agent_id_fkey"), nullable=False),
        sa.Column("tenant_id", TEXT, sa.ForeignKey("tenant.id", name="agent_version_tenant_id_fkey"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("name", TEXT),
        sa.Column("draft", sa.Integer, nullable=False),
        sa.Column("sip_uri", TEXT, nullable=False),
        sa.Column("from_addresses", TEXT, nullable=False),
        sa.Column("created_at", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="agent_version_pkey"),
        sa.UniqueConstraint("agent_id", "number", name="agent_version_agent_id_number_key"),
    )
    op.create_table(
        "trunk",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("tenant_id", TEXT, sa.ForeignKey("tenant.id", name="trunk_tenant_id_fkey")),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("system", sa.Integer, nullable=False),
        sa.Column("username", TEXT),
        sa.Column("password", TEXT),
        sa.Column("allowed", TEXT),
        sa.Column("media_in", TEXT, nullable=False),
        sa.Column("media_out", TEXT, nullable=False),
        sa.Column("created_at", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="trunk_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_index("trunk_tenant", "trunk", ["tenant_id", "created_at", "id"])
    op.create_table(
        "gateway",
        sa.Column(
            "trunk_id",
            TEXT,
            sa.ForeignKey("trunk.id", name="gateway_trunk_id_fkey", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("position", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("host", TEXT, nullable=False),
        sa.Column("port", sa.Integer),
        sa.PrimaryKeyConstraint("trunk_id", "position", name="gateway_pkey"),
        sqlite_with_rowid=False,
    )
    _number()
    _change()
    installation = sa.table("installation", sa.column("id"), sa.column("epoch"))
    op.bulk_insert(installation, [{"id": 1, "epoch": str(uuid.uuid4())}])


def _number() -> None:
    op.create_table(
        "number",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("tenant_id", TEXT, sa.ForeignKey("tenant.id", name="number_tenant_id_fkey")),
        sa.Column("number", TEXT, nullable=False),
        sa.Column("provider", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("nickname", TEXT),
        sa.Column("trunk_id", TEXT, sa.ForeignKey("trunk.id", name="number_trunk_id_fkey"), nullable=False),
        sa.Column("inbound_agent_id", TEXT, sa.ForeignKey("agent.id", name="number_inbound_agent_id_fkey")),
        sa.Column("outbound_agent_id", TEXT, sa.ForeignKey("agent.id", name="number_outbound_agent_id_fkey")),
        sa.Column("region_codes", TEXT, nullable=False),
        sa.Column("created_at", TEXT, nullable=False),
        sa.Column("assigned_at", TEXT),
        sa.Column("released_at", TEXT),
        sa.Column("scheduled_release_at", TEXT),
        sa.Column("reservation_expires_at", TEXT),
        sa.PrimaryKeyConstraint("id", name="number_pkey"),
    )
    live = sa.text("status <> 'finished'")
    _partial("number_owner", ["number"], live, unique=True)
    _partial("number_listed", ["tenant_id", "created_at", "id"], live)
    op.create_index("number_status", "number", ["tenant_id", "status", "created_at", "id"])
    op.create_index("number_inbound", "number", ["inbound_agent_id", "tenant_id", "created_at", "id"])
    op.create_index("number_outbound", "number", ["outbound_agent_id", "tenant_id", "created_at", "id"])
    op.create_index("number_assigned", "number", ["tenant_id", "assigned_at"])
    op.create_index("number_trunk", "number", ["trunk_id"])
    for column, status in (("scheduled_release_at", "assigned"), ("reservation_expires_at", "reserved")):
        _partial(f"number_{column}", [column], sa.text(f"status = '{status}' and {column} is not null"))
    _partial("number_quarantine", ["released_at"], sa.text("status = 'released'"))


def _partial(name: str, columns: list[str], where: sa.TextClause, *, unique: bool = False) -> None:
    op.create_index(name, "number", columns, unique=unique, sqlite_where=where, postgresql_where=where)


def _change() -> None:
    if op.get_bind().dialect.name == "postgresql":
        key = [
            sa.Column("seq", sa.BigInteger, sa.Identity(always=True), nullable=False),
            sa.Column(
                "revision",
                sa.BigInteger,
                nullable=False,
                server_default=sa.text("((pg_current_xact_id())::text)::bigint"),
            ),
        ]
        primary = "seq"
    else:
        key = [sa.Column("revision", sa.Integer, nullable=False)]
        primary = "revision"
    op.create_table(
        "change",
        *key,
        sa.Column("tenant_id", TEXT, sa.ForeignKey("tenant.id", name="change_tenant_id_fkey")),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("object_id", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("fields", TEXT, nullable=False),
        sa.Column("at", TEXT, nullable=False),
        sa.PrimaryKeyConstraint(primary, name="change_pkey"),
        sqlite_autoincrement=True,
    )
    if primary == "seq":
        op.create_index("change_revision", "change", ["revision"])
