"""Calls, their SIP messages, refusals, and how far each edge's events have been read."""

import sqlalchemy as sa
from alembic import op

from cordboard.storage.migrations.types import TEXT

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    names = ("edge", "tenant_id", "direction", "number", "number_id", "trunk_id", "agent_id", "version_id")
    texts = ("caller", "called", "call_id", "user_agent", "source", "offered", "verstat", "state", "started_at")
    op.create_table(
        "call",
        *(_text(name) for name in ("id", *names, *texts)),
        sa.Column("answered_at", TEXT),
        sa.Column("ended_at", TEXT),
        sa.Column("code", sa.Integer),
        sa.Column("reason", TEXT),
        sa.PrimaryKeyConstraint("id", name="call_pkey"),
    )
    for index, column in (("tenant", "tenant_id"), ("number", "number"), ("call_id", "call_id")):
        op.create_index(f"call_{index}", "call", [column, "started_at", "id"])
    op.create_index("call_started", "call", ["started_at", "id"])
    standing = sa.text("ended_at IS NULL")
    op.create_index("call_open", "call", ["started_at", "id"], sqlite_where=standing, postgresql_where=standing)
    op.create_table(
        "call_message",
        _text("call_id"),
        sa.Column("event", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("line", sa.Integer, nullable=False, autoincrement=False),
        _text("at"),
        _text("method"),
        sa.Column("status", sa.Integer),
        *(_text(name) for name in ("phrase", "cseq", "branch", "source", "destination")),
        sa.PrimaryKeyConstraint("call_id", "event", "line", name="call_message_pkey"),
        sqlite_with_rowid=False,
    )
    _refusal()
    counters = ("position", "lost_calls", "lost_messages", "lost_refusals", "banned")
    op.create_table(
        "event_file",
        _text("file"),
        *(sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0")) for name in counters),
        sa.PrimaryKeyConstraint("file", name="event_file_pkey"),
        sqlite_with_rowid=False,
    )


def _refusal() -> None:
    texts = ("reason", "number", "number_id", "tenant_id", "trunk_id", "address", "source")
    op.create_table(
        "refusal",
        *(_text(name) for name in ("id", "at", "direction")),
        sa.Column("code", sa.Integer, nullable=False),
        *(_text(name) for name in (*texts, "called", "caller", "call_id", "user_agent")),
        sa.PrimaryKeyConstraint("id", name="refusal_pkey"),
    )
    for index, column in (("tenant", "tenant_id"), ("called", "called"), ("address", "address")):
        op.create_index(f"refusal_{index}", "refusal", [column, "at", "id"])
    op.create_index("refusal_at", "refusal", ["at", "id"])


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, TEXT, nullable=False)
