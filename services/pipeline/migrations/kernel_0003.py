"""How a dead letter was settled, as the second change to the pipeline's tables in every service.

Do not change: existing databases were migrated with it.
"""

import sqlalchemy as sa
from alembic import op


def let_dead_letters_be_settled(schema: str) -> None:
    """Add to `dead_letter` in `schema` how, when and by whom it was settled, and indexes of open and settled ones."""
    settled_as = sa.Column(
        "settled_as", sa.Text(), nullable=True, comment="redriven, discarded or superseded; empty while it is open"
    )
    op.add_column("dead_letter", settled_as, schema=schema)
    op.add_column("dead_letter", sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True), schema=schema)
    op.add_column("dead_letter", sa.Column("settled_by", sa.Text(), nullable=True), schema=schema)
    op.create_index(
        "dead_letter_open",
        "dead_letter",
        ["reason"],
        unique=False,
        schema=schema,
        postgresql_where=sa.text("settled_at is null"),
    )
    op.create_index(
        "dead_letter_settled",
        "dead_letter",
        ["settled_at"],
        unique=False,
        schema=schema,
        postgresql_where=sa.text("settled_at is not null"),
    )
