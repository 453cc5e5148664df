"""Remember why an export is in doubt"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("export", sa.Column("doubt", JSONB(none_as_null=True), nullable=True), schema="exporter")
