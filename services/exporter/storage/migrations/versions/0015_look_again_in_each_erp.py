"""Look again in each ERP that had a doubt about a commitment, and note who has a connection under a former name"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.drop_constraint("recheck_pkey", "recheck", schema="exporter")
    op.create_primary_key("recheck_pkey", "recheck", ["commitment_id", "connection"], schema="exporter")
    op.add_column("connection", sa.Column("formerly_until", sa.DateTime(timezone=True)), schema="exporter")
