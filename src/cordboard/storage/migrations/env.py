"""Alembic's environment: it is handed a connection by `migrate`, and reads no file of settings."""

from alembic import context

from cordboard.storage.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata(connection.dialect.name),
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
