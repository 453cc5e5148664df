"""Keep the texts that a company's approvers reuse as reasons for rejecting"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "reason_template",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False, comment="who added it, or changed it last, as JSON"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        schema="approval",
    )
    op.create_index("reason_template_by_company", "reason_template", ["company_id"], schema="approval")
