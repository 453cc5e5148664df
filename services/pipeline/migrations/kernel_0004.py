"""Finds the events of a key in the outbox, as the third change to the pipeline's tables in every service.

Do not change: existing databases were migrated with it.
"""

from alembic import op


def find_events_by_key(schema: str) -> None:
    """Add an index to `outbox` in `schema`, which is nearly always almost empty."""
    op.create_index("outbox_by_key", "outbox", ["key"], unique=False, schema=schema)
