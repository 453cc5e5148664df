"""Count the comparisons that are under way, and keep which differences an approver has accepted"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_index(
        "comparison_leased",
        "comparison",
        ["connection"],
        schema="exporter",
        postgresql_where=sa.text("lease_token is not null"),
    )
    op.add_column("commitment", sa.Column("accepted_drift", postgresql.JSONB()), schema="exporter")
