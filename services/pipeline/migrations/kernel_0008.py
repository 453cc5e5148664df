"""Which topics offsets were saved of, as the eighth change to the pipeline's tables in every service.

Do not change: existing databases were migrated with it.
"""

import sqlalchemy as sa
from alembic import op


def know_topics_again(schema: str) -> None:
    """Add the table topic_seen to `schema`."""
    op.create_table(
        "topic_seen",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column(
            "topic_id",
            sa.Text(),
            nullable=False,
            comment="Kafka's own; a topic that is made anew gets another",
        ),
        sa.PrimaryKeyConstraint("topic"),
        schema=schema,
    )
