"""Keep what the ERP answered to each attempt, say where orders were read, and find dead letters by key"""

import sqlalchemy as sa
from alembic import op

from services.pipeline.migrations.kernel_0006 import find_dead_letters_by_key

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "attempt",
        sa.Column("commitment_id", sa.Text(), nullable=False),
        sa.Column("token", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("connection", sa.Text()),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("is_probe", sa.Boolean(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text()),
        sa.Column("message", sa.Text()),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("commitment_id", "token"),
        schema="exporter",
    )
    op.create_index("attempt_ended", "attempt", ["ended_at"], schema="exporter")
    op.add_column("snapshot", sa.Column("read_partition", sa.Integer()), schema="exporter")
    op.add_column("snapshot", sa.Column("read_offset", sa.BigInteger()), schema="exporter")
    find_dead_letters_by_key("exporter")
