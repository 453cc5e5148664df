"""Hold what an approver accepts for some seconds, so that it can be undone"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    for column in (
        sa.Column("due_at", sa.DateTime(timezone=True), comment="when it is carried out; empty while it is not sent"),
        sa.Column("problem", sa.Text(), comment="why it was sent and could not be carried out"),
        sa.Column("traceparent", sa.Text(), comment="of the request that sent it"),
    ):
        op.add_column("mark", column, schema="approval")
    op.create_index(
        "mark_held", "mark", ["commitment_id"], schema="approval", postgresql_where=sa.text("due_at is not null")
    )
