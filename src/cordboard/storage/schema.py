"""Which version of the schema this program needs, known without loading the migrations."""

#: The newest file under `migrations/versions/`.
HEAD = "0025"

APPLIED = "select version_num from alembic_version"
