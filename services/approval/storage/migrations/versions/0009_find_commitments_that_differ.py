"""Find commitments whose document in the ERP is not what was exported"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    comment = "whether its document in the ERP is not what was exported"
    op.add_column(
        "commitment",
        sa.Column("differs", sa.Boolean(), nullable=False, server_default="false", comment=comment),
        schema="approval",
    )
    op.create_index(
        "commitment_differing",
        "commitment",
        ["company_id", "since", "id"],
        schema="approval",
        postgresql_where=sa.text("differs"),
    )
