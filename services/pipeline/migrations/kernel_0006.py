"""Finds the dead letters of a key, as the sixth change to the pipeline's tables in every service.

Do not change: existing databases were migrated with it.
"""

from alembic import op


def find_dead_letters_by_key(schema: str) -> None:
    """Add an index to `dead_letter` in `schema`; by hash, since a key may be longer than a B-tree's entries."""
    op.create_index("dead_letter_by_key", "dead_letter", ["key"], schema=schema, postgresql_using="hash")
