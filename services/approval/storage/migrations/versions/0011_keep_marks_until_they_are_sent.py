"""Keep what an approver has marked until it is sent"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "mark",
        sa.Column("person_id", sa.Text(), primary_key=True),
        sa.Column("commitment_id", sa.Text(), primary_key=True),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False, comment="accept or reject"),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False, comment="the content that was read"),
        sa.Column("reason", sa.Text()),
        sa.Column("erp_code", sa.Text()),
        sa.Column("accounting_date", sa.Date()),
        sa.Column("note", sa.Text()),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("number", sa.Text(), nullable=False, comment="as it was marked, like currency and total"),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("total", sa.Numeric(), nullable=False),
        schema="approval",
    )
    op.create_index("mark_by_time", "mark", ["at"], schema="approval")
