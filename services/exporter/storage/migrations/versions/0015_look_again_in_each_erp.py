"""Look again in each ERP that had a doubt about a commitment, not only in the last one"""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.drop_constraint("recheck_pkey", "recheck", schema="exporter")
    op.create_primary_key("recheck_pkey", "recheck", ["commitment_id", "connection"], schema="exporter")
