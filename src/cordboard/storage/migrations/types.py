"""Column types that the tables and their migrations share."""

from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

#: Sorted by code point on both stores, as ids and instants must be.
TEXT = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
