"""Know when a status was heard"""

import sqlalchemy as sa
from alembic import op

from services.pipeline.migrations.kernel_0007 import keep_times_in_calendar

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column(
        "item",
        sa.Column(
            "known_since",
            sa.DateTime(timezone=True),
            comment="when its present status was first heard of",
        ),
        schema="digest",
    )
    keep_times_in_calendar("digest")
