"""Note which documents no longer exist"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("commitment", sa.Column("replaced", postgresql.JSONB(), nullable=True), schema="exporter")
