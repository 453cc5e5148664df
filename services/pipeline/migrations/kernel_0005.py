"""What operators decide and why, as the fifth change to the pipeline's tables in every service.

Do not change: existing databases were migrated with it.
"""

import sqlalchemy as sa
from alembic import op


def keep_decisions_of_operators(schema: str) -> None:
    """Add why a dead letter was settled, and the tables outbox_discarded and offset_change, to `schema`."""
    op.add_column("dead_letter", sa.Column("settled_because", sa.Text(), nullable=True), schema=schema)
    _create_outbox_discarded(schema)
    op.create_table(
        "offset_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(cache=1), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("old_offset", sa.BigInteger(), nullable=True, comment="empty if nothing was ever read"),
        sa.Column("new_offset", sa.BigInteger(), nullable=False),
        sa.Column("skipped", sa.BigInteger(), nullable=False, comment="messages that were still there and unread"),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema=schema,
    )


def _create_outbox_discarded(schema: str) -> None:
    op.create_table(
        "outbox_discarded",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("discarded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("discarded_by", sa.Text(), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", "discarded_at"),
        schema=schema,
    )
    op.create_index("outbox_discarded_by_time", "outbox_discarded", ["discarded_at"], unique=False, schema=schema)
