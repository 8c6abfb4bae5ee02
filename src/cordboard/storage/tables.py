"""The schema, on both stores. Imported by the migrations and by their test alone: statements are SQL text beside
their noun.

Every column is text or integer. Ids are UUIDs as text, instants are 27-character UTC text that sorts as time does,
lists are JSON text, booleans 0 and 1.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    UniqueConstraint,
    event,
    func,
    text,
)
from sqlalchemy.schema import Identity

from cordboard.storage.migrations.types import TEXT

NAMES = {
    "ix": "%(table_name)s_%(column_0_N_name)s",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}


def metadata(dialect: str) -> MetaData:
    """The tables on `sqlite` or `postgresql`. They differ in one: how a change gets its revision."""
    meta = MetaData(naming_convention=NAMES)
    _installation(meta)
    _operator(meta)
    _tenant(meta, dialect)
    _api_key(meta)
    _agent(meta)
    _login(meta)
    _trunk(meta)
    _number(meta)
    _account(meta, dialect)
    _number_import(meta)
    _provider_claim(meta)
    _change(meta, dialect)
    _idempotency(meta)
    _session(meta)
    _edge(meta)
    _calls(meta)
    _events(meta, dialect)
    _verification(meta)
    _verification_schedule(meta)
    _webhooks(meta)
    _gateway(meta)
    _figures(meta)
    return meta


def _id() -> Column[str]:
    return Column("id", TEXT, primary_key=True)


def _tenant_id(*, nullable: bool = False) -> Column[str]:
    return Column("tenant_id", TEXT, ForeignKey("tenant.id"), nullable=nullable)


def _text(name: str, *, null: bool = False, default: str | None = None) -> Column[str]:
    return Column(name, TEXT, nullable=null, server_default=default)


def _flag(name: str, *, default: bool) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=text(str(int(default))))


def _installation(meta: MetaData) -> None:
    #: One row. A copy or restored backup gets a new epoch, by which every engine knows to start afresh.
    Table(
        "installation",
        meta,
        Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False),
        _text("epoch"),
    )


def _counter(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=text("0"))


def _listed(table: Table, column: str, key: str, dialect: str, *, length: int | None = None) -> None:
    """What an operator's list is sorted by; null goes first on both stores."""
    sorted_by = table.c[column] if length is None else func.substr(table.c[column], text("1"), text(str(length)))
    first = sorted_by.nulls_first() if dialect == "postgresql" else sorted_by
    Index(f"{table.name}_by_{column}", table.c.operator_id, first, table.c[key])


def _operator(meta: MetaData) -> None:
    Table(
        "operator",
        meta,
        _id(),
        Column("name", TEXT, nullable=False, unique=True),
        #: argon2id, in PHC form.
        _text("password"),
        _text("created_at"),
        #: What it has, kept by counter, and the last reference that was made for a customer of its.
        *map(_counter, ("customers", "accounts", "last_reference")),
    )


def _tenant(meta: MetaData, dialect: str) -> None:
    table = Table(
        "tenant",
        meta,
        _id(),
        _text("name"),
        _text("reference", null=True),
        #: Numbers that lists show without a filter, kept by counter since COUNT(*) grows with the table.
        _counter("listed_numbers"),
        _text("created_at"),
        _text("operator_id", null=True),
        _text("language", default="EN"),
        Column("capacity_limit", BigInteger),
        Column("account_limit", BigInteger),
        _text("termination", default="operator"),
        _counter("accounts"),
        Index("tenant_name", "name"),
        Index("tenant_reference", "reference", "operator_id", unique=True),
        Index("tenant_operator", "operator_id", "reference"),
        Index("tenant_operator_id", "operator_id", "id"),
    )
    Index("tenant_search", func.lower(table.c.name))
    Index("tenant_search_of_operator", table.c.operator_id, func.lower(table.c.name))
    alone = text("operator_id is null")
    Index("tenant_own_reference", table.c.reference, unique=True, sqlite_where=alone, postgresql_where=alone)
    for name in ("name", "language", "capacity_limit", "account_limit", "termination"):
        _listed(table, name, "reference", dialect)


#: Columns of account, one for each domain.accounts.Recording.
RECORDING = (
    *("record_incoming_internal", "record_incoming_external", "record_outgoing_internal", "record_outgoing_external"),
    "record_on_demand",
)


def _account(meta: MetaData, dialect: str) -> None:
    table = Table(
        "account",
        meta,
        _id(),
        _tenant_id(),
        #: The tenant's, which never changes: lists are an operator's.
        _text("operator_id", null=True),
        Column("username", TEXT, nullable=False, unique=True),
        #: Sealed with the key ring; the account's id is associated data.
        _text("password"),
        _text("caller_name", null=True),
        Column("extension", BigInteger),
        Column("external_number", BigInteger),
        *map(_counter, ("may_call_outside", "restricted")),
        #: Networks with commas between.
        _text("allowed", null=True),
        *map(_counter, RECORDING),
        _text("created_at"),
        UniqueConstraint("tenant_id", "extension"),
        Index("account_tenant", "tenant_id", "created_at", "id"),
        Index("account_operator", "operator_id", "id"),
        Index("account_username", "tenant_id", "username"),
    )
    Index("account_search", table.c.tenant_id, func.lower(table.c.caller_name))
    Index("account_search_of_all", func.lower(table.c.caller_name))
    for name in (
        *("username", "caller_name", "extension", "external_number", "may_call_outside", "restricted"),
        *RECORDING,
    ):
        _listed(table, name, "id", dialect)
    _listed(table, "allowed", "id", dialect, length=64)
    #: All that lists are filtered by, so that a count looks at no row.
    filters = ("operator_id", "tenant_id", "may_call_outside", "caller_name", "extension", "external_number")
    Index("account_filtered", *(table.c[name] for name in (*filters, "username", "id")))


def _api_key(meta: MetaData) -> None:
    Table(
        "api_key",
        meta,
        _id(),
        _tenant_id(),
        _text("name", null=True),
        Column("digest", TEXT, nullable=False, unique=True),
        _text("last_four"),
        _text("permissions", null=True),
        _text("created_at"),
        Index("api_key_tenant", "tenant_id", "created_at", "id"),
    )


def _agent(meta: MetaData) -> None:
    table = Table(
        "agent",
        meta,
        _id(),
        _tenant_id(),
        _text("name"),
        _text("published_version_id", null=True),
        _text("created_at"),
        Index("agent_tenant", "tenant_id", "created_at", "id"),
        Index("agent_name", "tenant_id", "name"),
    )
    Index("agent_search", table.c.tenant_id, func.lower(table.c.name))
    Index("agent_search_of_all", func.lower(table.c.name))
    Table(
        "agent_version",
        meta,
        _id(),
        Column("agent_id", TEXT, ForeignKey("agent.id"), nullable=False),
        _tenant_id(),
        Column("number", Integer, nullable=False),
        _text("name", null=True),
        Column("draft", Integer, nullable=False),
        _text("sip_uri"),
        _text("from_addresses"),
        _text("created_at"),
        _text("encryption", default="disable"),
        _text("from_username", null=True),
        #: Both passwords are sealed with the key ring; the version's id is associated data.
        _text("from_password", null=True),
        _text("to_username", null=True),
        _text("to_password", null=True),
        _flag("tls_verify", default=True),
        #: JSON list of [name, value].
        _text("headers", default="[]"),
        _text("codecs", default="[]"),
        UniqueConstraint("agent_id", "number"),
        #: For the deletion of a tenant.
        Index("agent_version_tenant", "tenant_id"),
    )
    #: By what address alone an agent is known: the collapsed networks of published versions without a login.
    Table(
        "agent_source",
        meta,
        Column("version_id", TEXT, ForeignKey("agent_version.id"), primary_key=True),
        Column("network", TEXT, primary_key=True),
        _tenant_id(),
        #: The network's first and last address, in a form that sorts: `addresses.bounds`.
        _text("first"),
        _text("last"),
        #: The tenant last, so that a search for others' networks steps over the tenant's own.
        Index("agent_source_network", "network", "tenant_id"),
        Index("agent_source_first", "first", "tenant_id"),
        Index("agent_source_tenant", "tenant_id"),
        sqlite_with_rowid=False,
    )


def _login(meta: MetaData) -> None:
    #: Whose a digest username is: one agent's in all of its versions, or one account's, in the whole installation.
    Table(
        "login",
        meta,
        Column("username", TEXT, primary_key=True),
        _text("owner_id"),
        sqlite_with_rowid=False,
    )


def _trunk(meta: MetaData) -> None:
    everybodys = text("system = 1 and tenant_id is null")
    table = Table(
        "trunk",
        meta,
        _id(),
        _tenant_id(nullable=True),
        _text("name"),
        Column("system", Integer, nullable=False),
        _text("username", null=True),
        #: Sealed with the key ring; the trunk's id is associated data.
        _text("password", null=True),
        _text("allowed", null=True),
        _text("media_in"),
        _text("media_out"),
        _text("created_at"),
        _flag("tls_verify", default=True),
        _flag("probe", default=True),
        #: trunk_options.TrunkOptions as JSON, without what is as it is by default; null if all is.
        _text("options", null=True),
        _text("inbound_username", null=True),
        #: Sealed; the trunk's id with `:in` behind it is associated data.
        _text("inbound_password", null=True),
        #: Of the number that it was imported with.
        _text("number_id", null=True),
        #: What a LiveKit server calls it.
        _text("provider_id", null=True),
        Column("updated_at", TEXT, nullable=False, server_default=text("''")),
        Index("trunk_tenant", "tenant_id", "created_at", "id"),
        Index("trunk_name", "tenant_id", "name"),
        Index("trunk_system", "created_at", "id", sqlite_where=everybodys, postgresql_where=everybodys),
        sqlite_with_rowid=False,  # each shown number looks its trunk and gateway up: one tree to search, not two
    )
    name, shared = func.lower(table.c.name), text("number_id is null")
    Index("trunk_search", table.c.tenant_id, name, sqlite_where=shared, postgresql_where=shared)
    Index("trunk_search_of_all", name, sqlite_where=shared, postgresql_where=shared)
    Table(
        "gateway",
        meta,
        Column("trunk_id", TEXT, ForeignKey("trunk.id", ondelete="CASCADE"), primary_key=True),
        Column("position", Integer, primary_key=True, autoincrement=False),
        _text("host"),
        Column("port", Integer),
        #: udp, tcp or tls; null is what DNS says, or else UDP.
        _text("transport", null=True),
        _text("name", null=True),
        Column("priority", Integer),
        Column("weight", Integer),
        sqlite_with_rowid=False,
    )


def _number(meta: MetaData) -> None:
    live = text("status <> 'finished'")
    table = Table(
        "number",
        meta,
        _id(),
        _tenant_id(nullable=True),
        _text("number"),
        _text("provider"),
        _text("status"),
        _text("nickname", null=True),
        #: Null once its trunk was deleted.
        Column("trunk_id", TEXT, ForeignKey("trunk.id")),
        Column("inbound_agent_id", TEXT, ForeignKey("agent.id")),
        Column("outbound_agent_id", TEXT, ForeignKey("agent.id")),
        _text("region_codes"),
        _text("created_at"),
        _text("assigned_at", null=True),
        _text("released_at", null=True),
        _text("scheduled_release_at", null=True),
        _text("reservation_expires_at", null=True),
        #: The account that takes inbound calls, before an agent.
        _text("account_id", null=True),
        Column("updated_at", TEXT, nullable=False, server_default=text("''")),
    )
    given = text("account_id is not null")
    Index("number_account", table.c.account_id, sqlite_where=given, postgresql_where=given)
    #: One owner per number across all tenants, until it is finished.
    Index("number_owner", table.c.number, unique=True, sqlite_where=live, postgresql_where=live)
    Index(
        "number_listed",
        table.c.tenant_id,
        table.c.created_at,
        table.c.id,
        sqlite_where=live,
        postgresql_where=live,
    )
    Index("number_status", table.c.tenant_id, table.c.status, table.c.created_at, table.c.id)
    #: The tenant follows the agent: without it SQLite reads all of the tenant's numbers to find those of one agent.
    Index("number_inbound", table.c.inbound_agent_id, table.c.tenant_id, table.c.created_at, table.c.id)
    Index("number_outbound", table.c.outbound_agent_id, table.c.tenant_id, table.c.created_at, table.c.id)
    Index("number_assigned", table.c.tenant_id, table.c.assigned_at)
    Index("number_trunk", table.c.trunk_id, table.c.tenant_id, table.c.created_at, table.c.id)
    #: For lists by how numbers begin.
    Index("number_named", table.c.tenant_id, table.c.number, sqlite_where=live, postgresql_where=live)
    #: Only those that time still has to move: numbers past it would be read at every look of the clockwork.
    for column, status in (("scheduled_release_at", "assigned"), ("reservation_expires_at", "reserved")):
        waiting = text(f"status = '{status}' and {column} is not null")
        Index(f"number_{column}", table.c[column], sqlite_where=waiting, postgresql_where=waiting)
    released = text("status = 'released'")
    Index("number_quarantine", table.c.released_at, sqlite_where=released, postgresql_where=released)


def _number_import(meta: MetaData) -> None:
    Table(
        "number_import",
        meta,
        _id(),
        _tenant_id(),
        _text("created_at"),
        #: By which it is found when it is begun again.
        _text("source", null=True),
        *map(_text, ("format", "on_conflict")),
        Column("dry_run", Integer, nullable=False),
        #: Of rows that name none; ids or names.
        *(_text(name, null=True) for name in ("trunk", "inbound_agent", "outbound_agent")),
        #: Rows that are done with, then how many of them had each domain.imports.Outcome.
        Column("position", Integer, nullable=False),
        *(Column(name, Integer, nullable=False) for name in ("imported", "updated", "unchanged", "skipped", "failed")),
        _text("finished_at", null=True),
        Index("number_import_tenant", "tenant_id", "created_at", "id"),
        Index("number_import_begun", "created_at"),
        sqlite_with_rowid=False,
    )
    table = Table(
        "number_import_row",
        meta,
        Column("import_id", TEXT, primary_key=True),
        #: From 0.
        Column("place", Integer, primary_key=True, autoincrement=False),
        _text("number", null=True),
        _text("outcome"),
        _text("number_id", null=True),
        #: JSON list of [column, detail, remedy].
        _text("problems", null=True),
        #: By which a number that stands twice in one import is found.
        Index("number_import_row_number", "number"),
        sqlite_with_rowid=False,
    )
    failed = text("outcome = 'failed'")
    Index("number_import_row_failed", table.c.import_id, table.c.place, sqlite_where=failed, postgresql_where=failed)


def _provider_claim(meta: MetaData) -> None:
    #: What is being changed at LiveKit, from before it is touched until the change is stored.
    Table(
        "provider_claim",
        meta,
        Column("object", TEXT, primary_key=True),
        #: The process that changes it; '' if that gave up, and something may be left there.
        _text("holder"),
        _text("claimed_at"),
        sqlite_with_rowid=False,
    )


def _change(meta: MetaData, dialect: str) -> None:
    """The audit log, whose revisions the engines follow.

    On SQLite, with one writer, the row's own number is the revision. On PostgreSQL it is the transaction's id, since
    a sequence read as `> last` misses a transaction that commits late; several rows may then share a revision.
    """
    behind = ["seq"] if dialect == "postgresql" else []
    Table(
        "change",
        meta,
        *_revision("change", dialect),
        #: Outlives the tenant.
        _text("tenant_id", null=True),
        _text("kind"),
        _text("object_id"),
        _text("actor"),
        _text("action"),
        #: JSON object: field to [from, to]; a secret is only said to have changed.
        _text("fields"),
        _text("at"),
        # newest first; on SQLite the row's own number is in each index
        *(Index(f"change_{name}", f"{name}_id", *behind) for name in ("tenant", "object")),
        sqlite_autoincrement=True,
    )
    seq = "seq" if dialect == "postgresql" else "revision as seq"
    view = f"create view audit as select {seq}, tenant_id, kind, object_id, actor, action, fields, at from change"

    def create_view(target: MetaData, connection: Connection, **rest: object) -> None:
        connection.execute(text(view))

    #: For who reads it: one name for the order, on both stores.
    event.listen(meta, "after_create", create_view)


def _revision(table: str, dialect: str) -> list[Column[int] | Index]:
    """The key of a table whose new rows are followed."""
    if dialect != "postgresql":
        return [Column("revision", Integer, primary_key=True)]
    transaction = text("((pg_current_xact_id())::text)::bigint")
    return [
        Column("seq", BigInteger, Identity(always=True), primary_key=True),
        Column("revision", BigInteger, nullable=False, server_default=transaction),
        Index(f"{table}_revision", "revision"),
    ]


def _idempotency(meta: MetaData) -> None:
    #: Requests with an Idempotency-Key that were carried out; without a status the answer is not known.
    Table(
        "idempotency",
        meta,
        Column("actor", TEXT, primary_key=True),
        Column("name", TEXT, primary_key=True),
        _text("fingerprint"),
        _text("claimed_at"),
        Column("status", Integer),
        _text("headers", default="{}"),
        #: Sealed with the key ring: it may hold a new secret.
        _text("body", null=True),
        Index("idempotency_claimed_at", "claimed_at"),
        sqlite_with_rowid=False,
    )


def _session(meta: MetaData) -> None:
    #: Of the console; one that is not here is over.
    Table(
        "session",
        meta,
        _id(),
        _text("expires_at"),
        Index("session_expires_at", "expires_at"),
        sqlite_with_rowid=False,
    )


def _edge(meta: MetaData) -> None:
    #: What edges of other processes say of themselves.
    Table(
        "edge",
        meta,
        Column("name", TEXT, primary_key=True),
        Column("ready", Integer, nullable=False),
        Column("applied", BigInteger, nullable=False),
        *map(_text, ("seen_at", "version", "signalling", "media")),
        sqlite_with_rowid=False,
    )


def _calls(meta: MetaData) -> None:
    """What stays of calls when what they name is gone: nothing refers to anything."""
    table = Table(
        "call",
        meta,
        _id(),
        _text("edge"),
        *map(_text, ("tenant_id", "direction", "number", "number_id", "trunk_id", "agent_id", "version_id")),
        *map(
            _text, ("caller", "called", "call_id", "user_agent", "source", "offered", "verstat", "state", "started_at")
        ),
        _text("answered_at", null=True),
        _text("ended_at", null=True),
        Column("code", Integer),
        _text("reason", null=True),
    )
    Index("call_started", table.c.started_at, table.c.id)
    Index("call_tenant", table.c.tenant_id, table.c.started_at, table.c.id)
    #: The tenant last: whose list it is, that tenant's rows alone are looked at.
    Index("call_number", table.c.number, table.c.started_at, table.c.id, table.c.tenant_id)
    Index("call_call_id", table.c.call_id, table.c.started_at, table.c.id)
    standing = table.c.ended_at.is_(None)
    Index("call_open", table.c.started_at, table.c.id, sqlite_where=standing, postgresql_where=standing)
    Table(
        "call_message",
        meta,
        Column("call_id", TEXT, primary_key=True),
        #: The event that told of it, and its place there.
        Column("event", BigInteger, primary_key=True, autoincrement=False),
        Column("line", Integer, primary_key=True, autoincrement=False),
        _text("at"),
        _text("method"),
        Column("status", Integer),
        *map(_text, ("phrase", "cseq", "branch", "source", "destination")),
        sqlite_with_rowid=False,
    )
    #: What else was told of it, as JSON.
    Table(
        "call_detail",
        meta,
        Column("call_id", TEXT, primary_key=True),
        Column("event", BigInteger, primary_key=True, autoincrement=False),
        Column("line", Integer, primary_key=True, autoincrement=False),
        *map(_text, ("at", "kind", "told")),
        sqlite_with_rowid=False,
    )
    table = Table(
        "refusal",
        meta,
        _id(),
        _text("at"),
        _text("direction"),
        Column("code", Integer, nullable=False),
        *map(_text, ("reason", "number", "number_id", "tenant_id", "trunk_id", "address", "source")),
        *map(_text, ("called", "caller", "call_id", "user_agent")),
        *(
            Column(name, TEXT, nullable=False, server_default=text("''"))
            for name in ("offered", "host", "caller_host", "to_uri", "party", "login")
        ),
    )
    Index("refusal_call_id", table.c.call_id, table.c.at, table.c.id)
    Index("refusal_at", table.c.at, table.c.id)
    Index("refusal_tenant", table.c.tenant_id, table.c.at, table.c.id)
    Index("refusal_called", table.c.called, table.c.at, table.c.id, table.c.tenant_id)
    Index("refusal_trunk", table.c.trunk_id, table.c.at, table.c.id)
    Index("refusal_address", table.c.address, table.c.at, table.c.id, table.c.tenant_id)
    table = Table(
        "registration",
        meta,
        _id(),
        *map(_text, ("at", "what", "tenant_id", "account_id", "trunk_id", "username", "reason")),
        Column("code", Integer),
        *map(_text, ("place", "contact", "user_agent")),
        Column("bindings", Integer),
    )
    Index("registration_at", table.c.at, table.c.id)
    Index("registration_tenant", table.c.tenant_id, table.c.at, table.c.id)
    for name in ("account_id", "trunk_id", "username"):
        Index(f"registration_{name}", table.c[name], table.c.at, table.c.id, table.c.tenant_id)
    #: One row for each file of events that was read: how far, and what was never written there.
    counters = ("lost_calls", "lost_messages", "lost_refusals", "banned")
    Table(
        "event_file",
        meta,
        Column("file", TEXT, primary_key=True),
        *(Column(name, BigInteger, nullable=False, server_default=text("0")) for name in ("position", *counters)),
        sqlite_with_rowid=False,
    )


def _events(meta: MetaData, dialect: str) -> None:
    """What happened. It outlives what it happened to, and its tenant."""
    Table(
        "event",
        meta,
        *_revision("event", dialect),
        Column("id", TEXT, nullable=False, unique=True),
        _text("type"),
        _text("tenant_id", null=True),
        _text("subject"),
        _text("at"),
        #: JSON object.
        _text("data"),
        #: Ids sort as the instants do.
        Index("event_tenant", "tenant_id", "id"),
        Index("event_subject", "subject", "id"),
        sqlite_autoincrement=True,
    )
    #: How far each that follows has come: before the first revision that it has not seen.
    Table(
        "follower",
        meta,
        Column("name", TEXT, primary_key=True),
        Column("mark", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )


def _verification(meta: MetaData) -> None:
    """What was tried of something that may be gone: nothing refers to anything."""
    table = Table(
        "verification",
        meta,
        _id(),
        _text("tenant_id", null=True),
        *map(_text, ("kind", "subject_id", "subject_name")),
        #: JSON list: the steps that were asked for.
        _text("asked"),
        _text("state"),
        _text("status", null=True),
        #: JSON list: what came of each.
        _text("steps"),
        _text("actor"),
        _text("started_at"),
        _text("finished_at", null=True),
    )
    Index("verification_started", table.c.started_at, table.c.id)
    Index("verification_tenant", table.c.tenant_id, table.c.started_at, table.c.id)
    Index("verification_subject", table.c.kind, table.c.subject_id, table.c.started_at, table.c.id)
    running = text("state = 'running'")
    Index("verification_running", table.c.started_at, sqlite_where=running, postgresql_where=running)


def _webhooks(meta: MetaData) -> None:
    Table(
        "webhook",
        meta,
        _id(),
        #: Null is the administrator's.
        _tenant_id(nullable=True),
        _text("url"),
        #: JSON list.
        _text("filters"),
        _text("description", null=True),
        Column("enabled", Integer, nullable=False),
        #: gone or failing; null unless it was disabled for that.
        _text("disabled", null=True),
        _text("failing_since", null=True),
        #: Both are sealed with the key ring; the webhook's id is associated data.
        _text("secret"),
        _text("previous_secret", null=True),
        _text("previous_until", null=True),
        _text("created_at"),
        _text("updated_at"),
        Index("webhook_tenant", "tenant_id", "created_at", "id"),
    )
    #: The outbox. The webhook may be gone: there may be too many to delete with it.
    table = Table(
        "webhook_delivery",
        meta,
        _id(),
        _text("webhook_id"),
        _text("event_id"),
        _text("state"),
        Column("tries", Integer, nullable=False),
        #: When it is sent, or its lease is over; null once it is done with.
        _text("due_at", null=True),
        #: JSON list.
        _text("attempts"),
        Index("webhook_delivery_listed", "webhook_id", "id"),
    )
    waiting, failed = text("due_at is not null"), text("state = 'failed'")
    due = (table.c.webhook_id, table.c.due_at, table.c.id)
    Index("webhook_delivery_due", *due, sqlite_where=waiting, postgresql_where=waiting)
    of_one = (table.c.webhook_id, table.c.id)
    Index("webhook_delivery_pending", *of_one, sqlite_where=waiting, postgresql_where=waiting)
    Index("webhook_delivery_failed", *of_one, sqlite_where=failed, postgresql_where=failed)


def _gateway(meta: MetaData) -> None:
    """Places of an edge that have stopped answering at some time, and what of that has been told."""
    table = Table(
        "gateway_health",
        meta,
        Column("edge", TEXT, primary_key=True),
        Column("uri", TEXT, primary_key=True),
        Column("down", Integer, nullable=False),
        _text("changed_at"),
        #: What was told last, when, and how often within the hour before that.
        Column("told_down", Integer, nullable=False, server_default=text("0")),
        _text("told_at", null=True),
        _counter("tells"),
        sqlite_with_rowid=False,
    )
    untold = text("down <> told_down")
    Index("gateway_health_untold", table.c.edge, table.c.changed_at, sqlite_where=untold, postgresql_where=untold)


def _verification_schedule(meta: MetaData) -> None:
    table = Table(
        "verification_schedule",
        meta,
        _id(),
        _text("tenant_id", null=True),
        *map(_text, ("kind", "subject_id", "subject_name")),
        #: JSON list; none: all that there are.
        _text("steps", null=True),
        Column("minutes", Integer, nullable=False),
        _text("next_at"),
        _text("actor"),
        _text("created_at"),
    )
    Index("verification_schedule_subject", table.c.kind, table.c.subject_id, unique=True)
    Index("verification_schedule_next", table.c.next_at, table.c.id)
    Index("verification_schedule_tenant", table.c.tenant_id, table.c.created_at, table.c.id)
    Index("verification_schedule_created", table.c.created_at, table.c.id)


def _figures(meta: MetaData) -> None:
    """What pictures are drawn of. An owner is a tenant, an operator or '', which is everybody; it may be gone."""
    Table(
        "tally",
        meta,
        Column("owner", TEXT, primary_key=True),
        #: The minute's beginning.
        Column("at", TEXT, primary_key=True),
        *map(_counter, ("calls", "answered", "failed", "refused", "registered")),
        Index("tally_at", "at"),
        sqlite_with_rowid=False,
    )
    Table(
        "refusal_tally",
        meta,
        *(Column(name, TEXT, primary_key=True) for name in ("owner", "at", "reason")),
        _counter("refused"),
        Index("refusal_tally_at", "at"),
        sqlite_with_rowid=False,
    )
    #: Accounts that are registered at each edge.
    Table(
        "registered",
        meta,
        Column("edge", TEXT, primary_key=True),
        Column("owner", TEXT, primary_key=True),
        Column("accounts", Integer, nullable=False),
        Index("registered_owner", "owner"),
        sqlite_with_rowid=False,
    )
