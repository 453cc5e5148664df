"""Look again after a doubt"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "recheck",
        sa.Column("commitment_id", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_token", sa.Uuid(), nullable=True),
        sa.Column("looks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("told", JSONB(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(["commitment_id"], ["exporter.commitment.id"]),
        sa.PrimaryKeyConstraint("commitment_id"),
        schema="exporter",
    )
    op.create_index("recheck_due", "recheck", ["connection", "due_at"], unique=False, schema="exporter")
