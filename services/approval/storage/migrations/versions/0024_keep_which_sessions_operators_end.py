"""Keep which sessions operators end, and why"""

import sqlalchemy as sa
from alembic import op

from services.pipeline.migrations.kernel_0007 import keep_times_in_calendar

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.create_table(
        "ended_session",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("session", sa.Text(), nullable=False, comment="the beginning of its name, as it was listed"),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=False, comment="the operator's user of the operating system"),
        sa.Column("because", sa.Text(), nullable=False),
        schema="approval",
    )
    op.create_index("ended_session_by_time", "ended_session", ["ended_at"], schema="approval")
    keep_times_in_calendar("approval")
