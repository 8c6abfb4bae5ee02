"""Outbound calls: how an agent is known and answered, what it is sent, and how gateways are reached.

Until now the addresses that an agent calls from had no effect. From here on those of a published version without a login
say who calls, so no two tenants may have the same: where published versions have, they lose them all, and the change
log says so.
"""

import json
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from cordboard.domain.addresses import Network, bounds, collapse, parse_network
from cordboard.domain.times import to_wire
from cordboard.storage.migrations.types import TEXT

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for column in (
        sa.Column("encryption", TEXT, nullable=False, server_default="disable"),
        sa.Column("from_username", TEXT),
        sa.Column("from_password", TEXT),
        sa.Column("to_username", TEXT),
        sa.Column("to_password", TEXT),
        sa.Column("tls_verify", sa.Integer, nullable=False, server_default=sa.text("1")),
        sa.Column("headers", TEXT, nullable=False, server_default="[]"),
        sa.Column("codecs", TEXT, nullable=False, server_default="[]"),
    ):
        op.add_column("agent_version", column)
    op.add_column("gateway", sa.Column("transport", TEXT))
    for name in ("tls_verify", "probe"):
        op.add_column("trunk", sa.Column(name, sa.Integer, nullable=False, server_default=sa.text("1")))
    op.create_table(
        "agent_login",
        sa.Column("username", TEXT, nullable=False),
        sa.Column("agent_id", TEXT, sa.ForeignKey("agent.id", name="agent_login_agent_id_fkey"), nullable=False),
        sa.PrimaryKeyConstraint("username", name="agent_login_pkey"),
        sqlite_with_rowid=False,
    )
    version = sa.ForeignKey("agent_version.id", name="agent_source_version_id_fkey")
    tenant = sa.ForeignKey("tenant.id", name="agent_source_tenant_id_fkey")
    op.create_table(
        "agent_source",
        sa.Column("version_id", TEXT, version, nullable=False),
        sa.Column("network", TEXT, nullable=False),
        sa.Column("tenant_id", TEXT, tenant, nullable=False),
        sa.Column("first", TEXT, nullable=False),
        sa.Column("last", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("version_id", "network", name="agent_source_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_index("agent_source_network", "agent_source", ["network", "tenant_id"])
    op.create_index("agent_source_first", "agent_source", ["first", "tenant_id"])
    _fill_sources()


def _fill_sources() -> None:
    published = op.get_bind().execute(
        sa.text(
            "select v.id, v.tenant_id, v.from_addresses from agent a "
            "join agent_version v on v.id = a.published_version_id where v.from_addresses <> '[]'"
        )
    )
    given = {row.id: (row.tenant_id, row.from_addresses) for row in published}
    sources = [
        (parse_network(text), version, tenant)
        for version, (tenant, addresses) in given.items()
        for text in collapse(json.loads(addresses))
    ]
    shared = _shared(sources)
    for version in sorted(shared):
        _forget_addresses(version, *given[version])
    rows = []
    for network, version, tenant in sources:
        if version not in shared:
            first, last = bounds(network)
            rows.append(
                {"version_id": version, "network": str(network), "tenant_id": tenant, "first": first, "last": last}
            )
    names = ("version_id", "network", "tenant_id", "first", "last")
    if rows:
        op.bulk_insert(sa.table("agent_source", *(sa.column(name, TEXT) for name in names)), rows)


def _shared(sources: list[tuple[Network, str, str]]) -> set[str]:
    """The versions with a network that overlaps one of another tenant's.

    Networks lie inside one another or apart. In order of their beginning, the wider first, a network overlaps those
    before it that have not ended yet.
    """
    found: set[str] = set()
    around: list[tuple[str, str, str]] = []
    for network, version, tenant in sorted(sources, key=lambda source: (bounds(source[0])[0], source[0].prefixlen)):
        first, last = bounds(network)
        around = [outer for outer in around if outer[0] >= first]
        others = [outer[1] for outer in around if outer[2] != tenant]
        if others:
            found |= {version, *others}
        around.append((last, version, tenant))
    return found


def _forget_addresses(version: str, tenant: str, addresses: str) -> None:
    bind = op.get_bind()
    bind.execute(sa.text("update agent_version set from_addresses = '[]' where id = :id"), {"id": version})
    bind.execute(
        sa.text(
            "insert into change (tenant_id, kind, object_id, actor, action, fields, at) "
            "values (:tenant, 'version', :id, 'migration', 'update', :fields, :at)"
        ),
        {
            "tenant": tenant,
            "id": version,
            "fields": json.dumps({"from_addresses": [json.loads(addresses), []]}),
            "at": to_wire(datetime.now(UTC)),
        },
    )
