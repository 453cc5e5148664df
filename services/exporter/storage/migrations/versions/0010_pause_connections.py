"""Pause connections, let them recover, and limit their calls per minute"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    for column in (
        sa.Column("trials", sa.Integer(), server_default="0", nullable=False),
        sa.Column("allowed", sa.Integer(), nullable=True),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("full_at", sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column("connection", column, schema="exporter")
