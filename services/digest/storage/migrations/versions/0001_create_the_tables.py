"""Create the tables."""

import sqlalchemy as sa
from alembic import op

from services.pipeline.migrations.kernel_0001 import create_kernel_tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_kernel_tables("digest")
    op.create_table(
        "digest_run",
        sa.Column("recipient_id", sa.Text(), nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("recipient_id", "local_date"),
        schema="digest",
    )
    op.create_table(
        "item",
        sa.Column("id", sa.Text(), nullable=False, comment="the commitment's id"),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("total", sa.Numeric(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False, comment="as told, as JSON"),
        sa.PrimaryKeyConstraint("id"),
        schema="digest",
    )
    op.create_index("item_by_status", "item", ["company_id", "status", "since"], unique=False, schema="digest")
    op.create_table(
        "person",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column(
            "version",
            sa.BigInteger(),
            nullable=False,
            comment="outlives a removal, so that an old record gives no right",
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("erp_tool", sa.Text(), nullable=False),
        sa.Column("can_push_to_accounting", sa.Boolean(), nullable=False),
        sa.Column("digest_subscribed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema="digest",
    )
    op.create_table(
        "preference",
        sa.Column("id", sa.Text(), nullable=False, comment="the person's id"),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("subscribed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema="digest",
    )
