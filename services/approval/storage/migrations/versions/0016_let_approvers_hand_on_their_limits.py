"""Let approvers hand their amount limits to others for some days"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "delegation",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False, comment="whose limit it is"),
        sa.Column("to_id", sa.Text(), nullable=False, comment="who may use it"),
        sa.Column("first_day", sa.Date(), nullable=False, comment="where the owner is, like the last day"),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        schema="approval",
    )
    op.create_index("delegation_by_company", "delegation", ["company_id"], schema="approval")
    op.create_index("delegation_by_last_day", "delegation", ["last_day"], schema="approval")
