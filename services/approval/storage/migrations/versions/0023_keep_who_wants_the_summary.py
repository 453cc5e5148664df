"""Keep who wants the daily summary, so that a repeated wish is told once"""

import sqlalchemy as sa
from alembic import op

from services.pipeline.migrations.kernel_0007 import keep_objects

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    comment = "the person's own wish about the daily summary, as JSON; empty before the first one"
    op.create_table(
        "preference",
        sa.Column("id", sa.Text(), primary_key=True, comment="the person's id"),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("record", sa.Text(), comment=comment),
        schema="approval",
    )
    keep_objects("approval", [("preference", "record")])
